"""Execute tasks in this process: take a slot, claim, execute, finish, until nothing is ready."""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from django.db import DatabaseError, close_old_connections, connection, connections

from tasks import clock, execution, kinds, lifecycle, log
from tasks.claiming import Lane
from tasks.execution import Execution, Outcome
from tasks.logwriter import Flusher, LogWriter
from tasks.models import ServerNode, ServerTask, State

# Seconds for which a thread without work keeps itself and its connection ready.
IDLE = 60.0
# Seconds between attempts to store an outcome while the database is away.
PATIENCE = 1.0

logger = logging.getLogger(__name__)


class Worker:
    """The slots of this node, and the threads that execute tasks in them."""

    def __init__(self, node: ServerNode) -> None:
        self.node = node
        self.task_cap = node.task_cap
        self.is_draining = node.is_draining
        # A plain flag, since a signal handler sets it.
        self.is_stopping = False
        self._running: dict[int, Execution] = {}
        self._claiming = threading.Lock()
        self._called = threading.Condition()
        self._is_wanted = False
        self._idle = 0
        self._threads: set[threading.Thread] = set()
        self._flusher = Flusher()

    def wake(self) -> None:
        """Let a thread look for work if a slot is free. Neither waits nor asks the database."""
        with self._called:
            if not self.free_lanes():
                return
            self._is_wanted = True
            if self._idle:
                self._called.notify()
            elif len(self._threads) < self.task_cap + system_slots():
                self._add_thread()

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

    def stop(self, *, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Claim nothing more and wait for what runs, unless it becomes urgent."""
        self.is_stopping = True
        with self._called:
            self._called.notify_all()
        while self._threads and not is_urgent():
            for thread in list(self._threads):
                thread.join(timeout=0.1)
        self._flusher.stop()

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="tasks", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        """Look whenever called, until not called for some time."""
        try:
            while self._wait_for_call():
                close_old_connections()
                try:
                    self.look()
                except DatabaseError as error:
                    logger.warning("Looking for work failed, the next sweep will do: %s", error)
                    connection.close()
        finally:
            connections.close_all()
            with self._called:
                self._threads.discard(threading.current_thread())

    def _wait_for_call(self) -> bool:
        with self._called:
            self._idle += 1
            self._called.wait_for(lambda: self._is_wanted or self.is_stopping, timeout=IDLE)
            self._idle -= 1
            called, self._is_wanted = self._is_wanted and not self.is_stopping, False
            return called

    def _claim(self) -> Execution | None:
        """Fill a free slot with the best ready task."""
        with self._claiming:
            lanes = self.free_lanes()
            task = lifecycle.claim_next(self.node, lanes=lanes) if lanes else None
            if task is None:
                return None
            run = self._running[task.pk] = _begin(task)
        self.wake()  # there may be more, and another slot
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


_worker: Worker | None = None


def start(node: ServerNode) -> Worker:
    """Make this process a worker."""
    global _worker
    _worker = Worker(node)
    return _worker


def forget() -> None:
    """Let this process be a worker no longer."""
    global _worker
    _worker = None


def wake() -> None:
    """Let the worker of this process look for work, if it is one."""
    if _worker is not None:
        _worker.wake()
