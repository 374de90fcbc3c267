"""Tell the time by the database's clock, which every node shares, whatever its own says."""

from datetime import datetime
from typing import cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models.functions import Now
from django.utils import timezone


def now() -> datetime:
    """Return the database's time."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT STATEMENT_TIMESTAMP()")
        return cast(datetime, cursor.fetchone()[0])


def moment(at: datetime | None = None) -> datetime | Now:
    """Return what a query compares with: ``at`` if given, else the time of the statement itself.

    SQLite runs on this machine, and its own expression is cut to milliseconds: a row queued and
    looked for within the same one would not be ready yet.
    """
    if at is not None:
        return at
    return timezone.now() if connections[DEFAULT_DB_ALIAS].vendor == "sqlite" else Now()


def words(time: datetime) -> str:
    """Write a time in the server's zone, named, as the tables beside it have it."""
    return f"{timezone.localtime(time):%Y-%m-%d %H:%M:%S %Z}"
