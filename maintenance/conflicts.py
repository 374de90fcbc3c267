"""What is scheduled in a time in which the server may be stopped, and what becomes of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from maintenance import trail, work
from maintenance.work import Foreseen, Scheduled

# How long after the end what is moved, or left to wait, may still start.
AFTER = timedelta(minutes=30)


class Choice(models.TextChoices):
    """What to do with tasks that are in the way."""

    STAND = "stand", _("Let them stand: each starts at its time if the server runs then")
    MOVE = "move", _("Move them to the end")
    EXTEND = "extend", _("Let them start up to 30 minutes after the end")


@dataclass(frozen=True)
class Conflict:
    """Something scheduled that is in the way, and whether it would expire before the end."""

    task: Scheduled
    expires: bool


@dataclass(frozen=True)
class InTheWay:
    """What is scheduled in a time, and what recurs in it, which can only be let stand or ended."""

    tasks: Sequence[Conflict] = ()
    foreseen: Sequence[Foreseen] = ()

    def __bool__(self) -> bool:
        return bool(self.tasks or self.foreseen)


def within(begin: datetime, end: datetime | None) -> InTheWay:
    """Return what would start, or expire, from ``begin`` to ``end``; None is for ever."""
    tasks = [
        Conflict(task, expires=end is None or task.expiry <= end)
        for task in work.scheduled(begin, end)
    ]
    return InTheWay(tasks, work.foreseen(begin, end))


def until(end: datetime | None, *, using: str) -> InTheWay:
    """Return what is in the way of stopping the server from now to a stated end; none without."""
    return within(trail.now(using), end) if end is not None else InTheWay()


def settle(keys: Collection[str], choice: str, *, end: datetime, person: Any) -> int:
    """Do it to the tasks with these keys; return how many were changed.

    ``person`` None is the server itself. Raises ``work.CannotReschedule``.
    """
    if choice == Choice.STAND or not keys:
        return 0
    move_to = end if choice == Choice.MOVE else None
    return work.reschedule(keys, person=person, move_to=move_to, expiry=end + AFTER)
