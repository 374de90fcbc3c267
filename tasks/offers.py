"""What a person may do to a task as it stands: the buttons of its page."""

from dataclasses import dataclass
from typing import Any

from tasks import kinds
from tasks.models import ServerTask, State


@dataclass(frozen=True, kw_only=True)
class Offers:
    cancel: bool
    prioritize: bool
    rerun: bool


def to(person: Any, task: ServerTask) -> Offers:
    """Return what the person may do; a button that would only be refused is not shown."""
    return Offers(
        cancel=task.state in (State.QUEUED, State.EXECUTING)
        and person.has_perm("tasks.cancel_servertask"),
        prioritize=task.state == State.QUEUED
        and not task.is_prioritized
        and person.has_perm("tasks.prioritize_servertask"),
        rerun=task.is_completed
        and person.has_perm("tasks.add_servertask")
        and any(kind.name == task.kind for kind in kinds.offered_to(person)),
    )
