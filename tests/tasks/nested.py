"""The plans of what runs inside a procedure of PostgreSQL, which EXPLAIN does not show."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from psycopg.errors import Diagnostic


@contextmanager
def plans() -> Iterator[list[str]]:
    """Collect the plan of each statement, nested ones too; skip the test if the role may not."""
    found: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        found.append(diagnostic.message_primary or "")

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() != ("on",):
            pytest.skip("needs a role of PostgreSQL that is a superuser")
        for statement in (
            "LOAD 'auto_explain'",
            "SET LOCAL auto_explain.log_min_duration = 0",
            "SET LOCAL auto_explain.log_nested_statements = on",
            "SET LOCAL client_min_messages = log",
        ):
            cursor.execute(statement)
    connection.connection.add_notice_handler(note)
    try:
        yield found
    finally:
        connection.connection.remove_notice_handler(note)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL auto_explain.log_min_duration = -1")
