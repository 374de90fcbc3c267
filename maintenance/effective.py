"""Whether the mode is on at this moment, as one SQL condition.

It is computed from the row, the windows and the database's clock as the statement begins, so that a
window opens and closes on the second on every process, even if every scheduler is dead. As text,
since every request pays for it; ``tests/maintenance/test_effective.py`` holds it against the
querysets of ``maintenance.querysets``.
"""

# The time of the statement: a transaction's own time is older than the lock it has waited for.
# SQLite's is to the second, as are the times at which the mode goes on and off by itself.
CLOCK = {"postgresql": "statement_timestamp()", "sqlite": "CURRENT_TIMESTAMP"}
LATER = {
    "postgresql": "statement_timestamp() + interval '{seconds} seconds'",
    "sqlite": "datetime('now', '+{seconds} seconds')",
}

# What was recorded as open stays open when the clock is set back.
_IS_ON = """(
    EXISTS (
        SELECT 1 FROM maintenance_maintenancemode
        WHERE id = 1 AND is_enabled AND NOT (closes_itself AND until IS NOT NULL AND until <= {now})
    ) OR EXISTS (
        SELECT 1 FROM maintenance_window
        WHERE called_off IS NULL AND ended IS NULL AND (opened IS NOT NULL OR starts <= {now})
        AND NOT (closes_itself AND ends IS NOT NULL AND ends <= {now})
    )
)"""
_IS_ANNOUNCED = """EXISTS (
    SELECT 1 FROM maintenance_window
    WHERE called_off IS NULL AND ended IS NULL AND opened IS NULL
    AND starts > {now} AND starts <= {later}
)"""


def is_on(vendor: str) -> str:
    """Return the condition for a database engine."""
    return _IS_ON.format(now=CLOCK[vendor])


def is_announced(vendor: str, *, ahead: int) -> str:
    """Return the condition that a window begins within so many seconds from now."""
    return _IS_ANNOUNCED.format(now=CLOCK[vendor], later=LATER[vendor].format(seconds=ahead))
