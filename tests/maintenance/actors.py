"""People and switchers whose every statement waits to be let go, one at a time, by a test."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

PROMPTLY = 60.0
# Where an actor waits that has no statement to make, but a choice to be told.
END = "end"


class Crash(BaseException):
    """The process of an actor is gone."""


class Actor:
    """A thread with a connection of its own, which stops before each statement.

    ``at`` is the statement that it waits to make, ``END``, or None while it has nothing to do.
    ``is_blocked`` says that it has made one and the database keeps it waiting.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.at: str | None = None
        self.is_blocked = False
        self.outcome: Any = None
        self.facts: dict[str, Any] = {}
        # Statements with this text in them give up waiting by themselves, at once.
        self.impatient = ""
        self._made = ""
        self._crashes = False
        self._pid = 0
        self._jobs: queue.SimpleQueue[Callable[[Actor], Any] | None] = queue.SimpleQueue()
        self._permits: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        return self.at is None and not self.is_blocked

    @property
    def can_step(self) -> bool:
        return self.at not in (None, END)

    # What the test calls

    def start(self, job: Callable[["Actor"], Any], **facts: Any) -> None:
        """Begin a job and go as far as its first statement."""
        self.outcome, self.facts = None, facts
        self._jobs.put(job)
        self._follow()

    def step(self) -> None:
        """Make the statement it waits to make, and go as far as the next."""
        self._permits.put(None)
        self._follow()

    def look(self) -> None:
        """See whether the database has let it go."""
        if self.is_blocked:
            self._follow(clear=False)

    def crash(self) -> None:
        """End its connection as a killed process would, and let nothing more of the job happen."""
        self._crashes = True
        if connection.vendor == "postgresql":
            _terminate(self._pid)
        if not self.is_blocked:
            self._permits.put(None)
        self.is_blocked = False
        self._follow(clear=False)

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join(PROMPTLY)

    def _follow(self, *, clear: bool = True) -> None:
        """Wait until it stops again, ends, or is kept waiting by the database for certain."""
        for _ in range(int(PROMPTLY / 0.005)):
            if self._news.wait(0.005):
                self._news.clear()
                self.is_blocked = False
                return
            if connection.vendor == "postgresql" and self._will_wait() and _is_waiting(self._pid):
                self.at, self.is_blocked = None, True
                return
        raise AssertionError(f"{self.name} neither stops nor goes on")

    def _will_wait(self) -> bool:
        return not self.impatient or self.impatient not in self._made

    # What runs in its thread

    def pause(self, at: str) -> None:
        if self._crashes:
            raise Crash
        self.at = at
        self._news.set()
        self._permits.get()
        if self._crashes:
            connection.close() if connection.vendor == "postgresql" else _drop()
            raise Crash

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._connect()
            try:
                with connection.execute_wrapper(self._statement):
                    self.outcome = job(self)
            except BaseException as error:  # noqa: BLE001 what it came to is for the test to judge
                self.outcome = Crash() if self._crashes else error
            if self._crashes:
                connection.close()
                self._crashes = False
            self.at = None
            self._news.set()
        connection.close()

    def _connect(self) -> None:
        connection.ensure_connection()
        if connection.vendor == "postgresql":
            self._pid = connection.connection.info.backend_pid
        else:
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA busy_timeout = 0")

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.pause(sql)
        self._made = sql
        return execute(sql, params, many, context)


def _drop() -> None:
    """End a connection to SQLite behind the back of whoever has a transaction open on it."""
    if connection.connection is not None:
        connection.connection.rollback()  # closing alone waits for the last cursor to be collected
        connection.connection.close()


def _is_waiting(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])
        return bool(cursor.fetchone()[0])


def _terminate(pid: int) -> None:
    """End a backend and wait until it and its locks are gone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])


@contextmanager
def troupe(*names: str) -> Iterator[list[Actor]]:
    """Give actors for a test."""
    actors = [Actor(name) for name in names]
    try:
        yield actors
    finally:
        for actor in actors:
            actor.stop()
