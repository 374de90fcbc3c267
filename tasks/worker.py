"""Execute tasks in this process: take a slot, claim, execute, finish, until nothing is ready."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError, connection

from tasks import clock, execution, kinds, lifecycle, log
from tasks.claiming import Lane
from tasks.execution import Execution, Outcome
from tasks.logwriter import Flusher, LogWriter
from tasks.models import ServerNode, ServerTask, State

# Seconds between attempts to store an outcome while the database is away.
PATIENCE = 1.0

logger = logging.getLogger(__name__)


class Worker:
    """The slots of this node, and what runs in them. Any thread may look for work."""

    def __init__(self, node: ServerNode) -> None:
        self.node = node
        self.task_cap = node.task_cap
        self.is_draining = node.is_draining
        # A plain flag, since a signal handler sets it.
        self.is_stopping = False
        # Called after each claim: there may be more to do, and another slot.
        self.on_claim: Callable[[], None] = lambda: None
        self._running: dict[int, Execution] = {}
        self._claiming = threading.Lock()
        self._flusher = Flusher()

    def look(self) -> None:
        """Execute ready tasks in this thread until none is left, or no slot is free."""
        while run := self._claim():
            self._execute(run)

    def free_lanes(self) -> list[Lane]:
        """Return the lanes with a slot that this worker may fill."""
        if self.is_stopping or self.is_draining:
            return []
        system = sum(run.task.is_system for run in self.running())
        people = len(self._running) - system
        lanes = [(Lane.PEOPLE, people < self.task_cap), (Lane.SYSTEM, system < system_slots())]
        return [lane for lane, has_room in lanes if has_room]

    def running(self) -> list[Execution]:
        return list(self._running.values())

    def settle_unknown(self, rows: Iterable[ServerTask]) -> None:
        """Put back what carries this worker's mark but was never started.

        That is a claim whose answer was lost on the way: the database had made it.
        """
        with self._claiming:
            for task in rows:
                if task.pk not in self._running and not lifecycle.release(task):
                    lifecycle.finish(task, state=State.CANCELED, message="Canceled.")

    def close(self) -> None:
        """End what stores the logs of running tasks."""
        self._flusher.stop()

    def _claim(self) -> Execution | None:
        """Fill a free slot with the best ready task."""
        with self._claiming:
            lanes = self.free_lanes()
            task = lifecycle.claim_next(self.node, lanes=lanes) if lanes else None
            if task is None:
                return None
            run = self._running[task.pk] = _begin(task)
        self.on_claim()
        return run

    def _execute(self, run: Execution) -> None:
        self._flusher.add(run.log)
        try:
            outcome = execution.carry_out(run)
            self._flusher.discard(run.log)
            self._finish(run, outcome)
        finally:
            self._flusher.discard(run.log)
            del self._running[run.task.pk]

    def _finish(self, run: Execution, outcome: Outcome) -> None:
        """Store the outcome, however long the database is away."""
        last_words = run.log.close()
        while not run.is_lost:
            try:
                kept = lifecycle.finish(
                    run.task, state=outcome.state, message=outcome.message, last_words=last_words
                )
            except DatabaseError as error:
                logger.warning("The outcome of %s is held back: %s", run.task.name, error)
                connection.close()
                time.sleep(PATIENCE)
            else:
                if not kept:
                    logger.warning("%s was taken for abandoned and reaped.", run.task.name)
                return


def system_slots() -> int:
    """Return the slots beside those of people: one for each kind, so none waits for another."""
    return max(len(kinds.system()), 1)


def _begin(task: ServerTask) -> Execution:
    first_line = log.line_count(task) + 1 if task.attempt > 1 else 1
    writer = LogWriter(task, now=task.start_time or clock.now(), first_line=first_line)
    return Execution(task, writer)
