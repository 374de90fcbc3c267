"""Keep changes and the switch apart, by what each database engine offers for it.

A change takes the *shared* side for the length of its transaction; whoever switches the mode on
takes the *exclusive* side once the flag is committed, and so learns that every change let in before
is over.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import NotSupportedError

# "OCTO", "GATE" as two 32-bit numbers: an advisory lock of our own in the mode's database.
KEY = (0x4F43544F, 0x47415445)
SLICE = 1.0
# Seconds between two looks of a switch for SQLite's write lock.
LOOK = 0.002
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Wait:
    """What waiting for the exclusive side came to.

    ``in_flight`` counts the changes that were still in progress at the end, None where the engine
    cannot count them; ``waited`` is in seconds.
    """

    settled: bool
    in_flight: int | None
    waited: float


class Barrier(ABC):
    """The two sides of the barrier on one connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    @contextmanager
    def change(self) -> Iterator[None]:
        """Open the outermost transaction of a change."""
        with transaction.atomic(using=self.connection.alias, durable=True):
            yield

    @abstractmethod
    def enter(self) -> bool:
        """Take the shared side until the transaction ends; False while a switch wants the other."""

    @abstractmethod
    @contextmanager
    def switching(self, *, timeout: float) -> Iterator[None]:
        """Open the transaction that writes the mode, giving up after ``timeout`` seconds."""
        yield

    @abstractmethod
    def settle(self, *, timeout: float, wanted: Callable[[], bool]) -> Wait:
        """Take the exclusive side, for at most ``timeout`` seconds and while it is ``wanted``."""

    @abstractmethod
    def in_flight(self) -> int | None:
        """Count the changes in progress, on every host; None where that cannot be known."""


class PostgreSQLBarrier(Barrier):
    """Transaction-level advisory locks: fair, cheap, and safe behind a pooler of transactions."""

    def enter(self) -> bool:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock_shared(%s, %s),"
                " current_setting('transaction_isolation')",
                KEY,
            )
            entered, isolation = cursor.fetchone()
        if isolation != "read committed":
            # The mode would be read from a snapshot taken before the lock was granted.
            raise ImproperlyConfigured(
                f"The gate needs the isolation level read committed, not {isolation}."
            )
        return bool(entered)

    @contextmanager
    def switching(self, *, timeout: float) -> Iterator[None]:
        with transaction.atomic(using=self.connection.alias, durable=True):
            # A change in progress may hold a row that the switch has to write or refer to.
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {milliseconds(timeout)}")
            yield

    def settle(self, *, timeout: float, wanted: Callable[[], bool]) -> Wait:
        started = time.monotonic()
        while True:
            left = timeout - (time.monotonic() - started)
            if self._exclusive(max(0.001, min(SLICE, left))):
                return Wait(settled=True, in_flight=0, waited=time.monotonic() - started)
            if left <= SLICE or not wanted():
                return Wait(
                    settled=False,
                    in_flight=self.in_flight(),
                    waited=time.monotonic() - started,
                )

    def _exclusive(self, seconds: float) -> bool:
        """Take the exclusive side and let it go at once; False if that took too long."""
        try:
            with (
                transaction.atomic(using=self.connection.alias),
                self.connection.cursor() as cursor,
            ):
                cursor.execute(f"SET LOCAL lock_timeout = {milliseconds(seconds)}")
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", KEY)
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            return False
        return True

    def in_flight(self) -> int | None:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
                " AND classid = %s AND objid = %s AND mode = 'ShareLock' AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                KEY,
            )
            return int(cursor.fetchone()[0])


class SQLiteBarrier(Barrier):
    """The one writer that SQLite allows: an IMMEDIATE transaction is both sides of the barrier."""

    @contextmanager
    def change(self) -> Iterator[None]:
        with begin_mode(self.connection, "IMMEDIATE"):
            block = transaction.atomic(using=self.connection.alias, durable=True)
            block.__enter__()
        try:
            yield
        except BaseException as error:
            block.__exit__(type(error), error, error.__traceback__)
            raise
        block.__exit__(None, None, None)

    def enter(self) -> bool:
        return True

    @contextmanager
    def switching(self, *, timeout: float) -> Iterator[None]:
        with ExitStack() as stack:
            with busy_timeout(self.connection, 0):
                self._begin(stack, deadline=time.monotonic() + timeout)
            yield

    def _begin(self, stack: ExitStack, *, deadline: float) -> None:
        """Begin ahead of the changes that wait too.

        SQLite's own waiting, which is theirs, sleeps up to 100 ms between two looks: among many
        writers a switch that waited like that would seldom be the one that finds the lock free.
        """
        while True:
            try:
                stack.enter_context(self.change())
            except OperationalError as error:
                if not is_lock_timeout(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(LOOK)
            else:
                return

    def settle(self, *, timeout: float, wanted: Callable[[], bool]) -> Wait:
        return Wait(settled=True, in_flight=0, waited=0.0)

    def in_flight(self) -> int | None:
        return None


@contextmanager
def begin_mode(connection: BaseDatabaseWrapper, mode: str) -> Iterator[None]:
    """Start SQLite transactions in ``mode`` within this block, whatever the settings say."""
    connection.ensure_connection()  # connecting is what reads the mode from the settings
    before = connection.transaction_mode  # type: ignore[attr-defined]
    connection.transaction_mode = mode  # type: ignore[attr-defined]
    try:
        yield
    finally:
        connection.transaction_mode = before  # type: ignore[attr-defined]


@contextmanager
def busy_timeout(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Let SQLite itself wait for the write lock for ``seconds`` within this block."""
    with connection.cursor() as cursor:
        before = int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])
        cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {before}")


def milliseconds(seconds: float) -> int:
    """Return a lock_timeout for PostgreSQL, to which 0 would mean to wait for ever."""
    return max(1, int(seconds * 1000))


def is_lock_timeout(error: OperationalError) -> bool:
    """Whether an error says that a lock was not to be had in time."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "locked" in str(
        error
    )


BARRIERS: dict[str, type[Barrier]] = {"postgresql": PostgreSQLBarrier, "sqlite": SQLiteBarrier}


def of(alias: str) -> Barrier:
    """Return the barrier on a database.

    Raises ``NotSupportedError`` for an engine that the barrier does not know: no change is let in
    there, because none could be held back.
    """
    connection = connections[alias]
    try:
        return BARRIERS[connection.vendor](connection)
    except KeyError:
        raise NotSupportedError(
            f"Maintenance mode knows no barrier for {connection.vendor}."
        ) from None
