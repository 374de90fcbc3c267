"""The threads of a worker: one for each slot at most, each keeping its database connection warm.

They are not those of Celery's pool, so that its size does not bound a task cap that is raised while
it runs, and so that the heartbeat can call one of them while the broker is away.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection, connections

from tasks import conf
from tasks.claiming import Lane
from tasks.worker import Worker, system_slots

# Seconds for which a thread without work stays.
IDLE = 60.0
# Seconds that an ended task has: its script's SIGKILL comes after 10, and the outcome is stored.
LAST = 20.0

logger = logging.getLogger(__name__)


class Crew:
    """Threads that look for work when they are called."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        worker.on_claim = self.call
        self._called = threading.Condition()
        self._is_wanted = False
        self._idle = 0
        self._threads: set[threading.Thread] = set()

    def call(self) -> None:
        """Let a thread look for work if a slot is free. Neither waits nor asks the database."""
        with self._called:
            if not self.worker.free_lanes():
                return
            self._is_wanted = True
            if self._idle:
                self._called.notify()
            elif len(self._threads) < self.worker.task_cap + system_slots():
                self._add()

    def stop(self, *, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Claim nothing more and wait for what runs, unless it becomes urgent.

        System tasks end at once, since they may start again at any time, those of people when
        their time to finish is over. What does not end then is left to die with the process.
        """
        self.worker.is_stopping = True
        with self._called:
            self._called.notify_all()
        patience = conf.stop_timeout()
        because = f"Server node {self.worker.node.name} stops."
        if not self._wait(patience, is_urgent, ending=[Lane.SYSTEM], because=because):
            seconds = f"{patience:g} second{'' if patience == 1 else 's'}"
            because = f"{because.rstrip('.')}, and has waited {seconds} for this task."
            self._wait(LAST, is_urgent, ending=list(Lane), because=because)
        self.worker.close()

    def _wait(
        self, seconds: float, is_urgent: Callable[[], bool], *, ending: list[Lane], because: str
    ) -> bool:
        """Wait until every thread has ended, or no longer; return whether to wait no more.

        What runs in the lanes ``ending`` is ended: a claim that was under way may bring one more.
        """
        deadline = time.monotonic() + seconds
        while self._threads and not is_urgent():
            if time.monotonic() >= deadline:
                return False
            for run in self.worker.running():
                if Lane.of(run.task) in ending and run.end(because):
                    logger.warning("%s is ended: %s", run.task.name, because)
            for thread in list(self._threads):
                thread.join(timeout=0.1)
        return True

    def _add(self) -> None:
        thread = threading.Thread(target=self._serve, name="tasks", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        """Look whenever called, until not called for some time."""
        try:
            while self._wait_for_call():
                self._look()
        finally:
            connections.close_all()
            with self._called:
                self._threads.discard(threading.current_thread())

    def _wait_for_call(self) -> bool:
        with self._called:
            self._idle += 1
            self._called.wait_for(lambda: self._is_wanted or self.worker.is_stopping, timeout=IDLE)
            self._idle -= 1
            is_wanted, self._is_wanted = self._is_wanted, False
            return is_wanted and not self.worker.is_stopping

    def _look(self) -> None:
        close_old_connections()
        try:
            self.worker.look()
        except DatabaseError as error:
            logger.warning("Looking for work failed, the next sweep will do: %s", error)
            connection.close()


_crew: Crew | None = None


def muster(worker: Worker) -> Crew:
    """Make this process's threads those of ``worker``."""
    global _crew
    _crew = Crew(worker)
    return _crew


def dismiss() -> None:
    """Let this process be a worker no longer."""
    global _crew
    _crew = None


def call() -> None:
    """Let a thread of this process look for work, if it is a worker."""
    if _crew is not None:
        _crew.call()
