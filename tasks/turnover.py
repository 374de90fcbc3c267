"""Complete the runs that have ended and take the tasks that follow, in one transaction.

On PostgreSQL a procedure does it. SQLite, which is called in-process, takes steps.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import claiming, clock, procedure
from tasks.claiming import Lane
from tasks.models import LogChunk, ServerNode, ServerTask
from tasks.procedure import Ended

_ONE = """
UPDATE tasks_servertask SET state = %s, message = %s, completed_time = %s
WHERE id = %s AND incarnation = %s AND attempt = %s AND state IN ('Executing', 'Cancelling')"""

_LOGGED = """
INSERT OR IGNORE INTO tasks_logchunk (task_id, first_line, line_count, started, text)
VALUES (%s, %s, %s, %s, %s)"""


def turn_over(
    runs: Sequence[Ended],
    chunks: Sequence[LogChunk],
    *,
    node: ServerNode,
    wanted: Mapping[Lane, int],
    now: datetime | None = None,
) -> tuple[set[int], list[ServerTask]]:
    """Return the numbers of the tasks that this call completed, and the tasks that it took.

    Of ``chunks`` those of completed tasks are stored. Raises ``IntegrityError``, having done
    nothing, where a race for a concurrency key is lost.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        if not runs and not claiming.is_something_ready(node, lanes=wanted, now=now):
            return set(), []  # without the lock, which whoever queues a task needs
        with transaction.atomic():
            done = _complete(connection, runs, chunks, now or clock.now())
            return done, claiming.take_some(node, wanted, now=now)
    with claiming.surviving(connection):
        return procedure.turn_over(
            connection,
            runs,
            chunks,
            node=node,
            people=wanted.get(Lane.PEOPLE, 0),
            system=wanted.get(Lane.SYSTEM, 0),
            most=sum(wanted.values()),
            now=now,
        )


def _complete(
    connection: BaseDatabaseWrapper,
    runs: Sequence[Ended],
    chunks: Sequence[LogChunk],
    now: datetime,
) -> set[int]:
    at = connection.ops.adapt_datetimefield_value(now)
    field = ServerNode._meta.get_field("incarnation")
    done = set()
    with connection.cursor() as cursor:
        for task, incarnation, attempt, state, message in runs:
            mark = field.get_db_prep_value(incarnation, connection)
            cursor.execute(_ONE, [state, message, at, task, mark, attempt])
            if cursor.rowcount:
                done.add(task)
        kept = [_values(connection, chunk) for chunk in chunks if chunk.task_id in done]
        if kept:
            cursor.executemany(_LOGGED, kept)
    return done


def _values(connection: BaseDatabaseWrapper, chunk: LogChunk) -> tuple[int, int, int, Any, str]:
    started = connection.ops.adapt_datetimefield_value(chunk.started)
    return chunk.task_id, chunk.first_line, chunk.line_count, started, chunk.text
