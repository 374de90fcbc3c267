"""Page through tasks newest first by id, without counting them and without skipping over them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.models import ServerTask
from tasks.querysets import ServerTaskQuerySet

SIZE = 50


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some tasks, and the cursors of the pages beside theirs."""

    tasks: Sequence[ServerTask]
    newer_than: int | None = None
    older_than: int | None = None
    # A page reached by "newer" that came out short is the beginning, cut at the wrong end.
    overshot: bool = False


def cut(
    tasks: ServerTaskQuerySet,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = SIZE,
) -> Page:
    """Return the page of at most ``size`` tasks that ends below or begins above a cursor."""
    return _newer(tasks, after, size) if after is not None else _older(tasks, before, size)


def _older(tasks: ServerTaskQuerySet, before: int | None, size: int) -> Page:
    rows = list(tasks.older_than(before)[: size + 1])
    shown = rows[:size]
    return Page(
        tasks=shown,
        newer_than=_newest(shown, before) if before is not None else None,
        older_than=shown[-1].pk if len(rows) > size else None,
    )


def _newest(shown: Sequence[ServerTask], before: int) -> int:
    return shown[0].pk if shown else before - 1


def _newer(tasks: ServerTaskQuerySet, after: int, size: int) -> Page:
    rows = list(tasks.newer_than(after)[: size + 1])
    shown = rows[:size][::-1]
    if len(rows) < size:
        return Page(tasks=shown, overshot=True)
    return Page(
        tasks=shown,
        newer_than=shown[0].pk if len(rows) > size else None,
        older_than=shown[-1].pk,
    )
