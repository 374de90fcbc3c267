"""Page through a project's rows newest first, without counting them or skipping over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

SIZE = 50
# The largest number that a row can have.
LAST = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Older:
    """Some rows, and the queries that lead to the newest and to those before them."""

    rows: Sequence[Any]
    newest: str
    older: str | None
    is_first: bool


def cut(rows: Any, query: QueryDict, *, size: int = SIZE) -> Older:
    """Return the rows below the number that a query names, or the newest."""
    before = number(query.get("before"))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: size + 1])
    shown = found[:size]
    return Older(
        rows=shown,
        newest=_with(query, None),
        older=_with(query, shown[-1].pk) if len(found) > size else None,
        is_first=before is None,
    )


def number(text: str | None) -> int | None:
    """Return the number that an address holds; None where it holds none that a row could have."""
    if not text or len(text) > 19 or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), LAST)


def _with(query: QueryDict, before: int | None) -> str:
    changed = query.copy()
    changed.pop("before", None)
    if before is not None:
        changed["before"] = str(before)
    return f"?{changed.urlencode()}"
