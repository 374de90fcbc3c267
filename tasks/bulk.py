"""Do to many tasks what ``tasks.lifecycle`` does to one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tasks import lifecycle
from tasks.models import ServerTask

MOST = 500


class TooMany(Exception):  # noqa: N818 a state of the world
    """More tasks than one transaction should hold on to."""

    def __init__(self) -> None:
        super().__init__(_("At most %(most)d tasks can be changed at once.") % {"most": MOST})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the tasks, as they are now: changed by this call, or not; and how many not
    found."""

    changed: list[ServerTask]
    unchanged: list[ServerTask]
    missing: int


def cancel(pks: Iterable[int], *, person: Any = None) -> Outcome:
    """Cancel each of the tasks. Raises ``TooMany`` and what ``lifecycle.cancel`` does."""
    return _each(pks, lambda task: lifecycle.cancel(task, person=person))


def prioritize(pks: Iterable[int], *, person: Any = None) -> Outcome:
    """Move each to the top. Raises ``TooMany`` and what ``lifecycle.prioritize`` does."""
    return _each(pks, lambda task: lifecycle.prioritize(task, person=person))


def reschedule(
    pks: Iterable[int],
    *,
    queue_time: datetime | None,
    queue_time_expiry: datetime,
    person: Any = None,
) -> Outcome:
    """Give each other times. Raises ``TooMany`` and what ``lifecycle.reschedule`` does."""
    times = {"queue_time": queue_time, "queue_time_expiry": queue_time_expiry}
    return _each(pks, lambda task: lifecycle.reschedule(task, person=person, **times))


def start_anyway(pks: Iterable[int], *, expiry: datetime, person: Any = None) -> Outcome:
    """Let each that is held start. Raises ``TooMany`` and what ``lifecycle.start_anyway`` does."""
    return _each(pks, lambda task: lifecycle.start_anyway(task, expiry=expiry, person=person))


def let_expire(pks: Iterable[int], *, person: Any = None) -> Outcome:
    """Let each that is held expire. Raises ``TooMany`` and what ``lifecycle.let_expire`` does."""
    return _each(pks, lambda task: lifecycle.let_expire(task, person=person))


def _each(pks: Iterable[int], change: Callable[[ServerTask], bool]) -> Outcome:
    """Change all or, if anything is refused, none."""
    wanted = set(pks)
    if len(wanted) > MOST:
        raise TooMany
    with transaction.atomic():
        tasks = list(ServerTask.objects.numbered(wanted).defer("arguments"))
        won = {task.pk for task in tasks if change(task)}
        now = list(ServerTask.objects.numbered(wanted).defer("arguments"))
    return Outcome(
        changed=[task for task in now if task.pk in won],
        unchanged=[task for task in now if task.pk not in won],
        missing=len(wanted) - len(now),
    )
