"""The threads of a worker: one for each slot at most, each keeping its database connection warm.

They are not those of Celery's pool, so that its size does not bound a task cap that is raised while
it runs, and so that the heartbeat can call one of them while the broker is away.
"""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection, connections

from tasks.worker import Worker, system_slots

# Seconds for which a thread without work stays.
IDLE = 60.0

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
        """Claim nothing more and wait for what runs, unless it becomes urgent."""
        self.worker.is_stopping = True
        with self._called:
            self._called.notify_all()
        while self._threads and not is_urgent():
            for thread in list(self._threads):
                thread.join(timeout=0.1)
        self.worker.close()

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
