from datetime import timedelta

import pytest

from tasks import lifecycle, queue, waiting, work
from tasks.models import ServerNode, ServerTask, State
from tests.tasks.rows import ServerTaskFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def why(task: ServerTask) -> str:
    return waiting.why_not_started(task)


def test_a_task_that_is_ready_and_has_a_slot_is_about_to_start(node: ServerNode) -> None:
    assert why(queue.enqueue("Simple")) == "About to start."


def test_a_scheduled_task_waits_for_its_time(node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    before = task.queue_time - timedelta(minutes=1)
    assert waiting.why_not_started(task, now=before) == (
        f"Scheduled for {task.queue_time:%Y-%m-%d %H:%M:%S} UTC."
    )


def test_an_expired_task_is_about_to_time_out(node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    words = waiting.why_not_started(task, now=task.queue_time_expiry)
    assert words == "Not started by its expiry; it is about to time out."


def test_no_node_is_running() -> None:
    assert why(queue.enqueue("Simple")) == "No server node is running."


def test_all_nodes_are_drained(node: ServerNode, other_node: ServerNode) -> None:
    task = queue.enqueue("Simple")
    ServerNode.objects.filter(pk=node.pk).update(is_draining=True)
    assert why(task) == "About to start."
    ServerNode.objects.update(is_draining=True)
    assert why(task) == "All server nodes are drained."


def test_every_slot_is_taken(node: ServerNode) -> None:
    ServerNode.objects.update(task_cap=1)
    queue.enqueue("Simple")
    lifecycle.claim_next(node)
    assert why(queue.enqueue("Simple")).startswith("Every server node runs as many tasks")


def test_tasks_before_it_are_counted(node: ServerNode) -> None:
    tasks = [queue.enqueue("Simple") for _ in range(3)]
    urgent = queue.enqueue("Simple", prioritized=True)
    assert [why(task) for task in tasks] == [
        "Behind 1 task.",
        "Behind 2 tasks.",
        "Behind 3 tasks.",
    ]
    assert why(urgent) == "About to start."


def test_many_tasks_before_it_are_not_counted_one_by_one(
    node: ServerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "COUNTED", 2)
    tasks = [queue.enqueue("Simple") for _ in range(3)]
    assert why(tasks[2]) == "Behind more than 1 tasks."


def test_a_running_task_of_the_same_key_is_named(node: ServerNode) -> None:
    first = queue.enqueue("Keyed", {"key": "web"})
    second = queue.enqueue("Keyed", {"key": "web"})
    lifecycle.claim_next(node)
    assert why(second) == f"Waits for {first.name}, which may not run at the same time."


@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_of_a_task_that_is_not_queued_there_is_nothing_to_say(state: State) -> None:
    assert why(ServerTaskFactory(state=state)) == ""


def test_the_summary_counts_what_runs_waits_and_is_scheduled(node: ServerNode) -> None:
    ServerTaskFactory(state=State.EXECUTING)
    ServerTaskFactory(state=State.CANCELLING)
    ServerTaskFactory(state=State.EXECUTING, is_system=True)
    ServerTaskFactory(state=State.SUCCESS)
    now = queue.enqueue("Simple").queue_time
    queue.enqueue("Simple", queue_time=now + timedelta(hours=1))
    queue.enqueue_occurrence("Beating", now)
    found = work.summary()
    assert found == work.Summary(
        executing=2, executing_system=1, queued=1, queued_system=1, scheduled=1, startable=1
    )
    assert not found.is_idle


def test_the_server_is_idle_while_only_the_system_and_later_tasks_are_there() -> None:
    now = queue.enqueue("Simple").queue_time
    ServerTask.objects.update(queue_time=now + timedelta(hours=1))
    ServerTaskFactory(state=State.EXECUTING, is_system=True)
    assert work.summary().is_idle
