"""Complete the runs that have ended and take the tasks that follow, in as few steps as can be.

On PostgreSQL it is one statement, which is its own transaction: each step between a program and its
database is paid in time. It sees the tasks that it completes as still running, so one that waits
for the key of theirs is found by the next look. SQLite, which is called in-process, takes steps.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import claiming, clock
from tasks.claiming import Lane
from tasks.models import LogChunk, ServerNode, ServerTask

# Task, mark, attempt, state, message; a run is named by the first three.
Ended = tuple[int, UUID | None, int, str, str]

_ENDED = """
UPDATE tasks_servertask task SET state = run.state, message = run.message,
  completed_time = {now}
FROM unnest(%(ids)s::bigint[], %(marks)s::uuid[], %(attempts)s::int[], %(states)s::text[],
  %(messages)s::text[]) AS run (id, incarnation, attempt, state, message)
WHERE task.id = run.id AND task.incarnation = run.incarnation AND task.attempt = run.attempt
  AND task.state || '' IN ('Executing', 'Cancelling')
RETURNING task.id"""

_LOGGED = """
INSERT INTO tasks_logchunk (task_id, first_line, line_count, started, text)
SELECT chunk.* FROM unnest(%(chunk_tasks)s::bigint[], %(first_lines)s::int[],
  %(line_counts)s::int[], %(starts)s::timestamptz[], %(texts)s::text[])
  AS chunk (task_id, first_line, line_count, started, text)
WHERE chunk.task_id IN (SELECT id FROM ended)
ON CONFLICT DO NOTHING"""

_TOGETHER = """
WITH ended AS ({ended}), logged AS ({logged}), {best} taken AS ({take})
SELECT (SELECT array_agg(id) FROM ended) AS done, taken.*
FROM (SELECT 1) AS one LEFT JOIN taken ON TRUE"""

_ONE = """
UPDATE tasks_servertask SET state = %s, message = %s, completed_time = %s
WHERE id = %s AND incarnation = %s AND attempt = %s AND state IN ('Executing', 'Cancelling')"""


def turn_over(
    runs: Sequence[Ended],
    chunks: Sequence[LogChunk],
    *,
    node: ServerNode,
    wanted: Counter[Lane],
    now: datetime | None = None,
) -> tuple[set[int], list[ServerTask]]:
    """Return the numbers of the tasks that this call completed, and the tasks that it took.

    Of ``chunks`` those of completed tasks are stored. Raises ``IntegrityError``, having done
    nothing, where a race for a concurrency key is lost.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        with transaction.atomic():
            done = _complete(connection, runs, chunks, now or clock.now())
            return done, claiming.take_some(node, wanted, now=now)
    with claiming.surviving(connection):
        rows = list(_together(connection, runs, chunks, node, wanted, now))
    taken = [row for row in rows if row.pk is not None]
    return set(getattr(rows[0], "done", None) or ()), claiming.in_order(taken)


def _together(
    connection: BaseDatabaseWrapper,
    runs: Sequence[Ended],
    chunks: Sequence[LogChunk],
    node: ServerNode,
    wanted: Counter[Lane],
    now: datetime | None,
) -> Any:
    moment = "%(now)s" if now else "STATEMENT_TIMESTAMP()"
    best, take, values = claiming.several(connection, node, wanted, now=now)
    statement = _TOGETHER.format(
        ended=_ENDED.format(now=moment), logged=_LOGGED, best=best, take=take
    )
    ids, marks, attempts, states, messages = (list(column) for column in zip(*runs, strict=True))
    values |= {
        "ids": ids,
        "marks": marks,
        "attempts": attempts,
        "states": states,
        "messages": messages,
        "chunk_tasks": [chunk.task_id for chunk in chunks],
        "first_lines": [chunk.first_line for chunk in chunks],
        "line_counts": [chunk.line_count for chunk in chunks],
        "starts": [chunk.started for chunk in chunks],
        "texts": [chunk.text for chunk in chunks],
    }
    return ServerTask.objects.raw(statement, values)


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
    kept = [chunk for chunk in chunks if chunk.task_id in done]
    LogChunk.objects.bulk_create(kept, ignore_conflicts=True)
    return done
