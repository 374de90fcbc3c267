"""The threads of a worker: one for each slot at most, each keeping its database connection warm.

They are not those of Celery's pool, so that its size does not bound a task cap that is raised while
it runs, and so that the heartbeat can call one of them while the broker is away.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.db import DatabaseError, close_old_connections, connection, connections

from tasks import conf, verdicts
from tasks.claiming import Lane
from tasks.worker import Worker, system_slots

# Seconds for which a thread without work stays.
IDLE = 60.0
# Seconds after which a connection that was not used is tried before it is: that takes a round trip.
FRESH = 5.0
# Seconds that an ended task has: its script's SIGKILL comes after 10, and the outcome is stored.
LAST = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """When a worker that stops ends a task, in seconds, and why."""

    after: float
    because: str


class Crew:
    """Threads that look for work when they are called."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        worker.on_claim = self.summon
        self._called = threading.Condition()
        self._is_wanted = False
        self._idle = 0
        self._threads: set[threading.Thread] = set()

    def call(self) -> None:
        """Let a thread look for work if a slot is free. Neither waits nor asks the database."""
        with self._called:
            self.worker.calls += 1
            if self.worker.free_lanes():
                self._is_wanted = True
                self._rouse(1)

    def summon(self, number: int) -> None:
        """Let so many threads execute what has begun."""
        with self._called:
            self._rouse(number)

    def _rouse(self, number: int) -> None:
        """Wake so many threads, or add them; each slot has one at most."""
        self._called.notify(number)
        most = self.worker.task_cap + system_slots()
        for _ in range(min(number - self._idle, most - len(self._threads))):
            self._add()

    def stop(self, *, is_urgent: Callable[[], bool] = lambda: False) -> None:
        """Claim nothing more and wait for what runs, unless it becomes urgent.

        System tasks end at once, since they may start again at any time, those of people when
        their time to finish is over. What does not end then, as work in Python may hang, is left
        to die with the process.
        """
        self.worker.is_stopping = True
        with self._called:
            self._called.notify_all()
        notices, began = self._notices(), time.monotonic()
        while self._is_waited_for(notices, time.monotonic() - began) and not is_urgent():
            for thread in list(self._threads):
                thread.join(timeout=0.1)
        for run in self.worker.running():
            logger.warning("%s has not ended: it dies with this worker.", run.task.name)
        self.worker.close()

    def _notices(self) -> dict[Lane, Notice]:
        """Return when to end the tasks of each lane, and in which words."""
        node, patience = self.worker.node.name, conf.stop_timeout()
        return {
            Lane.SYSTEM: Notice(0, verdicts.STOPS % {"node": node}),
            Lane.PEOPLE: Notice(patience, verdicts.stops_after(patience, node=node)),
        }

    def _is_waited_for(self, notices: Mapping[Lane, Notice], waited: float) -> bool:
        """End the runs whose time has come; return whether any thread may still end in time.

        Asked again and again: a claim that was under way may bring one more run.
        """
        given_up = 0
        for run in self.worker.running():
            notice = notices[Lane.of(run.task)]
            if waited >= notice.after and run.end(notice.because):
                logger.warning("%s is ended: %s", run.task.name, notice.because)
            given_up += waited >= notice.after + LAST
        longest = max(notice.after for notice in notices.values()) + LAST
        return waited < longest and len(self._threads) > given_up

    def _add(self) -> None:
        thread = threading.Thread(target=self._serve, name="tasks", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        """Look whenever called, until not called for some time."""
        used = float("-inf")
        try:
            while self._wait_for_call():
                if time.monotonic() - used > FRESH:
                    close_old_connections()
                self._look()
                used = time.monotonic()
        finally:
            connections.close_all()
            with self._called:
                self._threads.discard(threading.current_thread())

    def _wait_for_call(self) -> bool:
        with self._called:
            self._idle += 1
            self._called.wait_for(self._is_due, timeout=IDLE)
            self._idle -= 1
            if self.worker.has_begun:
                if self._is_wanted:  # another has to look: this run may take long
                    self._rouse(1)
                return True
            is_wanted, self._is_wanted = self._is_wanted, False
            return is_wanted and not self.worker.is_stopping

    def _is_due(self) -> bool:
        return self._is_wanted or self.worker.has_begun or self.worker.is_stopping

    def _look(self) -> None:
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
