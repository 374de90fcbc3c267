"""Find the best ready row and take it, in one statement where the engine can.

The SQL is written out because it runs for every task, and because its bounds must stay on the index
``servertask_ready`` however many tasks are queued for later.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tasks import clock
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
WHERE candidate.state = 'Queued' AND candidate.is_system = {system}
  AND candidate.is_prioritized = {prioritized}
  AND candidate.queue_time <= {now} AND candidate.queue_time_expiry > {now}
  AND (candidate.concurrency_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM tasks_servertask rival
    WHERE rival.concurrency_key = candidate.concurrency_key
      AND rival.state IN ('Executing', 'Cancelling')))
  AND {unless_paused}
ORDER BY candidate.queue_time, candidate.id LIMIT {limit} {locking}"""

_TAKES_WORK = """EXISTS (
SELECT 1 FROM tasks_servernode node
WHERE node.id = %(node)s AND node.incarnation = %(incarnation)s AND node.is_draining = {false})"""

_TAKE = """
UPDATE tasks_servertask SET state = 'Executing', node_id = %(node)s, node_name = %(name)s,
  incarnation = %(incarnation)s, start_time = {now}, attempt = attempt + 1, message = ''
WHERE state = 'Queued' AND id = {best} AND {takes_work} AND (is_system OR {not_paused})"""

# As _TAKE for several rows. The array, and a state that no partial index is known to have, keep
# the plan on the primary key: those indexes are full of rows that were queued just now.
_TAKE_SOME = """
UPDATE tasks_servertask SET state = 'Executing', node_id = %(node)s, node_name = %(name)s,
  incarnation = %(incarnation)s, start_time = {now}, attempt = attempt + 1, message = ''
WHERE state || '' = 'Queued' AND {takes_work} AND id = ANY (ARRAY ({best}))
RETURNING *"""

_LOOK = "SELECT * FROM tasks_servertask WHERE id = {best} AND {takes_work}"


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
    take = _take_on_sqlite if connection.vendor == "sqlite" else _take_with_lock
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


def in_order(tasks: Iterable[ServerTask]) -> list[ServerTask]:
    """Return tasks in the order of the claim."""
    return sorted(tasks, key=lambda task: (not task.is_prioritized, task.queue_time, task.pk))


def several(
    connection: BaseDatabaseWrapper,
    node: ServerNode,
    wanted: Mapping[Lane, int],
    *,
    now: datetime | None,
) -> tuple[str, str, dict[str, Any]]:
    """Return what takes several rows on PostgreSQL, as a part of one statement.

    These are the expressions that name the best of each lane, the statement that takes them, and
    the values of both.
    """
    moment = "%(now)s" if now else "STATEMENT_TIMESTAMP()"
    best = [part for lane in Lane for part in _named(lane, f"{int(wanted[lane])}", moment)]
    names = [name for name, _ in best]
    take = _TAKE_SOME.format(
        now=moment,
        best=" UNION ALL ".join(map("SELECT id FROM {}".format, names)) or "SELECT 0",
        takes_work=_TAKES_WORK.format(false="FALSE"),
    )
    values = _values(connection, node) | {"now": now}
    return "".join(f"{name} AS ({query}), " for name, query in best), take, values


def _named(lane: Lane, number: str, moment: str) -> list[tuple[str, str]]:
    parts = {
        "now": moment,
        "system": "TRUE" if lane == Lane.SYSTEM else "FALSE",
        "unless_paused": "TRUE" if lane == Lane.SYSTEM else _NOT_PAUSED,
        "locking": "FOR UPDATE SKIP LOCKED",
    }
    if number == "0":
        return []
    urgent = f"{lane}_urgent"
    left = f"{number} - (SELECT count(*) FROM {urgent})"  # noqa: S608 both are ours
    return [
        (urgent, _BEST.format(prioritized="TRUE", limit=number, **parts)),
        (f"{lane}_others", _BEST.format(prioritized="FALSE", limit=left, **parts)),
    ]


def _take_with_lock(
    connection: BaseDatabaseWrapper,
    node: ServerNode,
    lanes: Collection[Lane],
    now: datetime | None,
) -> ServerTask | None:
    """Rows that another worker is taking at this moment are passed over."""
    moment = "%(now)s" if now else "STATEMENT_TIMESTAMP()"
    take = _TAKE.format(
        now=moment,
        best=_best(lanes, now=moment, true="TRUE", false="FALSE", locking="FOR UPDATE SKIP LOCKED"),
        takes_work=_TAKES_WORK.format(false="FALSE"),
        not_paused=_NOT_PAUSED,
    )
    values = _values(connection, node) | {"now": now}
    return next(iter(ServerTask.objects.raw(f"{take} RETURNING *", values)), None)


def _take_on_sqlite(
    connection: BaseDatabaseWrapper,
    node: ServerNode,
    lanes: Collection[Lane],
    now: datetime | None,
) -> ServerTask | None:
    """Look first, since looking takes no lock, and compare again when taking."""
    at = now or clock.now()
    values = _values(connection, node)
    values |= {"now": connection.ops.adapt_datetimefield_value(at)}
    best = _best(lanes, now="%(now)s", true="1", false="0", locking="")
    takes_work = _TAKES_WORK.format(false="0")
    look = _LOOK.format(best=best, takes_work=takes_work)
    take = _TAKE.format(now="%(now)s", best="%(id)s", takes_work=takes_work, not_paused=_NOT_PAUSED)
    while task := next(iter(ServerTask.objects.raw(look, values)), None):
        with connection.cursor() as cursor:
            cursor.execute(take, values | {"id": task.pk})
            if cursor.rowcount:
                return _taken(task, node, at)
    return None


def _taken(task: ServerTask, node: ServerNode, now: datetime) -> ServerTask:
    """Bring the row in memory up to what was just written."""
    task.state, task.message, task.start_time = State.EXECUTING, "", now
    task.node, task.node_name, task.incarnation = node, node.name, node.incarnation
    task.attempt += 1
    return task


def _best(lanes: Collection[Lane], **parts: str) -> str:
    """Return the expression for the best row: the lanes one by one, prioritized rows first."""
    true, false = parts.pop("true"), parts.pop("false")
    choices = [
        "("
        + _BEST.format(
            system=system, prioritized=prioritized, unless_paused=unless_paused, limit="1", **parts
        )
        + ")"
        for lane, system, unless_paused in (
            (Lane.PEOPLE, false, _NOT_PAUSED),
            (Lane.SYSTEM, true, true),
        )
        if lane in lanes
        for prioritized in (true, false)
    ]
    return f"COALESCE({', '.join(choices)})"


def _values(connection: BaseDatabaseWrapper, node: ServerNode) -> dict[str, Any]:
    field = ServerNode._meta.get_field("incarnation")
    incarnation: UUID | str = field.get_db_prep_value(node.incarnation, connection)
    return {"node": node.pk, "name": node.name, "incarnation": incarnation}
