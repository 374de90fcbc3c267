from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from maintenance import mode
from tasks.models import ServerTask, State
from tests.tasks import rows

pytestmark = pytest.mark.django_db

Task = Callable[..., str]


@pytest.fixture
def task(capsys: pytest.CaptureFixture[str]) -> Task:
    def run(*words: str) -> str:
        capsys.readouterr()
        call_command("task", *words)
        return capsys.readouterr().out

    return run


def _refused(task: Task, *words: str) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        task(*words)
    return refusal.value


class TestEnqueue:
    def test_prints_the_name_of_the_task(self, task: Task) -> None:
        printed = task("enqueue", "RunScript", "--argument", "script=echo a=b")
        stored = ServerTask.objects.get()
        assert printed == f"{stored.name}\n"
        assert stored.arguments["script"] == "echo a=b"
        assert stored.person is None

    def test_reads_an_argument_from_a_file(self, task: Task, tmp_path: Path) -> None:
        script = tmp_path / "script.sh"
        script.write_text("echo 'ü'\n")
        task(
            "enqueue", "RunScript", "--argument", f"script=@{script}", "--argument", "time_limit=9"
        )
        assert ServerTask.objects.get().arguments | {} == {
            "script": "echo 'ü'\n",
            "time_limit": 9,
            "shell": "sh",
        }

    def test_schedules(self, task: Task) -> None:
        task("enqueue", "RunScript", "--argument", "script=:", "--at", "+2h", "--expires", "+3h")
        stored = ServerTask.objects.get()
        assert stored.queue_time > timezone.now() + timedelta(minutes=119)
        assert stored.queue_time_expiry > stored.queue_time

    def test_queues_for_a_person(self, task: Task, deployer: User) -> None:
        rows.grant(deployer, "run_script")
        task("enqueue", "RunScript", "--argument", "script=:", "--as", "dora")
        assert ServerTask.objects.get().person == deployer

    def test_of_the_server_itself_passes_maintenance_mode(self, task: Task) -> None:
        mode.enable(reason="Patches")
        task("enqueue", "RunScript", "--argument", "script=:")
        assert ServerTask.objects.count() == 1

    def test_for_a_person_is_refused_in_maintenance_mode(self, task: Task, deployer: User) -> None:
        rows.grant(deployer, "run_script")
        mode.enable(reason="Patches")
        refusal = _refused(task, "enqueue", "RunScript", "--argument", "script=:", "--as", "dora")
        assert refusal.returncode == 1
        assert "Patches" in str(refusal)
        assert not ServerTask.objects.exists()

    def test_for_an_administrator_passes_maintenance_mode(
        self, task: Task, administrator: User
    ) -> None:
        mode.enable(reason="Patches")
        task("enqueue", "RunScript", "--argument", "script=:", "--as", "ada")
        assert ServerTask.objects.get().person == administrator

    @pytest.mark.parametrize("name", ["vera", "nils", "nemo"])
    def test_for_somebody_who_may_not_or_is_not_is_refused(
        self, task: Task, viewer: User, nobody: User, name: str
    ) -> None:
        refusal = _refused(task, "enqueue", "RunScript", "--argument", "script=:", "--as", name)
        assert refusal.returncode == 1
        assert not ServerTask.objects.exists()

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["Dance"], "There is no task kind 'Dance'"),
            (["RunScript"], "The script is empty."),
            (["RunScript", "--argument", "script="], "The script is empty."),
            (["RunScript", "--argument", "script"], "write name=value"),
            (["RunScript", "--argument", "=x"], "write name=value"),
            (["RunScript", "--argument", "script=@/nowhere/at/all"], "cannot be read"),
            (["RunScript", "--argument", "script=@/"], "cannot be read"),
            (["RunScript", "--argument", "script=@\0"], "cannot be read"),
            (["RunScript", "--argument", "script=@/dev/zero"], "is too large"),
            (["RunScript", "--argument", "script=:", "--argument", "spell=x"], "no argument spell"),
            (["RunScript", "--argument", "script=" + "x" * (1024 * 1024 + 1)], "1 MiB is the most"),
            (["RunScript", "--argument", "script=:", "--at", "soon"], "is no time"),
            (["RunScript", "--argument", "script=:", "--at", "+9999999d"], "lies too far ahead"),
            (["RunScript", "--argument", "script=:", "--at", "2001-01-01T10:00"], "in the past"),
            (["RunScript", "--argument", "script=:", "--at", "+31d"], "more than 30 days ahead"),
            (
                ["RunScript", "--argument", "script=:", "--expires", "2001-01-01T10:00"],
                "lies before",
            ),
            (["RunScript", "--as"], "expected one argument"),
            ([], "KIND"),
        ],
    )
    def test_answers_bad_input_in_a_sentence(
        self, task: Task, words: list[str], message: str
    ) -> None:
        refusal = _refused(task, "enqueue", *words)
        assert message in str(refusal)
        assert not ServerTask.objects.exists()

    def test_refuses_a_file_that_is_no_text(self, task: Task, tmp_path: Path) -> None:
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        refusal = _refused(
            task, "enqueue", "RunScript", "--argument", f"script=@{tmp_path / 'binary'}"
        )
        assert "is not text in UTF-8" in str(refusal)


