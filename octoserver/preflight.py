"""Tell in one sentence what keeps this server from working, and what to set or run instead."""

import functools
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import CommandError
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def require() -> None:
    """Raise ``CommandError`` with the first problem, before a process of the server half works."""
    problem = database() or migrations() or broker()
    if problem:
        raise CommandError(problem)


def database() -> str:
    """Return why the database cannot be asked; nothing if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        connection.close()
        return _unreachable_database(connection.settings_dict, reason=_reason(error))
    return ""


def migrations() -> str:
    """Return that migrations are missing from a database that answers; nothing if none is."""
    try:
        applied = set(MigrationRecorder(connection).applied_migrations())
    except DatabaseError as error:
        return f"The database refuses to tell its migrations ({_reason(error)}): check its rights."
    missing = len(_known_migrations() - applied)
    if not missing:
        return ""
    count = "1 migration is" if missing == 1 else f"{missing} migrations are"
    return f"{count} not applied to the database: run manage.py migrate."


def broker() -> str:
    """Return why the broker cannot be reached; nothing if it can."""
    return _redis_broker() if settings.REDIS_IN_USE else _file_broker()


@functools.cache
def _known_migrations() -> set[tuple[str, str]]:
    """Return the migrations of this code, which stay what they are while the process lives."""
    return set(MigrationLoader(None).graph.nodes)


def _unreachable_database(config: dict[str, Any], *, reason: str) -> str:
    if connection.vendor == "sqlite":
        return (
            f"The database file {config['NAME']} cannot be used ({reason}): "
            "set VAR_DIR or DATABASE_URL to a place that this user may write to."
        )
    host, port = config["HOST"] or "localhost", config["PORT"] or 5432
    return (
        f"The database {config['NAME']} at {host}:{port} cannot be reached ({reason}): "
        "start it, or set DATABASE_URL to one that runs."
    )


def _redis_broker() -> str:
    # Here, because the embedded server never needs it: 6 MB in each of its processes.
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        with redis.Redis.from_url(
            settings.CELERY_BROKER_URL,
            socket_connect_timeout=2,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        address = urlsplit(settings.CELERY_BROKER_URL)
        return (
            f"The broker at {address.hostname}:{address.port or 6379} cannot be reached "
            f"({_reason(error)}): start Redis, or set REDIS_URL to one that runs."
        )
    return ""


def _file_broker() -> str:
    folder = Path(settings.VAR_DIR) / "broker"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return (
            f"The broker's folder {folder} cannot be used ({_reason(error)}): "
            "set VAR_DIR to a folder that this user may write to, or REDIS_URL."
        )


def _reason(error: Exception) -> str:
    """Return the first line of what the driver says; none of them repeats a password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rpartition("failed: ")[2].rstrip(".")
