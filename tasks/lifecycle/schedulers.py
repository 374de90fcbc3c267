"""What a scheduler changes: tasks that nobody started in time, or whose node is gone."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from tasks import clock, conf, kinds, log, outages, verdicts
from tasks.lifecycle.workers import UNCLAIMED
from tasks.models import ServerNode, ServerTask, State
from tasks.querysets import ServerTaskQuerySet

# Starts after which an idempotent task is taken for what brings its nodes down.
MOST_ATTEMPTS = 5
BATCH = 500


def expire_due(*, now: datetime | None = None) -> list[ServerTask]:
    """Complete as TimedOut what was not started by its expiry; return those that this call did.

    Nothing, as long as nobody has looked at what an outage left behind: see ``tasks.outages``.
    """
    expired: list[ServerTask] = []
    if not ServerTask.objects.overdue(now).exists():  # as it nearly always is, and quickly asked
        return expired
    due = ServerTask.objects.expired(now).filter(outages.is_looked_into(now))
    for task in due.order_by("queue_time_expiry").select_related("hold")[:BATCH]:
        words = outages.describe(task)
        with transaction.atomic():
            row = due.filter(pk=task.pk)
            if _is_free(row) and row.update(
                state=State.TIMED_OUT, message=words, completed_time=clock.moment(now)
            ):
                log.append(task, words, category=log.ERROR)
                expired.append(task)
    return expired


def abandoned(*, now: datetime | None = None) -> ServerTaskQuerySet:
    """Return the running tasks whose worker is gone: no node that is alive carries their mark."""
    holder = ServerNode.objects.alive(now).filter(incarnation=OuterRef("incarnation"))
    return ServerTask.objects.running().filter(~Exists(holder))


def reap_lost(*, spared: Collection[UUID] = (), now: datetime | None = None) -> list[ServerTask]:
    """End every abandoned task; return those that this call ended or queued again.

    What is idempotent starts again by itself; what was being canceled is Canceled; the rest is
    Failed, since nobody can know how far it came. ``spared`` are workers to wait longer for.
    """
    if not ServerTask.objects.running().exists():
        return []
    lost = abandoned(now=now).exclude(incarnation__in=list(spared))
    return [task for task in lost.order_by("id")[:BATCH] if _reap(task, now)]


def _reap(task: ServerTask, now: datetime | None) -> bool:
    state, words = _verdict(task)
    change: dict[str, Any] = {"state": state, "message": words}
    if state == State.QUEUED:
        expiry = clock.now() + conf.UNSCHEDULED_EXPIRY
        change |= UNCLAIMED | {"message": words, "queue_time_expiry": expiry}
    else:
        change |= {"completed_time": clock.moment(now)}
    with transaction.atomic():
        run = abandoned(now=now).filter(
            pk=task.pk, incarnation=task.incarnation, attempt=task.attempt, state=task.state
        )
        if not (_is_free(run) and run.update(**change)):
            return False
        log.append(task, words, category=log.ERROR)
    return True


def _is_free(rows: ServerTaskQuerySet) -> bool:
    """Lock the row, unless somebody else has: a scheduler must not wait for whom it takes for lost.

    A worker that is stopped, or cut off, may do so in the middle of a transaction.
    """
    return bool(rows.select_for_update(skip_locked=True).values_list("pk"))


def _verdict(task: ServerTask) -> tuple[State, str]:
    """Say what becomes of an abandoned task, and why."""
    facts = {"node": task.node_name, "attempt": task.attempt}
    lost = verdicts.LOST % facts
    if task.state == State.CANCELLING:
        by = task.cancel_requested_by
        return State.CANCELED, verdicts.CANCELED_LOST % {"by": by, "why": lost}
    if not _is_idempotent(task.kind):
        return State.FAILED, verdicts.LOST_UNKNOWN % facts
    if task.attempt >= MOST_ATTEMPTS:
        return State.FAILED, verdicts.LOST_AGAIN % facts
    return State.QUEUED, verdicts.STARTS_AGAIN % {"why": lost}


def _is_idempotent(kind: str) -> bool:
    try:
        return kinds.get(kind).idempotent
    except kinds.UnknownTaskKind:
        return False