class TestLooking:
    def test_list_is_newest_first(self, task: Task) -> None:
        tasks = rows.many(3)
        lines = task("list", "--limit", "2").splitlines()
        assert [line.split("\t")[0] for line in lines] == [tasks[2].name, tasks[1].name]

    def test_list_of_a_state(self, task: Task) -> None:
        rows.ServerTaskFactory()
        failed = rows.ServerTaskFactory(state=State.FAILED)
        assert task("list", "--state", "Failed").split("\t")[0] == failed.name

    @pytest.mark.parametrize(
        "words", [["--state", "Sleeping"], ["--limit", "0"], ["--limit", "many"]]
    )
    def test_list_answers_bad_input(self, task: Task, words: list[str]) -> None:
        assert "Error" in str(_refused(task, "list", *words))

    def test_show_says_where_a_task_stands_and_why(self, task: Task) -> None:
        stored = rows.ServerTaskFactory(queue_time=timezone.now() + timedelta(hours=1))
        printed = task("show", stored.name)
        assert "Queued" in printed
        assert "Scheduled for" in printed
        assert "hello there" not in printed

    def test_show_prints_the_log_without_terminal_codes(self, task: Task) -> None:
        stored = rows.ServerTaskFactory(state=State.SUCCESS)
        rows.write_log(stored, "\x1b[31mhello\x1b[0m there", "bye")
        printed = task("show", stored.name, "--log")
        assert "hello there\n" in printed
        assert "bye\n" in printed
        assert "\x1b" not in printed

    def test_kinds_says_what_each_takes(self, task: Task) -> None:
        assert "RunScript\tRun a script\tscript=… [time_limit=…] [shell=…]\n" in task("kinds")


class TestCancel:
    def test_says_what_became_of_the_task(self, task: Task) -> None:
        queued, running = rows.ServerTaskFactory(), rows.ServerTaskFactory(state=State.EXECUTING)
        assert task("cancel", queued.name) == f"{queued.name} is Canceled.\n"
        assert task("cancel", running.name) == f"{running.name} is Cancelling.\n"

    @pytest.mark.parametrize(
        ("state", "words"),
        [
            (State.SUCCESS, "is already completed."),
            (State.CANCELLING, "is already being canceled."),
        ],
    )
    def test_that_comes_too_late_says_so(self, task: Task, state: State, words: str) -> None:
        stored = rows.ServerTaskFactory(state=state)
        refusal = _refused(task, "cancel", stored.name)
        assert str(refusal) == f"{stored.name} {words}"
        assert refusal.returncode == 1

    def test_needs_the_person_to_have_the_permission(self, task: Task, viewer: User) -> None:
        stored = rows.ServerTaskFactory()
        assert _refused(task, "cancel", stored.name, "--as", "vera").returncode == 1
        stored.refresh_from_db()
        assert stored.state == State.QUEUED

    def test_for_a_person_is_refused_in_maintenance_mode(self, task: Task, deployer: User) -> None:
        rows.grant(deployer, "cancel_servertask")
        stored = rows.ServerTaskFactory()
        mode.enable(reason="Patches")
        assert "Patches" in str(_refused(task, "cancel", stored.name, "--as", "dora"))
        stored.refresh_from_db()
        assert stored.state == State.QUEUED


@pytest.mark.parametrize("action", ["show", "cancel"])
class TestNaming:
    def test_of_no_task_is_refused(self, task: Task, action: str) -> None:
        refusal = _refused(task, action, "ServerTasks-404")
        assert str(refusal) == "There is no task ServerTasks-404."
        assert refusal.returncode == 1

    @pytest.mark.parametrize("name", ["banana", "ServerTasks-x", "ServerTasks-0", "42", ""])
    def test_that_is_malformed_is_wrong_use(self, task: Task, action: str, name: str) -> None:
        assert f"{name!r} is no task: write ServerTasks-42." in str(_refused(task, action, name))
