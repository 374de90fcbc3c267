import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction

from maintenance import gate, mode
from tasks import clock, lifecycle, log, queue
from tasks import node as nodes
from tasks.models import ServerNode, ServerTask, State
from tests.tasks.rows import ServerTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def state_of(task: ServerTask) -> str:
    task.refresh_from_db()
    return task.state


def words_of(task: ServerTask) -> list[str]:
    return [line.text for line in log.lines(task)]


def running(node: ServerNode, kind: str = "Simple") -> ServerTask:
    queue.enqueue(kind)
    task = lifecycle.claim_next(node)
    assert task is not None
    return task


def silence(node: ServerNode) -> None:
    ServerNode.objects.filter(pk=node.pk).update(last_seen=clock.now() - timedelta(minutes=5))


# Finishing


@pytest.mark.parametrize("state", [State.SUCCESS, State.FAILED, State.CANCELED])
def test_a_finished_task_has_its_time_and_words(node: ServerNode, state: State) -> None:
    task = running(node)
    assert lifecycle.finish(task, state=state, message="So it was.")
    assert state_of(task) == state
    assert task.message == "So it was."
    assert task.completed_time is not None
    assert task.start_time is not None
    assert task.completed_time >= task.start_time


def test_finishing_twice_changes_nothing(node: ServerNode) -> None:
    task = running(node)
    lifecycle.finish(task, state=State.SUCCESS)
    assert not lifecycle.finish(task, state=State.FAILED)
    assert state_of(task) == State.SUCCESS


@pytest.mark.parametrize("state", [State.QUEUED, State.EXECUTING, State.CANCELLING])
def test_no_task_is_finished_as_something_else(node: ServerNode, state: State) -> None:
    task = running(node)
    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.finish(task, state=state)


def test_a_worker_taken_for_dead_does_not_finish_a_later_run(node: ServerNode) -> None:
    first = running(node, "Repeatable")
    silence(node)
    lifecycle.reap_lost()
    ServerNode.objects.update(last_seen=clock.now())
    again = lifecycle.claim_next(node)
    assert again is not None

    assert not lifecycle.finish(first, state=State.SUCCESS)
    assert state_of(again) == State.EXECUTING


def test_a_task_that_was_claimed_and_never_started_goes_back(node: ServerNode) -> None:
    task = running(node)
    assert lifecycle.release(task)
    assert state_of(task) == State.QUEUED
    assert (task.node, task.start_time) == (None, None)
    assert not lifecycle.release(task)


# Canceling


def test_a_queued_task_is_canceled_at_once(deployer: User) -> None:
    task = queue.enqueue("Simple")
    assert lifecycle.cancel(task, person=deployer)
    assert state_of(task) == State.CANCELED
    assert task.completed_time is not None
    assert task.cancel_requested_by == "dora"
    assert words_of(task) == ["Canceled by dora before it started."]


def test_an_executing_task_is_asked_to_stop(node: ServerNode, deployer: User) -> None:
    task = running(node)
    assert lifecycle.cancel(task, person=deployer)
    assert state_of(task) == State.CANCELLING
    assert task.completed_time is None
    assert not lifecycle.cancel(task, person=deployer)


def test_a_completed_task_is_not_canceled(deployer: User) -> None:
    task = ServerTaskFactory(state=State.SUCCESS)
    assert not lifecycle.cancel(task, person=deployer)
    assert state_of(task) == State.SUCCESS


# Moving to the top


def test_a_queued_task_moves_to_the_top_once(administrator: User) -> None:
    task = queue.enqueue("Simple")
    assert lifecycle.prioritize(task, person=administrator)
    assert not lifecycle.prioritize(task, person=administrator)
    task.refresh_from_db()
    assert task.is_prioritized


def test_a_running_task_does_not_move(node: ServerNode, administrator: User) -> None:
    assert not lifecycle.prioritize(running(node), person=administrator)


# Who may


@pytest.mark.parametrize("change", [lifecycle.cancel, lifecycle.prioritize])
def test_a_viewer_changes_nothing(viewer: User, change: object) -> None:
    task = queue.enqueue("Simple")
    with pytest.raises(PermissionDenied):
        change(task, person=viewer)  # type: ignore[operator]
    assert state_of(task) == State.QUEUED


@pytest.mark.parametrize("change", [lifecycle.cancel, lifecycle.prioritize])
def test_maintenance_mode_refuses_a_system_manager(
    administrator: User, system_manager: User, change: object
) -> None:
    task = queue.enqueue("Simple")
    mode.enable(person=administrator, source="code", reason="")
    with pytest.raises(gate.InMaintenanceMode):
        change(task, person=system_manager)  # type: ignore[operator]
    assert state_of(task) == State.QUEUED
    assert change(task, person=administrator)  # type: ignore[operator]


