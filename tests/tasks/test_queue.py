from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from maintenance import gate, mode
from tasks import clock, kinds, queue
from tasks.models import ServerTask, State
from tests.tasks.rows import ServerTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def enable(person: User) -> None:
    mode.enable(person=person, source="code", reason="")


def test_a_queued_task_holds_who_asked_for_what_and_when(deployer: User) -> None:
    before = clock.now()

    task = queue.enqueue("Keyed", {"key": "web", "number": "7"}, person=deployer)

    task.refresh_from_db()
    assert task.state == State.QUEUED
    assert task.arguments == {"key": "web", "number": 7}
    assert task.description == "Hold web"
    assert task.concurrency_key == "web"
    assert (task.person, task.person_name) == (deployer, "dora")
    assert before <= task.created == task.queue_time <= clock.now()
    assert task.queue_time_expiry - task.queue_time == timedelta(days=1)


def test_a_scheduled_task_waits_for_its_time_and_half_an_hour_longer() -> None:
    at = clock.now() + timedelta(days=2)
    task = queue.enqueue("Simple", queue_time=at)
    assert task.queue_time == at
    assert task.queue_time_expiry == at + timedelta(minutes=30)


def test_a_time_that_passed_while_it_was_typed_means_now() -> None:
    task = queue.enqueue("Simple", queue_time=clock.now() - timedelta(seconds=30))
    assert ServerTask.objects.ready().get() == task
    assert task.queue_time >= task.created


BASE = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("queue_time", "expiry", "words", "field"),
    [
        (BASE - timedelta(minutes=2), None, "past", "queue_time"),
        (BASE + timedelta(days=30, seconds=1), None, "30 days", "queue_time"),
        (BASE + timedelta(hours=1), BASE + timedelta(hours=1), "before", "queue_time_expiry"),
        (None, BASE - timedelta(hours=1), "before", "queue_time_expiry"),
        (None, BASE + timedelta(days=32), "too far", "queue_time_expiry"),
        (datetime(2030, 1, 1, 1), None, "time zone", "queue_time"),  # noqa: DTZ001 that is the point
    ],
)
def test_times_that_make_no_sense_are_named(
    queue_time: datetime | None, expiry: datetime | None, words: str, field: str
) -> None:
    with pytest.raises(queue.BadSchedule, match=words) as caught:
        queue.schedule(queue_time, expiry, now=BASE)
    assert caught.value.field == field


def test_thirty_days_ahead_is_the_furthest() -> None:
    starts, _ = queue.schedule(BASE + timedelta(days=30), None, now=BASE)
    assert starts == BASE + timedelta(days=30)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(kinds.UnknownTaskKind, match="Nonsense"):
        queue.enqueue("Nonsense")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "Key: This field is required"),
        ({"key": "x" * 21}, "Key: "),
        ({"key": "web", "number": "many"}, "Number: "),
        ({"key": "web", "colour": "red"}, "no argument colour"),
    ],
)
def test_arguments_that_the_form_refuses_make_no_row(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(queue.ArgumentsRefused, match=words):
        queue.enqueue("Keyed", arguments)
    assert not ServerTask.objects.exists()


@pytest.mark.parametrize("kind", ["Simple", "ForNobody"])
def test_nobody_queues_what_they_may_not(viewer: User, kind: str) -> None:
    with pytest.raises(PermissionDenied, match=kind):
        queue.enqueue(kind, person=viewer)
    assert not ServerTask.objects.exists()


def test_not_even_an_administrator_queues_a_kind_without_permission(administrator: User) -> None:
    with pytest.raises(PermissionDenied):
        queue.enqueue("ForNobody", person=administrator)


def test_maintenance_mode_refuses_a_deployer(administrator: User, deployer: User) -> None:
    enable(administrator)
    with pytest.raises(gate.InMaintenanceMode):
        queue.enqueue("Simple", person=deployer)
    assert not ServerTask.objects.exists()


def test_maintenance_mode_lets_an_administrator_and_the_server_queue(administrator: User) -> None:
    enable(administrator)
    queue.enqueue("Simple", person=administrator)
    queue.enqueue("Simple")
    assert ServerTask.objects.count() == 2


def test_g4_a_running_task_queues_children_for_its_person_in_maintenance_mode(
    administrator: User, deployer: User
) -> None:
    parent = ServerTaskFactory(person=deployer, state=State.EXECUTING)
    enable(administrator)

    child = queue.enqueue("Simple", parent=parent)

    assert (child.parent, child.person, child.person_name) == (parent, deployer, "dora")


def test_the_same_form_sent_twice_makes_one_task(deployer: User) -> None:
    first = queue.enqueue("Simple", person=deployer, token="t")
    second = queue.enqueue("Simple", person=deployer, token="t")
    assert first == second
    assert ServerTask.objects.count() == 1


def test_the_forms_of_two_people_are_two(deployer: User, administrator: User) -> None:
    first = queue.enqueue("Simple", person=deployer, token="t")
    second = queue.enqueue("Simple", person=administrator, token="t")
    assert first != second


def test_a_rerun_is_a_new_row_with_the_same_arguments(deployer: User) -> None:
    task = queue.enqueue("Keyed", {"key": "web"}, person=deployer)
    again = queue.rerun(task, person=deployer)
    assert again != task
    assert (again.arguments, again.rerun_of) == (task.arguments, task)


def test_an_occurrence_is_queued_once() -> None:
    slot = datetime(2030, 1, 1, tzinfo=UTC)
    first = queue.enqueue_occurrence("Beating", slot)
    assert first is not None
    ServerTask.objects.update(state=State.SUCCESS, completed_time=clock.now())
    assert queue.enqueue_occurrence("Beating", slot) is None
    assert queue.enqueue_occurrence("Beating", slot + timedelta(minutes=1)) is not None


def test_the_next_occurrence_waits_until_the_last_is_completed() -> None:
    slot = datetime(2030, 1, 1, tzinfo=UTC)
    queue.enqueue_occurrence("Beating", slot)
    assert queue.enqueue_occurrence("Beating", slot + timedelta(minutes=1)) is None


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_task() -> None:
    with transaction.atomic():
        queue.enqueue("Simple")
        transaction.set_rollback(True)
    assert not ServerTask.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_beat_is_queued_by_a_single_statement() -> None:
    """A scheduler that is stopped between two would keep all others waiting for its row."""
    with CaptureQueriesContext(connection) as captured:
        queue.enqueue_occurrence("Health", clock.now())
    statements = [query["sql"].split()[0] for query in captured]
    assert "INSERT" in statements
    assert not {"BEGIN", "SAVEPOINT"} & set(statements)
