"""Say at start what would leave the gate open."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 the name
from django.db import connections

from maintenance import barrier, mode

MIDDLEWARE = "maintenance.middleware.MaintenanceModeMiddleware"


@register(Tags.security)
def check_middleware(**kwargs: Any) -> Sequence[CheckMessage]:
    """The gate must be there, and last: a middleware below it could answer or write unseen."""
    if MIDDLEWARE not in settings.MIDDLEWARE:
        return [
            Error(
                "The maintenance mode's middleware is missing, so the mode holds nothing back.",
                hint=f"Add {MIDDLEWARE!r} as the last entry of MIDDLEWARE.",
                id="maintenance.E001",
            )
        ]
    if settings.MIDDLEWARE[-1] != MIDDLEWARE:
        return [
            Error(
                "The maintenance mode's middleware is not the last one.",
                hint=f"Move {MIDDLEWARE!r} to the end of MIDDLEWARE.",
                id="maintenance.E002",
            )
        ]
    return []


@register(Tags.compatibility)
def check_database(**kwargs: Any) -> Sequence[CheckMessage]:
    """The database must be one whose transactions the barrier can keep apart from the switch."""
    alias = mode.database()
    connection = connections[alias]
    found: list[CheckMessage] = []
    if connection.vendor not in barrier.BARRIERS:
        found.append(
            Error(
                f"The barrier does not know the database engine {connection.vendor}.",
                hint="Keep the mode on PostgreSQL or SQLite, by a database router if need be.",
                id="maintenance.E003",
            )
        )
    if connection.settings_dict["ATOMIC_REQUESTS"]:
        found.append(
            Error(
                "ATOMIC_REQUESTS opens a transaction that the barrier must open itself.",
                hint=f"Remove ATOMIC_REQUESTS from DATABASES[{alias!r}].",
                id="maintenance.E004",
            )
        )
    options = connection.settings_dict.get("OPTIONS") or {}
    if connection.vendor == "sqlite" and options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            Warning(
                "SQLite transactions outside the gate begin DEFERRED, and fail when they meet.",
                hint=f'Set OPTIONS["transaction_mode"] = "IMMEDIATE" in DATABASES[{alias!r}].',
                id="maintenance.W001",
            )
        )
    if connection.vendor == "postgresql" and options.get("isolation_level") not in (None, 2):
        found.append(
            Error(
                "The gate needs PostgreSQL's isolation level read committed.",
                hint=f'Remove OPTIONS["isolation_level"] from DATABASES[{alias!r}].',
                id="maintenance.E005",
            )
        )
    return found
