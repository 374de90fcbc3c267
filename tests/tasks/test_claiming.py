import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from tasks import clock, lifecycle, queue
from tasks.claiming import Lane
from tasks.lifecycle import Ending
from tasks.models import LogChunk, ServerNode, ServerTask, State
from tests.tasks import nested
from tests.tasks.conftest import make_node

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def claimed(node: ServerNode, count: int) -> list[ServerTask | None]:
    return [lifecycle.claim_next(node) for _ in range(count)]


def test_a_claimed_task_carries_its_node_and_the_time(node: ServerNode) -> None:
    queue.enqueue("Simple")

    task = lifecycle.claim_next(node)

    assert task is not None
    stored = ServerTask.objects.get()
    for row in (task, stored):
        assert (row.state, row.node, row.node_name) == (State.EXECUTING, node, "north")
        assert (row.incarnation, row.attempt) == (node.incarnation, 1)
    assert task.start_time == stored.start_time
    assert stored.start_time is not None
    assert stored.start_time >= stored.created


def test_q2_a_task_is_claimed_once(node: ServerNode, other_node: ServerNode) -> None:
    queue.enqueue("Simple")
    assert lifecycle.claim_next(node) is not None
    assert lifecycle.claim_next(other_node) is None
    assert lifecycle.claim_next(node) is None


def test_q4_prioritized_first_then_by_queue_time(node: ServerNode) -> None:
    now = clock.now()
    late, early, urgent = (queue.enqueue("Simple", prioritized=urgent) for urgent in (0, 0, 1))
    ServerTask.objects.filter(pk=late.pk).update(queue_time=now)
    ServerTask.objects.filter(pk=early.pk).update(queue_time=now - timedelta(minutes=5))
    assert claimed(node, 4) == [urgent, early, late, None]


def test_equal_queue_times_go_by_number(node: ServerNode) -> None:
    tasks = [queue.enqueue("Simple") for _ in range(3)]
    ServerTask.objects.update(queue_time=clock.now())
    assert claimed(node, 3) == tasks


def test_a_scheduled_task_is_claimed_when_its_time_has_come(node: ServerNode) -> None:
    at = clock.now() + timedelta(hours=1)
    task = queue.enqueue("Simple", queue_time=at, prioritized=True)
    assert lifecycle.claim_next(node, now=at - timedelta(milliseconds=1)) is None
    assert lifecycle.claim_next(node, now=at) == task


def test_an_expired_task_is_not_claimed(node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    assert lifecycle.claim_next(node, now=task.queue_time_expiry) is None


def test_q5_a_task_waits_while_its_key_is_running(node: ServerNode) -> None:
    first, _, other = (queue.enqueue("Keyed", {"key": key}) for key in ("web", "web", "mail"))
    assert claimed(node, 3) == [first, other, None]


def test_q5_the_next_task_of_a_key_starts_when_the_first_is_finished(node: ServerNode) -> None:
    queue.enqueue("Keyed", {"key": "web"})
    second = queue.enqueue("Keyed", {"key": "web"})
    running = lifecycle.claim_next(node)
    assert running is not None
    lifecycle.finish(running, state=State.SUCCESS)
    assert lifecycle.claim_next(node) == second


def test_a_lane_without_room_is_passed_over(node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    beat = queue.enqueue_occurrence("Beating", clock.now())
    assert lifecycle.claim_next(node, lanes=[Lane.SYSTEM]) == beat
    assert lifecycle.claim_next(node, lanes=[Lane.SYSTEM]) is None
    assert lifecycle.claim_next(node, lanes=[]) is None
    assert lifecycle.claim_next(node, lanes=[Lane.PEOPLE]) == task


def test_a_draining_node_claims_nothing(node: ServerNode) -> None:
    queue.enqueue("Simple")
    ServerNode.objects.update(is_draining=True)
    assert lifecycle.claim_next(node) is None


def test_a_worker_whose_name_was_taken_over_claims_nothing(node: ServerNode) -> None:
    queue.enqueue("Simple")
    ServerNode.objects.update(incarnation=make_node("another").incarnation)
    assert lifecycle.claim_next(node) is None


def test_ready_and_the_claim_agree(node: ServerNode) -> None:
    for arguments in ({"key": "web"}, {"key": "web"}, {"key": "mail"}):
        queue.enqueue("Keyed", arguments)
    queue.enqueue("Simple", queue_time=clock.now() + timedelta(hours=1))
    queue.enqueue("Simple", prioritized=True)
    while True:
        expected = ServerTask.objects.ready().in_claim_order().first()
        task = lifecycle.claim_next(node)
        assert task == expected
        if task is None:
            break


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_q2_many_workers_at_once_start_every_task_once_and_no_key_twice(node: ServerNode) -> None:
    """Keys are let go at once, so every task is claimed in the end, by one of eight threads."""
    for number in range(60):
        queue.enqueue("Keyed", {"key": f"key-{number % 3}"})
    started: list[int] = []
    overlaps: list[str] = []
    held: set[str] = set()

    def work() -> None:
        try:
            while ServerTask.objects.queued().exists():
                task = lifecycle.claim_next(node)
                if task is None:
                    continue
                key = str(task.concurrency_key)
                overlaps.extend([key] if key in held else [])
                held.add(key)
                started.append(task.pk)
                held.discard(key)
                lifecycle.finish(task, state=State.SUCCESS)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert sorted(started) == sorted(ServerTask.objects.values_list("pk", flat=True))
    assert overlaps == []


def test_q5_the_database_itself_refuses_two_running_tasks_of_a_key(node: ServerNode) -> None:
    tasks = [queue.enqueue("Keyed", {"key": "web"}) for _ in range(2)]
    fields = {"start_time": clock.now(), "incarnation": node.incarnation}
    ServerTask.objects.filter(pk=tasks[0].pk).update(state=State.EXECUTING, **fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        ServerTask.objects.filter(pk=tasks[1].pk).update(state=State.CANCELLING, **fields)


@pytest.mark.postgresql
def test_the_procedure_stays_on_its_indexes_though_the_tables_are_as_good_as_empty(
    node: ServerNode,
) -> None:
    """Its plans are kept while the tables grow."""
    queue.enqueue("Simple", prioritized=True)
    for key in ("one", "two"):
        queue.enqueue("Keyed", {"key": key})
    run = lifecycle.claim_next(node)
    assert run is not None
    words = LogChunk(task=run, first_line=1, line_count=1, started=clock.now(), text="0 i words")
    ending = Ending(task=run, state=State.SUCCESS, last_words=[words])

    with nested.plans() as found:
        _, following = lifecycle.turn_over([ending], node=node, wanted={Lane.PEOPLE: 1})

    assert len(following) == 1
    looks = [plan for plan in found if "candidate" in plan]
    assert len(looks) == 1
    assert looks[0].count("Index Scan using servertask_ready") == 2, looks
    assert len(found) >= 4, found
    assert [plan for plan in found if "Seq Scan" in plan or "Sort" in plan] == []


@pytest.mark.sqlite
def test_the_claim_stays_on_its_index(node: ServerNode) -> None:
    queue.enqueue("Simple")
    statements: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        lifecycle.claim_next(node)

    looks = [plan(*statement) for statement in statements if "candidate" in statement[0]]
    assert looks
    for look in looks:
        assert look.count("servertask_ready") >= 4, look


def plan(sql: str, params: Any) -> str:
    """Return how SQLite would go about a statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return str(cursor.fetchall())
