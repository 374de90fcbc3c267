import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from maintenance import mode
from tasks import clock, lifecycle, nodes
from tasks.management.commands import node as command
from tasks.models import ServerNode, ServerTask, State
from tasks.settling import Settling
from tests.tasks import rows
from tests.tasks.conftest import make_node

pytestmark = pytest.mark.django_db

Shell = Callable[..., str]


@pytest.fixture
def node_command(capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*words: str) -> str:
        capsys.readouterr()
        call_command("node", *words)
        return capsys.readouterr().out

    return run


def _refused(shell: Shell, *words: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        shell(*words)
    return refusal.value


def _exit(shell: Shell, *words: str) -> Any:
    with pytest.raises(SystemExit) as left:
        shell(*words)
    return left.value.code


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens between two looks of one who waits, in place of the time that passes."""
    events: list[Callable[[], object]] = []

    def happen(seconds: float) -> None:
        if events:
            events.pop(0)()

    monkeypatch.setattr(command.time, "sleep", happen)
    return events


def test_list_shows_each_node_and_what_it_runs(node_command: Shell, node: ServerNode) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING, node=node)
    nodes.drain(make_node("south"))
    north, south = node_command("list").splitlines()
    assert north.split("\t")[:3] == ["north", "Running", "cap 5"]
    assert north.endswith(task.name)
    assert south.split("\t")[:2] == ["south", "Drained"]


def test_list_as_json_has_the_same_facts(node_command: Shell, node: ServerNode) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING, node=node)
    (found,) = json.loads(node_command("list", "--json"))["nodes"]
    assert (found["name"], found["state"], found["task_cap"]) == ("north", "Running", 5)
    assert found["running_tasks"] == [task.name]
    assert found["is_draining"] is False


def test_cap(node_command: Shell, node: ServerNode) -> None:
    assert node_command("cap", "north", "9") == "The task cap of north is 9.\n"
    assert json.loads(node_command("cap", "north", "3", "--json"))["nodes"][0]["task_cap"] == 3


@pytest.mark.parametrize("number", ["0", "501", "-1", "many", "٣", "9" * 40])
def test_a_cap_that_is_none_is_wrong_use(
    node_command: Shell, node: ServerNode, number: str
) -> None:
    with pytest.raises(CommandError, match=r"whole number|arguments"):
        node_command("cap", "north", number)


@pytest.mark.parametrize("words", [["drain", "x"], ["resume", "x"], ["cap", "x", "5"]])
def test_a_node_that_is_not_there_is_named_with_those_that_are(
    node_command: Shell, node: ServerNode, words: list[str]
) -> None:
    refusal = _refused(node_command, *words)
    assert refusal.returncode == 1
    assert str(refusal) == "There is no node 'x': the nodes are north."


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["drain"], "Name the nodes, or say --all."),
        (["resume", "north", "--all"], "Name the nodes, or say --all."),
        (["drain", "north", "--timeout", "3s"], "--timeout needs --wait."),
        (["drain", "north", "--cancel-tasks"], "--cancel-tasks needs --wait."),
        (
            ["drain", "north", "--wait", "--cancel-timeout", "3s"],
            "--cancel-timeout needs --cancel-tasks.",
        ),
    ],
)
def test_wrong_use_drains_nothing(
    node_command: Shell, node: ServerNode, words: list[str], problem: str
) -> None:
    refusal = _refused(node_command, *words)
    assert (refusal.returncode, str(refusal)) == (2, problem)
    node.refresh_from_db()
    assert not node.is_draining


def test_drain_and_resume_of_all(
    node_command: Shell, node: ServerNode, other_node: ServerNode
) -> None:
    said = node_command("drain", "--all")
    assert said == "north starts nothing new.\nsouth starts nothing new.\n"
    assert "north was drained already." in node_command("drain", "north")
    assert not ServerNode.objects.taking_work().exists()
    assert "south starts tasks again." in node_command("resume", "--all")
    assert "north was not drained." in node_command("resume", "north")


def test_a_shell_drains_in_maintenance_mode_too(node_command: Shell, node: ServerNode) -> None:
    mode.enable(reason="Patches")
    node_command("drain", "north")
    node.refresh_from_db()
    assert node.is_draining


class TestWait:
    @pytest.fixture
    def task(self, node: ServerNode) -> ServerTask:
        made: ServerTask = rows.ServerTaskFactory(state=State.EXECUTING, node=node)
        return made

    @staticmethod
    def end(task: ServerTask, state: State = State.SUCCESS) -> None:
        ServerTask.objects.filter(pk=task.pk).update(state=state, completed_time=clock.now())

    def test_ends_at_once_where_nothing_runs(self, node_command: Shell, node: ServerNode) -> None:
        assert "north starts nothing new." in node_command("drain", "north", "--wait")

    def test_ends_when_the_last_task_has_finished(
        self, node_command: Shell, task: ServerTask, looked: list[Callable[[], object]]
    ) -> None:
        looked += [lambda: None, lambda: self.end(task)]
        said = node_command("drain", "north", "--wait")
        assert f"Still running: {task.name}." in said
        assert said.endswith("Nothing runs.\n")
        assert looked == []

    def test_is_3_when_it_takes_too_long(
        self, node_command: Shell, task: ServerTask, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert _exit(node_command, "drain", "north", "--wait", "--timeout", "0") == 3
        assert f"Not drained in time: {task.name} still running." in capsys.readouterr().err
        task.refresh_from_db()
        assert task.state == State.EXECUTING

    def test_tells_the_same_in_json(
        self, node_command: Shell, task: ServerTask, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert _exit(node_command, "drain", "--all", "--wait", "--timeout", "0", "--json") == 3
        (found,) = json.loads(capsys.readouterr().out)["nodes"]
        assert (found["state"], found["running_tasks"]) == ("Draining", [task.name])

    def test_cancels_what_runs_if_asked_to(
        self, node_command: Shell, task: ServerTask, looked: list[Callable[[], object]]
    ) -> None:
        looked += [lambda: self.end(task, State.CANCELED)]
        said = node_command("drain", "north", "--wait", "--cancel-tasks")
        assert f"Asked to cancel: {task.name}." in said
        task.refresh_from_db()
        assert task.cancel_requested_by == "the server"

    def test_with_a_time_out_it_lets_them_finish_before_it_cancels(
        self, node_command: Shell, task: ServerTask, looked: list[Callable[[], object]]
    ) -> None:
        looked += [lambda: self.end(task)]
        said = node_command("drain", "north", "--wait", "--timeout", "1h", "--cancel-tasks")
        assert "Asked to cancel" not in said

    def test_is_3_when_canceling_takes_too_long(
        self, node_command: Shell, task: ServerTask, looked: list[Callable[[], object]]
    ) -> None:
        words = ["drain", "north", "--wait", "--cancel-tasks", "--cancel-timeout", "0"]
        assert _exit(node_command, *words) == 3
        task.refresh_from_db()
        assert task.state == State.CANCELLING

    def test_fails_when_somebody_resumes_the_node(
        self, node_command: Shell, node: ServerNode, task: ServerTask,
        looked: list[Callable[[], object]],
    ) -> None:  # fmt: skip
        looked += [lambda: nodes.resume(node)]
        refusal = _refused(node_command, "drain", "north", "--wait")
        assert (refusal.returncode, str(refusal)) == (1, "north was resumed meanwhile.")

    def test_can_be_interrupted(
        self, node_command: Shell, task: ServerTask, looked: list[Callable[[], object]]
    ) -> None:
        def interrupt() -> None:
            raise KeyboardInterrupt

        looked += [interrupt]
        assert _exit(node_command, "drain", "north", "--wait") == 130


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("zoo_kinds")
def test_a_claim_that_began_before_the_drain_is_waited_for(node: ServerNode) -> None:
    """The claim looked before the drain was committed, and is committed after it."""
    rows.ServerTaskFactory()
    claimed, go_on = threading.Event(), threading.Event()

    def claim() -> None:
        try:
            with transaction.atomic():
                assert lifecycle.claim_next(node) is not None
                claimed.set()
                go_on.wait(30)
        finally:
            connections.close_all()

    thread = threading.Thread(target=claim)
    thread.start()
    assert claimed.wait(30)
    nodes.drain(node)
    settling = Settling()
    assert not settling.is_over()
    assert not ServerTask.objects.on_nodes([node]).exists()
    go_on.set()
    thread.join(30)
    assert settling.is_over()
    assert ServerTask.objects.on_nodes([node]).exists()


@pytest.mark.sqlite
def test_on_sqlite_nothing_is_under_way_beside_a_write() -> None:
    assert connection.vendor == "sqlite"
    assert Settling().is_over()