# Expiry


def test_q3_a_task_not_started_by_its_expiry_is_timed_out_and_says_so() -> None:
    task = queue.enqueue("Simple")
    later = task.queue_time_expiry + timedelta(seconds=1)

    assert lifecycle.expire_due(now=task.queue_time_expiry - timedelta(seconds=1)) == []
    assert lifecycle.expire_due(now=later) == [task]

    assert state_of(task) == State.TIMED_OUT
    assert task.completed_time == later
    assert "expiry" in task.message
    assert words_of(task) == [task.message]
    assert lifecycle.expire_due(now=later) == []


def test_a_running_task_does_not_expire(node: ServerNode) -> None:
    task = running(node)
    assert lifecycle.expire_due(now=task.queue_time_expiry + timedelta(days=1)) == []


# Reaping


def test_the_tasks_of_a_node_that_lives_are_left_alone(node: ServerNode) -> None:
    task = running(node)
    assert lifecycle.reap_lost() == []
    assert state_of(task) == State.EXECUTING


def test_q2_a_task_of_a_silent_node_fails_and_says_so(node: ServerNode) -> None:
    task = running(node)
    silence(node)
    assert lifecycle.reap_lost() == [task]
    assert state_of(task) == State.FAILED
    assert task.completed_time is not None
    assert "north stopped answering" in task.message
    assert words_of(task) == [task.message]
    assert lifecycle.reap_lost() == []


def test_q2_an_idempotent_task_of_a_silent_node_starts_again(
    node: ServerNode, other_node: ServerNode
) -> None:
    task = running(node, "Repeatable")
    silence(node)
    lifecycle.reap_lost()
    assert state_of(task) == State.QUEUED
    again = lifecycle.claim_next(other_node)
    assert again == task
    assert again is not None
    assert again.attempt == 2


def test_what_brings_its_nodes_down_is_not_started_for_ever(node: ServerNode) -> None:
    task = running(node, "Repeatable")
    ServerTask.objects.update(attempt=lifecycle.MOST_ATTEMPTS)
    silence(node)
    lifecycle.reap_lost()
    assert state_of(task) == State.FAILED


def test_a_task_that_was_being_canceled_when_its_node_died_is_canceled(
    node: ServerNode, deployer: User
) -> None:
    task = running(node, "Repeatable")
    lifecycle.cancel(task, person=deployer)
    silence(node)
    lifecycle.reap_lost()
    assert state_of(task) == State.CANCELED
    assert "dora" in task.message


def test_the_task_of_a_predecessor_of_the_same_name_is_reaped_at_once(node: ServerNode) -> None:
    task = running(node)
    ServerNode.objects.update(incarnation=uuid.uuid4())
    lifecycle.reap_lost()
    assert state_of(task) == State.FAILED


def test_a_spared_worker_keeps_its_tasks(node: ServerNode) -> None:
    task = running(node)
    silence(node)
    assert node.incarnation is not None
    assert lifecycle.reap_lost(spared=[node.incarnation]) == []
    assert state_of(task) == State.EXECUTING


def test_a_node_whose_row_was_deleted_but_lives_keeps_its_tasks(node: ServerNode) -> None:
    task = running(node)
    ServerNode.objects.all().delete()
    assert nodes.beat(node)
    assert lifecycle.reap_lost() == []
    assert state_of(task) == State.EXECUTING


@pytest.fixture
def locked() -> Iterator[Callable[[ServerTask], None]]:
    """Give what has another connection keep a row in the middle of a transaction."""
    is_locked, is_over = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hold(task: ServerTask) -> None:
        with transaction.atomic():
            list(ServerTask.objects.select_for_update().filter(pk=task.pk))
            is_locked.set()
            is_over.wait(30)
        connection.close()

    def lock(task: ServerTask) -> None:
        threads.append(threading.Thread(target=hold, args=[task]))
        threads[0].start()
        assert is_locked.wait(10)

    yield lock
    is_over.set()
    for thread in threads:
        thread.join()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_stopped_in_the_middle_of_a_transaction_holds_up_no_scheduler(
    node: ServerNode, locked: Callable[[ServerTask], None]
) -> None:
    first, second = queue.enqueue("Simple"), queue.enqueue("Simple")
    for _ in range(2):
        lifecycle.claim_next(node)
    third, fourth = queue.enqueue("Simple"), queue.enqueue("Simple")
    past = clock.now() - timedelta(seconds=1)
    ServerTask.objects.filter(pk__in=[third.pk, fourth.pk]).update(queue_time_expiry=past)
    ServerNode.objects.update(last_seen=past - timedelta(hours=1))
    locked(first)
    assert lifecycle.reap_lost() == [second]
    assert lifecycle.expire_due() == [third, fourth]
