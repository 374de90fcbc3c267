"""What a person may do to a task as it stands: the buttons of its page."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from tasks import kinds
from tasks.models import ServerTask, State


@dataclass(frozen=True, kw_only=True)
class Offers:
    cancel: bool
    prioritize: bool
    rerun: bool
    rerun_on_time: bool


def to(person: Any, task: ServerTask) -> Offers:
    """Return what the person may do; a button that would only be refused is not shown."""
    if kinds.withheld(person, [task]):
        return Offers(cancel=False, prioritize=False, rerun=False, rerun_on_time=False)
    may_rerun = (
        task.is_completed
        and person.has_perm("tasks.add_servertask")
        and any(kind.name == task.kind for kind in kinds.offered_to(person))
    )
    return Offers(
        cancel=task.state in (State.QUEUED, State.EXECUTING)
        and person.has_perm("tasks.cancel_servertask"),
        prioritize=task.state == State.QUEUED
        and not task.is_prioritized
        and person.has_perm("tasks.prioritize_servertask"),
        rerun=may_rerun,
        rerun_on_time=may_rerun and was_called_off(task),
    )


def was_called_off(task: ServerTask) -> bool:
    """Say whether a task was canceled before its time, which is still to come."""
    is_ahead = task.queue_time > timezone.now()
    return task.state == State.CANCELED and task.start_time is None and is_ahead
