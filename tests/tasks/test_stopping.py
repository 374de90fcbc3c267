"""A worker that stops: what runs may finish, within bounds."""

import threading
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tasks import crew, kinds, lifecycle, log, queue
from tasks.crew import Crew
from tasks.execution import Execution
from tasks.models import ServerNode, ServerTask, State
from tasks.worker import Worker
from tests.integration.server import wait_until
from tests.tasks import zoo

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("zoo_kinds")]

PROMPTLY = 60


class Waiting(zoo.Simple):
    """Says when it has begun, and waits to be told to end."""

    name = "Waiting"
    label = "Wait"
    begun = threading.Event()

    def execute(self, run: Execution) -> None:
        self.begun.set()
        run.wait(60)


class WaitingAgain(Waiting):
    name = "WaitingAgain"
    idempotent = True


class SystemWaiting(zoo.Beating):
    name = "SystemWaiting"

    def execute(self, run: Execution) -> None:
        Waiting.begun.set()
        run.wait(60)


class SystemStuck(zoo.Beating):
    """Hears nothing, and goes on until the test lets it."""

    name = "SystemStuck"
    let_go = threading.Event()

    def execute(self, run: Execution) -> None:
        Waiting.begun.set()
        self.let_go.wait(PROMPTLY)


@pytest.fixture
def busy(node: ServerNode) -> Iterator[Crew]:
    """A worker's threads that are about to execute whatever waits."""
    Waiting.begun = threading.Event()
    extra = (Waiting, WaitingAgain, SystemWaiting, SystemStuck)
    for kind in extra:
        kinds.register(kind)
    yield crew.muster(Worker(node))
    crew.dismiss()
    for kind in extra:
        kinds.unregister(kind.name)


def stopped(busy: Crew, task: ServerTask) -> ServerTask:
    """Let a task begin, stop the worker, and return what has become of the task."""
    busy.call()
    assert Waiting.begun.wait(PROMPTLY)
    busy.stop()
    assert not busy.worker.running()
    return ServerTask.objects.get(pk=task.pk)


def test_a_task_that_takes_too_long_is_ended_and_fails_saying_so(
    busy: Crew, settings: Settings
) -> None:
    settings.TASK_STOP_TIMEOUT = 1
    task = stopped(busy, queue.enqueue("Waiting"))
    words = "Server node north stops, and has waited 1 second for this task."
    assert (task.state, task.message) == (State.FAILED, f"{words} Rerun it if that is safe.")
    assert words in [line.text for line in log.lines(task)]


def test_an_idempotent_one_is_queued_again(busy: Crew, settings: Settings) -> None:
    settings.TASK_STOP_TIMEOUT = 1
    task = stopped(busy, queue.enqueue("WaitingAgain"))
    assert (task.state, task.node, task.start_time) == (State.QUEUED, None, None)
    assert task.message.endswith("It starts again.")


def test_a_system_task_does_not_keep_its_worker_from_stopping(
    busy: Crew, settings: Settings
) -> None:
    settings.TASK_STOP_TIMEOUT = 3600
    task = queue.enqueue_occurrence("SystemWaiting", None)
    assert task is not None
    assert stopped(busy, task).state == State.QUEUED


def test_a_system_task_that_never_returns_is_left_to_die_with_its_worker(
    busy: Crew, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASK_STOP_TIMEOUT = 3600
    monkeypatch.setattr(crew, "LAST", 0.2)
    SystemStuck.let_go.clear()
    stuck = queue.enqueue_occurrence("SystemStuck", None)
    busy.call()
    assert Waiting.begun.wait(PROMPTLY)
    busy.stop()
    assert [run.task for run in busy.worker.running()] == [stuck]
    assert ServerTask.objects.get().state == State.EXECUTING  # until its node is seen to be gone
    let_go(busy)


def test_and_meanwhile_the_tasks_of_people_have_their_time(
    busy: Crew, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASK_STOP_TIMEOUT = 1
    monkeypatch.setattr(crew, "LAST", 0.2)
    SystemStuck.let_go.clear()
    queue.enqueue_occurrence("SystemStuck", None)
    task = queue.enqueue("WaitingAgain")
    busy.call()
    wait_until(lambda: len(busy.worker.running()) == 2, what="not both run")
    busy.stop()
    task.refresh_from_db()
    assert task.message.startswith("Server node north stops, and has waited 1 second")
    let_go(busy)


def let_go(busy: Crew) -> None:
    """Let what is stuck return, and its thread end."""
    SystemStuck.let_go.set()
    wait_until(lambda: not busy._threads, what="a thread is left")


def test_what_was_canceled_meanwhile_is_canceled_and_not_queued_again(
    node: ServerNode,
) -> None:
    queue.enqueue("Repeatable")
    task = lifecycle.claim_next(node)
    assert task is not None
    lifecycle.cancel(task)
    assert lifecycle.give_back(task, message="It starts again.")
    assert ServerTask.objects.get().state == State.CANCELED
