"""Find the best ready row and take it: on PostgreSQL by a procedure, on SQLite by the SQL here.

The SQL is written out because it runs for every task, and because its bounds must stay on the index
``servertask_ready`` however many tasks are queued for later.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import clock, procedure, rows
from tasks.models import ServerNode, ServerTask, State


class Lane(StrEnum):
    """Tasks of people and of the system have slots of their own, so that neither starves."""

    PEOPLE = "people"
    SYSTEM = "system"

    @classmethod
    def of(cls, task: ServerTask) -> "Lane":
        return cls.SYSTEM if task.is_system else cls.PEOPLE


BOTH = frozenset(Lane)
# Losing a race for a concurrency key means to look again; more often than this, let others go on.
LOOKS = 20

# A pause of the queue holds back what people queued; the beats of the system go on.
_NOT_PAUSED = "NOT EXISTS (SELECT 1 FROM tasks_queuepause pause WHERE pause.is_paused)"

_BEST = """
SELECT candidate.id FROM tasks_servertask candidate
WHERE candidate.state = 'Queued' AND candidate.is_system = {is_system}
  AND candidate.is_prioritized = {is_prioritized}
  AND candidate.queue_time <= %(now)s AND candidate.queue_time_expiry > %(now)s
  AND (candidate.concurrency_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM tasks_servertask rival
    WHERE rival.concurrency_key = candidate.concurrency_key
      AND rival.state IN ('Executing', 'Cancelling')))
  AND {unless_paused}
ORDER BY candidate.queue_time, candidate.id LIMIT 1"""

_TAKES_WORK = """EXISTS (
SELECT 1 FROM tasks_servernode node
WHERE node.id = %(node)s AND node.incarnation = %(incarnation)s AND node.is_draining = 0)"""

_LOOK = f"""SELECT {", ".join(rows.COLUMNS)} FROM tasks_servertask
WHERE id = {{best}} AND {_TAKES_WORK}"""  # noqa: S608 all of it is ours

_TAKE = f"""
UPDATE tasks_servertask SET state = 'Executing', node_id = %(node)s, node_name = %(name)s,
  incarnation = %(incarnation)s, start_time = %(now)s, attempt = attempt + 1, message = ''
WHERE state = 'Queued' AND id = %(id)s AND {_TAKES_WORK}
  AND (is_system OR {_NOT_PAUSED})"""  # noqa: S608 all of it is ours


def take_best(
    node: ServerNode, *, lanes: Collection[Lane] = BOTH, now: datetime | None = None
) -> ServerTask | None:
    """Take the best ready row of the lanes for ``node`` and return it; None if there is none."""
    connection = connections[DEFAULT_DB_ALIAS]
    for _ in range(LOOKS):
        try:
            with surviving(connection):
                return take_once(node, lanes=lanes, now=now)
        except IntegrityError:  # a task with the same key was started in between
            continue
    return None


def surviving(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Let a transaction around a statement survive its failure; a worker has none."""
    return transaction.atomic() if connection.in_atomic_block else nullcontext()


def take_once(
    node: ServerNode, *, lanes: Collection[Lane] = BOTH, now: datetime | None = None
) -> ServerTask | None:
    """Do as ``take_best``, but raise ``IntegrityError`` where a race for a key is lost."""
    if not lanes:
        return None
    connection = connections[DEFAULT_DB_ALIAS]
    take = _take_on_sqlite if connection.vendor == "sqlite" else _take_by_procedure
    return take(connection, node, lanes, now)


def take_some(
    node: ServerNode, wanted: Mapping[Lane, int], *, now: datetime | None = None
) -> list[ServerTask]:
    """Take the best ready rows on SQLite, at most so many of each lane, in the order of the claim.

    One after the other: the transaction that it belongs into holds the only lock there is. Raises
    ``IntegrityError`` where a race for a key is lost.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    taken: list[ServerTask] = []
    for lane, number in wanted.items():
        for _ in range(number):
            task = _take_on_sqlite(connection, node, [lane], now)
            if task is None:
                break
            taken.append(task)
    return in_order(taken)


def is_something_ready(
    node: ServerNode, *, lanes: Collection[Lane], now: datetime | None = None
) -> bool:
    """Tell whether there is something to take on SQLite; it takes no lock."""
    if not lanes:
        return False
    connection = connections[DEFAULT_DB_ALIAS]
    return bool(rows.read(connection, _look(frozenset(lanes)), _asked(connection, node, now)))


def in_order(tasks: Iterable[ServerTask]) -> list[ServerTask]:
    """Return tasks in the order of the claim."""
    return sorted(tasks, key=lambda task: (not task.is_prioritized, task.queue_time, task.pk))


def _take_by_procedure(
    connection: BaseDatabaseWrapper,
    node: ServerNode,
    lanes: Collection[Lane],
    now: datetime | None,
) -> ServerTask | None:
    _, taken = procedure.turn_over(
        connection,
        [],
        [],
        node=node,
        people=int(Lane.PEOPLE in lanes),
        system=int(Lane.SYSTEM in lanes),
        most=1,
        now=now,
    )
    return taken[0] if taken else None


def _take_on_sqlite(
    connection: BaseDatabaseWrapper,
    node: ServerNode,
    lanes: Collection[Lane],
    now: datetime | None,
) -> ServerTask | None:
    """Look first, since looking takes no lock, and compare again when taking."""
    at = now or clock.now()
    values = _asked(connection, node, at)
    look = _look(frozenset(lanes))
    while found := rows.read(connection, look, values):
        task = found[0]
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values | {"id": task.pk})
            if cursor.rowcount:
                return _taken(task, node, at)
    return None


def _taken(task: ServerTask, node: ServerNode, now: datetime) -> ServerTask:
    """Bring the row in memory up to what was just written."""
    task.state, task.message, task.start_time = State.EXECUTING, "", now
    task.node, task.node_name, task.incarnation = node, node.name, node.incarnation
    task.attempt += 1
    return task


@cache
def _look(lanes: frozenset[Lane]) -> str:
    """Return the query for the best row: the lanes one by one, prioritized rows first."""
    choices = [
        _BEST.format(
            is_system=int(lane == Lane.SYSTEM),
            is_prioritized=is_prioritized,
            unless_paused="1" if lane == Lane.SYSTEM else _NOT_PAUSED,
        )
        for lane in Lane
        if lane in lanes
        for is_prioritized in (1, 0)
    ]
    return _LOOK.format(best=f"COALESCE(({'), ('.join(choices)}))")


def _asked(
    connection: BaseDatabaseWrapper, node: ServerNode, now: datetime | None
) -> dict[str, Any]:
    """Return the values of a look."""
    field = ServerNode._meta.get_field("incarnation")
    incarnation: UUID | str = field.get_db_prep_value(node.incarnation, connection)
    at = connection.ops.adapt_datetimefield_value(now or clock.now())
    return {"node": node.pk, "name": node.name, "incarnation": incarnation, "now": at}
