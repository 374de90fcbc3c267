"""Keep time for the queue: beats of system kinds, expiry, abandoned tasks, and waking workers.

Any number of schedulers may run: each step is compare-and-set or under a unique constraint.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connection
from django.db.models import Min

from tasks import clock, conf, kinds, lifecycle, outages, queue, wake
from tasks.claiming import Lane
from tasks.models import ServerNode, ServerTask
from tasks.worker import system_slots

INTERVAL, SHORTEST = 0.5, 0.01
# Seconds between two turns of what may come that much later; to ask costs more than to do it.
UPKEEP = 1.0
# Seconds for which a scheduler itself must have watched a node be silent, without a gap of its own:
# after an outage of the database every node looks silent until its next heartbeat.
WATCH, GAP = 10.0, 5.0
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

logger = logging.getLogger(__name__)
_more_steps: list[Callable[[], object]] = []


def add_step(step: Callable[[], object]) -> None:
    """Let every scheduler do this at each turn, too; it must bear being done by several at once."""
    if step not in _more_steps:
        _more_steps.append(step)


def every(seconds: float, step: Callable[[], object]) -> Callable[[], object]:
    """Return a step that is done at a scheduler's first turn, then so often."""
    due = float("-inf")

    def sparing() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + seconds
            step()

    return sparing


class SilenceWatch:
    """Remember for how long this process has seen which worker's heartbeat stand still."""

    def __init__(self) -> None:
        self._seen: dict[UUID, tuple[datetime | None, float]] = {}
        self._looked = float("-inf")

    def too_short(self, nodes: list[ServerNode], *, at: float) -> list[UUID]:
        """Return the workers to be spared; ``at`` is a monotonic time in seconds."""
        if at - self._looked > GAP:
            self._seen.clear()
        self._looked = at
        for node in nodes:
            if node.incarnation is None:
                continue
            last_seen, _ = self._seen.get(node.incarnation, (None, 0.0))
            if last_seen != node.last_seen or node.incarnation not in self._seen:
                self._seen[node.incarnation] = (node.last_seen, at)
        stopped = {node.incarnation for node in nodes if node.stopped}
        return [
            incarnation
            for incarnation, (_, since) in self._seen.items()
            if at - since < min(WATCH, conf.node_silence()) and incarnation not in stopped
        ]


class Scheduler:
    """One scheduler; ``tick`` is one turn of its loop."""

    def __init__(self) -> None:
        self._watch = SilenceWatch()
        self._kept_up = float("-inf")

    def run(self, *, pause: Callable[[float], bool]) -> None:
        """Turn until ``pause``, which waits for so many seconds, returns False."""
        self._guarded(settle_at_start)
        self.tick()
        while pause(self.until_next_turn()):
            close_old_connections()
            self.turn(at=time.monotonic())

    def turn(self, *, at: float) -> None:
        """Do every step that is due at ``at``, a monotonic time in seconds."""
        if at - self._kept_up < UPKEEP:
            self._do(self.queue_occurrences, self.wake_workers)
            return
        self._kept_up = at
        self.tick()

    def tick(self) -> None:
        """Do every step."""
        self._do(self.look_for_outage, self.expire, self.reap)
        self._do(self.queue_occurrences, *_more_steps, self.wake_workers)

    def _do(self, *steps: Callable[[], object]) -> None:
        """Do some steps; one that fails does not keep the others from their turn."""
        for step in steps:
            self._guarded(step)

    def look_for_outage(self, *, now: datetime | None = None) -> None:
        """Before anything expires: hold what expired while no scheduler ran."""
        for task in outages.note_alive(now=now):
            logger.warning("%s expired while no scheduler ran: it waits for a decision.", task.name)

    def expire(self, *, now: datetime | None = None) -> None:
        for task in lifecycle.expire_due(now=now):
            logger.warning("%s %s", task.name, "was not started by its expiry: TimedOut.")

    def reap(self, *, now: datetime | None = None) -> None:
        spared = self._watch.too_short(list(ServerNode.objects.all()), at=time.monotonic())
        for task in lifecycle.reap_lost(spared=spared, now=now):
            logger.warning("%s was abandoned by its node.", task.name)

    def queue_occurrences(self, *, now: datetime | None = None) -> list[ServerTask]:
        """Queue each system kind whose interval has begun and is not served yet."""
        at = now or clock.now()
        slots = {kind.name: slot for kind in kinds.system() if (slot := slot_of(kind, at))}
        served = set(ServerTask.objects.beats(slots).values_list("kind", "occurrence"))
        due = {kind: slot for kind, slot in slots.items() if (kind, slot) not in served}
        queued = [queue.enqueue_occurrence(kind, slot) for kind, slot in due.items()]
        return [task for task in queued if task]

    def wake_workers(self, *, now: datetime | None = None) -> bool:
        """Wake workers if something is ready and a slot free somewhere; return whether so."""
        if not ServerTask.objects.is_any_ready(now):
            return False
        nodes = ServerNode.objects.taking_work(now).with_running()
        lanes = {lane for node in nodes for lane in _free_lanes(node)}
        is_wanted = any(
            ServerTask.objects.ready(now).of_lane(lane == Lane.SYSTEM).exists() for lane in lanes
        )
        if is_wanted:
            wake.request()
        return is_wanted

    def until_next_turn(self) -> float:
        """Return the seconds until the next turn: fewer if a scheduled task is due before."""
        seconds = INTERVAL
        try:
            now = clock.now()
            due = ServerTask.objects.scheduled(now).aggregate(first=Min("queue_time"))["first"]
        except DatabaseError:
            connection.close()
            return seconds
        if due is not None:
            seconds = min(seconds, (due - now).total_seconds())
        return max(seconds, SHORTEST)

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except DatabaseError as error:
            logger.warning("The database did not serve the scheduler, which tries again: %s", error)
            connection.close()
        except Exception:
            logger.exception("A step of the scheduler failed, it tries again.")


def settle_at_start() -> None:
    """Reap what stopped workers left behind, and queue the kinds that run at every start."""
    fresh = [
        node.incarnation for node in ServerNode.objects.filter(stopped=None) if node.incarnation
    ]
    lifecycle.reap_lost(spared=fresh)
    now = clock.now()
    for kind in kinds.system():
        if kind.at_start:
            slot = slot_of(kind, now)
            if queue.enqueue_occurrence(kind.name, slot) is None:
                queue.enqueue_occurrence(kind.name, None)


def slot_of(kind: kinds.TaskKind, now: datetime) -> datetime | None:
    """Return the beginning of the interval that ``now`` lies in, the same on every node."""
    interval = kind.current_interval
    return EPOCH + (now - EPOCH) // interval * interval if interval else None


def _free_lanes(node: ServerNode) -> list[Lane]:
    """Return the lanes of a node, read with ``with_running``, that have a slot."""
    room = {
        Lane.PEOPLE: node.running_people < node.task_cap,
        Lane.SYSTEM: node.running_system < system_slots(),
    }
    return [lane for lane, has_room in room.items() if has_room]
