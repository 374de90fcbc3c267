"""Read and store rows of tasks where every task pays for it, at less than a query set costs."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import clock
from tasks.models import ServerTask

_FIELDS = ServerTask._meta.concrete_fields
_NAMES = [field.attname for field in _FIELDS]
COLUMNS: Sequence[str] = [str(field.column) for field in _FIELDS]
_STORED = [field for field in _FIELDS if not field.primary_key]
_PLACES = {str(field.column): f"%({field.column})s" for field in _STORED}
# The times of a task that is queued now, as PostgreSQL tells them.
_NOW = {
    "created": "STATEMENT_TIMESTAMP()",
    "queue_time": "STATEMENT_TIMESTAMP()",
    "queue_time_expiry": "STATEMENT_TIMESTAMP() + %(expires_after)s",
}


def insert(task: ServerTask, *, expires_after: timedelta | None = None) -> None:
    """Store a new task by one statement; with ``expires_after``, as one that is queued now.

    Its times are the database's then, which PostgreSQL need not be asked for first. Raises
    ``IntegrityError``. Only ``tasks.queue`` calls it.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    is_postgresql = connection.vendor == "postgresql"
    if expires_after is not None and not is_postgresql:
        task.created = task.queue_time = clock.now()
        task.queue_time_expiry = task.created + expires_after
    values: dict[str, Any] = {
        str(field.column): field.get_db_prep_save(getattr(task, field.attname), connection)
        for field in _STORED
    }
    with connection.cursor() as cursor:
        if is_postgresql:
            times = _NOW if expires_after is not None else {}
            cursor.execute(
                f"{_inserting(**times)} RETURNING id, {', '.join(_NOW)}",
                values | {"expires_after": expires_after},
            )
            task.pk, task.created, task.queue_time, task.queue_time_expiry = cursor.fetchone()
        else:
            cursor.execute(_inserting(), values)
            task.pk = cursor.lastrowid
    task._state.adding, task._state.db = False, connection.alias


@cache
def _inserting(**places: str) -> str:
    values = _PLACES | places
    return (
        f"INSERT INTO tasks_servertask ({', '.join(values)}) "  # noqa: S608 all of it is ours
        f"VALUES ({', '.join(values.values())})"
    )


def read(connection: BaseDatabaseWrapper, sql: str, values: Any) -> list[ServerTask]:
    """Return the tasks that a statement answers with; it names ``COLUMNS`` in their order."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [task_from(connection, row) for row in cursor.fetchall()]


def task_from(connection: BaseDatabaseWrapper, row: Sequence[Any]) -> ServerTask:
    """Return the task of a row that holds ``COLUMNS`` in their order."""
    values = list(row)
    for place, expression, converters in _converted(connection.vendor):
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    return ServerTask.from_db(connection.alias, _NAMES, values)


@cache
def _converted(_vendor: str) -> list[tuple[int, Any, list[Callable[..., Any]]]]:
    """Return what an engine gives in another form than the fields have: place by place."""
    connection = connections[DEFAULT_DB_ALIAS]
    found = []
    for place, field in enumerate(_FIELDS):
        column = field.get_col(ServerTask._meta.db_table)
        engine = connection.ops.get_db_converters(column)
        if converters := [*engine, *column.get_db_converters(connection)]:
            found.append((place, column, converters))
    return found
