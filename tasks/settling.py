"""Tell when a drain or a pause holds for what had already begun to claim.

On PostgreSQL a claim that began before the switch was committed may still start its task a moment
later. It holds its lock on the table from before it looked, so whoever sees that lock go has seen
it end. SQLite lets one write at a time, and the claim compares again in it.
"""

from django.db import DEFAULT_DB_ALIAS, connections

from tasks.models import ServerTask

_UNDER_WAY = """
SELECT virtualtransaction FROM pg_locks
WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid()"""


class Settling:
    """Make one once the switch is committed; ``is_over`` when nothing older is under way."""

    def __init__(self) -> None:
        self._older = _under_way()

    def is_over(self) -> bool:
        if self._older:
            self._older &= _under_way()
        return not self._older


def _under_way() -> set[str]:
    """Return the transactions that are writing tasks now."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_UNDER_WAY, [ServerTask._meta.db_table])
        return {name for (name,) in cursor.fetchall()}
