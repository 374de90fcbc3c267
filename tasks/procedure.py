"""Call the procedure of PostgreSQL that completes runs and takes the tasks that follow them.

It is one statement, which is its own transaction: each step between a program and its database is
paid in time. PostgreSQL keeps the plans of what is in it, which to make anew takes longer than to
carry them out, and does so behind any pooler of connections. The migration that makes it says how
it goes about it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import rows
from tasks.models import LogChunk, ServerNode, ServerTask

# Task, mark, attempt, state, message; a run is named by the first three.
Ended = tuple[int, UUID | None, int, str, str]

_CALL = f"""SELECT done, {", ".join(f"(task).{column}" for column in rows.COLUMNS)}
FROM tasks_turn_over(%(node)s, %(incarnation)s::uuid, %(name)s, %(now)s::timestamptz,
  %(people)s, %(system)s, %(most)s,
  %(ids)s::bigint[], %(marks)s::uuid[], %(attempts)s::int[], %(states)s::text[],
  %(messages)s::text[], %(chunk_tasks)s::bigint[], %(first_lines)s::int[], %(line_counts)s::int[],
  %(starts)s::timestamptz[], %(texts)s::text[])"""  # noqa: S608 the columns are ours


def turn_over(
    connection: BaseDatabaseWrapper,
    runs: Sequence[Ended],
    chunks: Sequence[LogChunk],
    *,
    node: ServerNode,
    people: int,
    system: int,
    most: int,
    now: datetime | None,
) -> tuple[set[int], list[ServerTask]]:
    """Return the numbers of the tasks that were completed, and those that were taken.

    At most ``people`` and ``system`` of each lane are taken, and ``most`` of both, in the order of
    the claim. Raises ``IntegrityError``, having done nothing, where a race for a key is lost.
    """
    columns = [list(column) for column in zip(*runs, strict=True)] or [[], [], [], [], []]
    ids, marks, attempts, states, messages = columns
    values = {
        "node": node.pk,
        "incarnation": node.incarnation,
        "name": node.name,
        "now": now,
        "people": people,
        "system": system,
        "most": most,
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
    with connection.cursor() as cursor:
        cursor.execute(_CALL, values)
        (done, *_), *taken = cursor.fetchall()
    return set(done or ()), [rows.task_from(connection, row[1:]) for row in taken]
