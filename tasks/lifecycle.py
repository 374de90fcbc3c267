"""Change the states of tasks: the one module that does.

Every change is compare-and-set. Whoever loses the race is told by the return value, and has changed
nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from tasks import admission, claiming, clock, conf, kinds, log, queue, turnover
from tasks.claiming import BOTH, Lane
from tasks.models import COMPLETED, LogChunk, ServerNode, ServerTask, State
from tasks.querysets import ServerTaskQuerySet

CANCEL = "tasks.cancel_servertask"
PRIORITIZE = "tasks.prioritize_servertask"
# Starts after which an idempotent task is taken for what brings its nodes down.
MOST_ATTEMPTS = 5
BATCH = 500


class IllegalTransition(Exception):  # noqa: N818 a state of the world
    """A completed task cannot be completed as this."""


def claim_next(
    node: ServerNode, *, lanes: Collection[Lane] = BOTH, now: datetime | None = None
) -> ServerTask | None:
    """Take the best ready task for ``node``, Queued to Executing; None if nothing is ready.

    Prioritized tasks come first, then the longest due. A node that drains, or whose row belongs to
    a later start of its worker, gets none.
    """
    return claiming.take_best(node, lanes=lanes, now=now)


def finish(
    task: ServerTask,
    *,
    state: State,
    message: str = "",
    last_words: Sequence[LogChunk] = (),
    now: datetime | None = None,
) -> bool:
    """Complete the run that ``task`` was claimed for, and store the end of its log with it.

    False if the run is this worker's no longer: it was abandoned and reaped. Done twice, the second
    time is False too.
    """
    with transaction.atomic():
        return _complete(task, state, message, last_words, now)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What a run has come to, and whether its slot goes on with another task of its lane."""

    task: ServerTask
    state: State
    message: str = ""
    last_words: Sequence[LogChunk] = ()
    takes_next: bool = True


def turn_over(
    endings: Sequence[Ending], *, node: ServerNode, now: datetime | None = None
) -> list[tuple[bool, ServerTask | None]]:
    """Do as ``finish`` for each and then as ``claim_next``, all in one transaction.

    Returns for each what ``finish`` does, and the task that follows in its slot.
    """
    wanted = Counter(Lane.of(ending.task) for ending in endings if ending.takes_next)
    try:
        done, taken = _turn_over(endings, node=node, wanted=wanted, now=now)
    except IntegrityError:  # a race for a concurrency key: no outcome must wait for its end
        return [_turn_over_alone(ending, node, now) for ending in endings]
    following = {lane: iter([task for task in taken if Lane.of(task) == lane]) for lane in wanted}
    return [
        (
            ending.task.pk in done,
            next(following[Lane.of(ending.task)], None) if ending.takes_next else None,
        )
        for ending in endings
    ]


def _turn_over_alone(
    ending: Ending, node: ServerNode, now: datetime | None
) -> tuple[bool, ServerTask | None]:
    done = finish(
        ending.task,
        state=ending.state,
        message=ending.message,
        last_words=ending.last_words,
        now=now,
    )
    lanes = [Lane.of(ending.task)] if ending.takes_next else []
    return done, claim_next(node, lanes=lanes, now=now)


def give_back(task: ServerTask, *, message: str, last_words: Sequence[LogChunk] = ()) -> bool:
    """Queue again a run that its worker, which stops, has ended; its kind must be idempotent.

    False if the run is this worker's no longer. What somebody canceled meanwhile is Canceled.
    """
    with transaction.atomic():
        expiry = clock.now() + conf.UNSCHEDULED_EXPIRY
        change = _UNCLAIMED | {"message": message, "queue_time_expiry": expiry}
        done = _own_run(task).filter(state=State.EXECUTING).update(**change)
        if not done:
            return _complete(task, State.CANCELED, "Canceled.", last_words, None)
        LogChunk.objects.bulk_create(last_words, ignore_conflicts=True)
    return True


def release(task: ServerTask) -> bool:
    """Put back a task that was claimed but, as the worker knows for certain, never started.

    False if the run is this worker's no longer, or somebody canceled it meanwhile.
    """
    return bool(_own_run(task).filter(state=State.EXECUTING).update(**_UNCLAIMED))


def cancel(task: ServerTask, *, person: Any = None, now: datetime | None = None) -> bool:
    """Cancel at once what is Queued, and ask what is Executing to stop; False if it is neither.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``; ``person`` None is the
    server itself.
    """
    name = admission.name_of(person)
    with transaction.atomic():
        admission.admit(person, CANCEL)
        row = ServerTask.objects.filter(pk=task.pk)
        if row.filter(state=State.QUEUED).update(
            state=State.CANCELED,
            message=f"Canceled by {name} before it started.",
            completed_time=clock.moment(now),
            cancel_requested_by=name,
        ):
            log.append(task, f"Canceled by {name} before it started.")
            return True
        asked = row.filter(state=State.EXECUTING).update(
            state=State.CANCELLING, message=f"{name} asked to cancel.", cancel_requested_by=name
        )
    return bool(asked)


