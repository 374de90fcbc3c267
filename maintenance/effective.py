"""Whether the mode is on at this moment, and whether a window is announced, as one SQL expression.

It is computed from the row, the windows and the database's clock as the statement begins, so that a
window opens and closes on the second on every process, even if every scheduler is dead. As text,
since every request pays for it; ``tests/maintenance/test_effective.py`` holds it against the
querysets of ``maintenance.querysets``.
"""

# Bits of the one number that says both.
ON, ANNOUNCED = 1, 2

# SQLite's clock is to the second, as are the times at which the mode goes on and off by itself.
# What was recorded as open stays open when the clock is set back.
_SQLITE = """(
    (EXISTS (
        SELECT 1 FROM maintenance_maintenancemode
        WHERE id = 1 AND is_enabled
        AND NOT (closes_itself AND until IS NOT NULL AND until <= CURRENT_TIMESTAMP)
    ) OR EXISTS (
        SELECT 1 FROM maintenance_window
        WHERE called_off IS NULL AND ended IS NULL
        AND (opened IS NOT NULL OR starts <= CURRENT_TIMESTAMP)
        AND NOT (closes_itself AND ends IS NOT NULL AND ends <= CURRENT_TIMESTAMP)
    )) + 2 * EXISTS (
        SELECT 1 FROM maintenance_window
        WHERE called_off IS NULL AND ended IS NULL AND opened IS NULL
        AND starts > CURRENT_TIMESTAMP AND starts <= datetime('now', '+{ahead} seconds')
    )
)"""
# A function of our own (migration 0003), whose plan the server keeps; the same condition, by the
# time of the statement: a transaction's own time is older than the lock it has waited for.
_POSTGRESQL = "maintenance_outlook({ahead})"


def outlook(vendor: str, *, ahead: int = 0) -> str:
    """Return the expression for a database engine; windows are announced ``ahead`` seconds before.

    Its value is the sum of ``ON`` and ``ANNOUNCED``, as far as they apply.
    """
    text = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}[vendor]
    return " ".join(text.format(ahead=ahead).split())  # each request reads through it
