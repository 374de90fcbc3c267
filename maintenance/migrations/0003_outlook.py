"""Put the condition into a function on PostgreSQL, which keeps its plan from call to call.

Planning it anew takes longer than all else that a page pays for the mode.
"""

from django.db import migrations

CREATE = """
CREATE OR REPLACE FUNCTION maintenance_outlook(ahead integer) RETURNS integer
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        EXISTS (
            SELECT 1 FROM maintenance_maintenancemode
            WHERE id = 1 AND is_enabled
            AND NOT (closes_itself AND until IS NOT NULL AND until <= statement_timestamp())
        ) OR EXISTS (
            SELECT 1 FROM maintenance_window
            WHERE called_off IS NULL AND ended IS NULL
            AND (opened IS NOT NULL OR starts <= statement_timestamp())
            AND NOT (closes_itself AND ends IS NOT NULL AND ends <= statement_timestamp())
        )
    )::integer + 2 * (
        EXISTS (
            SELECT 1 FROM maintenance_window
            WHERE called_off IS NULL AND ended IS NULL AND opened IS NULL
            AND starts > statement_timestamp()
            AND starts <= statement_timestamp() + make_interval(secs => ahead)
        )
    )::integer;
END
$$
"""
DROP = "DROP FUNCTION IF EXISTS maintenance_outlook(integer)"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    dependencies = [("maintenance", "0002_windows")]
    operations = [migrations.RunPython(create, drop)]