def prioritize(task: ServerTask, *, person: Any = None) -> bool:
    """Move a queued task before all that are not prioritized; False if it is not queued, or was.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    with transaction.atomic():
        admission.admit(person, PRIORITIZE)
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
        admission.admit(person, PRIORITIZE)
        starts = queue_time or task.queue_time
        expires = max(queue_time_expiry or task.queue_time_expiry, task.queue_time_expiry)
        if queue_time is not None:
            queue.schedule(queue_time, expires, now=now or clock.now())
        changed = ServerTask.objects.queued().filter(pk=task.pk, queue_time=task.queue_time)
        if not changed.update(queue_time=starts, queue_time_expiry=expires):
            return False
        times = f"{starts:%Y-%m-%d %H:%M:%S %Z}, at the latest {expires:%Y-%m-%d %H:%M:%S %Z}"
        log.append(task, f"{name} gave it another time: {times}.")
    return True


def expire_due(*, now: datetime | None = None) -> list[ServerTask]:
    """Complete as TimedOut what was not started by its expiry; return those that this call did."""
    expired = []
    for task in ServerTask.objects.expired(now).order_by("queue_time_expiry")[:BATCH]:
        words = f"Not started by {task.queue_time_expiry:%Y-%m-%d %H:%M:%S %Z}, its expiry."
        with transaction.atomic():
            row = ServerTask.objects.expired(now).filter(pk=task.pk)
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
    lost = abandoned(now=now).exclude(incarnation__in=list(spared))
    return [task for task in lost.order_by("id")[:BATCH] if _reap(task, now)]


def _reap(task: ServerTask, now: datetime | None) -> bool:
    state, words = _verdict(task)
    change: dict[str, Any] = {"state": state, "message": words}
    if state == State.QUEUED:
        expiry = clock.now() + conf.UNSCHEDULED_EXPIRY
        change |= _UNCLAIMED | {"message": words, "queue_time_expiry": expiry}
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
    lost = f"Server node {task.node_name} stopped answering while it ran this task"
    if task.state == State.CANCELLING:
        return State.CANCELED, f"Canceled by {task.cancel_requested_by}. {lost}."
    if not _is_idempotent(task.kind):
        return State.FAILED, f"{lost}: nobody knows how far it came. Rerun it if that is safe."
    if task.attempt >= MOST_ATTEMPTS:
        return State.FAILED, f"{lost}, for the {task.attempt}th time: it is not started again."
    return State.QUEUED, f"{lost}. It starts again."


def _is_idempotent(kind: str) -> bool:
    try:
        return kinds.get(kind).idempotent
    except kinds.UnknownTaskKind:
        return False


def _complete(
    task: ServerTask,
    state: State,
    message: str,
    last_words: Sequence[LogChunk],
    now: datetime | None,
) -> bool:
    if state not in COMPLETED:
        raise IllegalTransition(f"{state} does not complete a task.")
    done = _own_run(task).update(
        state=state, message=log.storable(message), completed_time=clock.moment(now)
    )
    if done and last_words:
        LogChunk.objects.bulk_create(last_words, ignore_conflicts=True)
    return bool(done)


def _turn_over(
    endings: Sequence[Ending], *, node: ServerNode, wanted: Counter[Lane], now: datetime | None
) -> tuple[set[int], list[ServerTask]]:
    for ending in endings:
        if ending.state not in COMPLETED:
            raise IllegalTransition(f"{ending.state} does not complete a task.")
    return turnover.turn_over(
        [_ended(ending) for ending in endings],
        [chunk for ending in endings for chunk in ending.last_words],
        node=node,
        wanted=wanted,
        now=now,
    )


def _ended(ending: Ending) -> turnover.Ended:
    task, message = ending.task, log.storable(ending.message)
    return task.pk, task.incarnation, task.attempt, ending.state.value, message


_UNCLAIMED: dict[str, Any] = {
    "state": State.QUEUED,
    "node": None,
    "node_name": "",
    "incarnation": None,
    "start_time": None,
}


def _own_run(task: ServerTask) -> ServerTaskQuerySet:
    return ServerTask.objects.running().filter(
        pk=task.pk, incarnation=task.incarnation, attempt=task.attempt
    )


def names(tasks: Iterable[ServerTask]) -> str:
    """Return the names of some tasks, for a line of the server's own log."""
    return ", ".join(task.name for task in tasks)
