"""What people change, and the server for them: each asks their permission and the gate first."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from tasks import admission, clock, log, outages, queue, verdicts, wake
from tasks.models import Hold, ServerTask, State

CANCEL = "tasks.cancel_servertask"
PRIORITIZE = "tasks.prioritize_servertask"


def cancel(task: ServerTask, *, person: Any = None, now: datetime | None = None) -> bool:
    """Cancel at once what is Queued, and ask what is Executing to stop; False if it is neither.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``; ``person`` None is the
    server itself.
    """
    name = admission.name_of(person)
    with transaction.atomic():
        admission.admit(person, CANCEL, task)
        row = ServerTask.objects.filter(pk=task.pk)
        words = verdicts.CANCELED_EARLY % {"by": name}
        if row.filter(state=State.QUEUED).update(
            state=State.CANCELED,
            message=words,
            completed_time=clock.moment(now),
            cancel_requested_by=name,
        ):
            log.append(task, words)
            return True
        asked = row.filter(state=State.EXECUTING).update(
            state=State.CANCELLING, message=verdicts.ASKED % {"by": name}, cancel_requested_by=name
        )
    return bool(asked)


def prioritize(task: ServerTask, *, person: Any = None) -> bool:
    """Move a queued task before all that are not prioritized; False if it is not queued, or was.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    with transaction.atomic():
        admission.admit(person, PRIORITIZE, task)
        moved = ServerTask.objects.filter(
            pk=task.pk, state=State.QUEUED, is_prioritized=False
        ).update(is_prioritized=True)
    return bool(moved)


def reschedule(
    task: ServerTask,
    *,
    queue_time: datetime | None = None,
    queue_time_expiry: datetime | None = None,
    person: Any = None,
    now: datetime | None = None,
) -> bool:
    """Give a queued task another time, or a later expiry; False if it is not queued any more.

    An expiry that is later already stays. Raises ``PermissionDenied``, ``queue.BadSchedule`` and
    ``maintenance.gate.InMaintenanceMode``.
    """
    name = admission.name_of(person)
    with transaction.atomic():
        admission.admit(person, PRIORITIZE, task)
        starts = queue_time or task.queue_time
        expires = max(queue_time_expiry or task.queue_time_expiry, task.queue_time_expiry)
        if queue_time is not None:
            queue.schedule(queue_time, expires, now=now or clock.now())
        changed = ServerTask.objects.queued().filter(pk=task.pk, queue_time=task.queue_time)
        if not changed.update(queue_time=starts, queue_time_expiry=expires):
            return False
        Hold.objects.filter(task=task).delete()
        times = f"{clock.words(starts)}, at the latest {clock.words(expires)}"
        log.append(task, f"{name} gave it another time: {times}.")
    return True


def start_anyway(
    task: ServerTask, *, expiry: datetime, person: Any = None, now: datetime | None = None
) -> bool:
    """Give a task that is held for a decision until ``expiry`` to start; False if it is not.

    Raises ``PermissionDenied``, ``queue.BadSchedule`` and ``maintenance.gate.InMaintenanceMode``.
    """
    with transaction.atomic():
        admission.admit(person, PRIORITIZE, task)
        _, expires = queue.schedule(None, expiry, now=now or clock.now())
        if not _decide(task, now, queue_time_expiry=expires):
            return False
        words = f"at the latest {clock.words(expires)}"
        log.append(task, f"{admission.name_of(person)} decided to start it anyway, {words}.")
        transaction.on_commit(wake.request, robust=True)
    return True


def let_expire(task: ServerTask, *, person: Any = None, now: datetime | None = None) -> bool:
    """Complete a task that is held for a decision as TimedOut; False if it is not held any more.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    with transaction.atomic():
        admission.admit(person, PRIORITIZE, task)
        by = admission.name_of(person)
        words = verdicts.LET_EXPIRE % {"why": outages.describe(task), "by": by}
        change = {"state": State.TIMED_OUT, "message": words, "completed_time": clock.moment(now)}
        if not _decide(task, now, **change):
            return False
        log.append(task, words, category=log.ERROR)
    return True


def _decide(task: ServerTask, now: datetime | None, **change: Any) -> bool:
    """Change a task that is held, and hold it no longer; False if somebody was first."""
    held = Hold.objects.filter(decide_by__gt=clock.moment(now)).filter(task=OuterRef("pk"))
    row = ServerTask.objects.queued().filter(Exists(held), pk=task.pk)
    if not row.update(**change):
        return False
    Hold.objects.filter(task=task).delete()
    return True
