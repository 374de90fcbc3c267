"""What a worker changes: it claims a task, completes the run or puts it back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from tasks import claiming, clock, conf, log, turnover, verdicts
from tasks.claiming import BOTH, Lane
from tasks.models import COMPLETED, LogChunk, ServerNode, ServerTask, State
from tasks.procedure import Ended

# What a run that is undone leaves of a row.
UNCLAIMED: dict[str, Any] = {
    "state": State.QUEUED,
    "node": None,
    "node_name": "",
    "incarnation": None,
    "start_time": None,
}


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
    """What a run has come to."""

    task: ServerTask
    state: State
    message: str = ""
    last_words: Sequence[LogChunk] = ()


def turn_over(
    endings: Sequence[Ending],
    *,
    node: ServerNode,
    wanted: Mapping[Lane, int],
    now: datetime | None = None,
) -> tuple[list[bool], list[ServerTask]]:
    """Do as ``finish`` for each and then as ``claim_next`` for every slot, in one transaction.

    ``wanted`` says how many tasks of each lane there is room for then. Returns for each ending what
    ``finish`` does, and the tasks that were claimed.
    """
    for ending in endings:
        if ending.state not in COMPLETED:
            raise IllegalTransition(f"{ending.state} does not complete a task.")
    chunks = [chunk for ending in endings for chunk in ending.last_words]
    ended = [_ended(ending) for ending in endings]
    try:
        done, taken = turnover.turn_over(ended, chunks, node=node, wanted=wanted, now=now)
    except IntegrityError:  # a race for a concurrency key: no outcome must wait for its end
        kept = [_finish_alone(ending, now) for ending in endings]
        rooms = [lane for lane, room in wanted.items() for _ in range(room)]
        claims = (claim_next(node, lanes=[lane], now=now) for lane in rooms)
        return kept, [task for task in claims if task]
    return [ending.task.pk in done for ending in endings], taken


def _finish_alone(ending: Ending, now: datetime | None) -> bool:
    return finish(
        ending.task,
        state=ending.state,
        message=ending.message,
        last_words=ending.last_words,
        now=now,
    )


def give_back(task: ServerTask, *, message: str, last_words: Sequence[LogChunk] = ()) -> bool:
    """Queue again a run that its worker, which stops, has ended; its kind must be idempotent.

    False if the run is this worker's no longer. What somebody canceled meanwhile is Canceled.
    """
    with transaction.atomic():
        expiry = clock.now() + conf.UNSCHEDULED_EXPIRY
        change = UNCLAIMED | {"message": message, "queue_time_expiry": expiry}
        done = ServerTask.objects.run_of(task).filter(state=State.EXECUTING).update(**change)
        if not done:
            return _complete(task, State.CANCELED, verdicts.CANCELED, last_words, None)
        LogChunk.objects.bulk_create(last_words, ignore_conflicts=True)
    return True


def release(task: ServerTask) -> bool:
    """Put back a task that was claimed but, as the worker knows for certain, never started.

    False if the run is this worker's no longer, or somebody canceled it meanwhile.
    """
    return bool(ServerTask.objects.run_of(task).filter(state=State.EXECUTING).update(**UNCLAIMED))


def _complete(
    task: ServerTask,
    state: State,
    message: str,
    last_words: Sequence[LogChunk],
    now: datetime | None,
) -> bool:
    if state not in COMPLETED:
        raise IllegalTransition(f"{state} does not complete a task.")
    done = ServerTask.objects.run_of(task).update(
        state=state, message=log.storable(message), completed_time=clock.moment(now)
    )
    if done and last_words:
        LogChunk.objects.bulk_create(last_words, ignore_conflicts=True)
    return bool(done)


def _ended(ending: Ending) -> Ended:
    task, message = ending.task, log.storable(ending.message)
    return task.pk, task.incarnation, task.attempt, ending.state.value, message
