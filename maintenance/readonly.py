"""Hold a transaction read-only by the database engine's own switch, for that transaction alone."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from maintenance.barrier import begin_mode

POSTGRESQL_READ_ONLY = "25006"


@contextmanager
def read_only(alias: str) -> Iterator[None]:
    """Run a block in an outermost transaction in which the engine refuses every write."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        with _sqlite(connection):
            yield
        return
    with transaction.atomic(using=alias, durable=True):
        with connection.cursor() as cursor:
            # The query behind it is what makes it final: before one, it could be taken back.
            cursor.execute("SET TRANSACTION READ ONLY; SELECT 1")
        yield


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # DEFERRED, because IMMEDIATE would take the write lock for every page that is looked at.
    with begin_mode(connection, "DEFERRED"):
        block = transaction.atomic(using=connection.alias, durable=True)
        block.__enter__()
    try:
        _query_only(connection, on=True)
        yield
    except BaseException as error:
        block.__exit__(type(error), error, error.__traceback__)
        raise
    else:
        block.__exit__(None, None, None)
    finally:
        _writable_again(connection)


def _query_only(connection: BaseDatabaseWrapper, *, on: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA query_only = {'ON' if on else 'OFF'}")


def _writable_again(connection: BaseDatabaseWrapper) -> None:
    """End ``query_only``, which outlives the transaction; a connection that cannot is closed."""
    if connection.connection is None:
        return
    try:
        _query_only(connection, on=False)
    except Error:
        connection.close()


def is_refusal(error: BaseException | None) -> bool:
    """Whether an exception is, or was caused by, the engine's refusal to write."""
    while error is not None:
        if getattr(error, "sqlstate", None) == POSTGRESQL_READ_ONLY:
            return True
        code = getattr(error, "sqlite_errorcode", 0) or 0
        if isinstance(error, sqlite3.Error) and code & 0xFF == sqlite3.SQLITE_READONLY:
            return True
        error = error.__cause__ or error.__context__
    return False
