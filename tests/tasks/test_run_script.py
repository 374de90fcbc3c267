"""The kind that runs scripts, with real processes."""

from pathlib import Path
from typing import Any

import pytest

from tasks import conf, execution, log, queue
from tasks.builtin.run_script import LARGEST_SCRIPT
from tasks.execution import Execution, Outcome
from tasks.logwriter import LogWriter
from tasks.models import LogChunk, ServerTask, State

pytestmark = pytest.mark.django_db


class Recorded:
    """A script that was run as a task, and what its log says."""

    def __init__(self, script: str, **arguments: Any) -> None:
        self.task = queue.enqueue("RunScript", {"script": script, **arguments})
        self.task.node_name = "north"
        self.run = Execution(self.task, LogWriter(self.task, now=self.task.created))

    def carry_out(self) -> Outcome:
        outcome = execution.carry_out(self.run)
        LogChunk.objects.bulk_create(self.run.log.close())
        return outcome

    @property
    def output(self) -> list[str]:
        return [line.text for line in self._lines() if line.category == log.OUTPUT]

    @property
    def words(self) -> list[str]:
        return [line.text for line in self._lines() if line.category != log.OUTPUT]

    def _lines(self) -> list[log.LogLine]:
        return log.lines(self.task, limit=10**6)


def test_exit_code_0_is_success_and_the_output_is_the_log() -> None:
    script = Recorded("echo one; echo two >&2")
    assert script.carry_out() == Outcome(State.SUCCESS)
    assert script.output == ["one", "two"]
    assert "The script ended with exit code 0." in script.words


def test_any_other_exit_code_is_failed() -> None:
    script = Recorded("exit 7")
    assert script.carry_out() == Outcome(State.FAILED, "The script ended with exit code 7.")


def test_a_script_ended_by_a_signal_is_failed() -> None:
    assert Recorded("kill -KILL $$").carry_out().message == "The script ended by signal 9."


def test_past_its_time_limit_a_script_is_failed() -> None:
    outcome = Recorded("sleep 30", time_limit=1).carry_out()
    assert outcome.state == State.FAILED
    assert outcome.message == "The script ran longer than its time limit of 1 second."


def test_q6_a_canceled_script_is_canceled() -> None:
    script = Recorded("sleep 30")
    script.run.request_cancel(by="dora")
    assert script.carry_out() == Outcome(State.CANCELED, "Canceled by dora.")


def test_the_log_says_what_outlived_the_script() -> None:
    script = Recorded("sleep 30 & exit 0")
    assert script.carry_out().state == State.SUCCESS
    assert "1 process outlived the script and was ended." in script.words


def test_a_script_runs_alone_in_an_empty_folder_that_is_gone_afterwards() -> None:
    script = Recorded('pwd; ls; echo "$TMPDIR"; echo "$OCTOSERVER_TASK_ID"; touch left-behind')
    script.carry_out()
    folder, listed, temporary, name = script.output
    assert folder.startswith(str(conf.var_dir()))
    assert listed == "script"
    assert temporary == folder
    assert name == script.task.name
    assert not Path(folder).exists()


def test_the_shell_can_be_chosen() -> None:
    script = Recorded('echo "${BASH_VERSION:+bash}"', shell="bash")
    script.carry_out()
    assert script.output == ["bash"]


def test_binary_output_is_kept_as_text() -> None:
    script = Recorded(r"printf 'a\000b\377c\n'")
    script.carry_out()
    assert script.output == ["a\u2400b\ufffdc"]


def test_a_script_with_the_line_ends_of_windows_runs() -> None:
    script = Recorded("echo one\r\nif true\r\nthen echo two\r\nfi\r\n")
    script.carry_out()
    assert script.output == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"script": ""}, "The script is empty"),
        ({"script": " \n\t"}, "The script is empty"),
        ({"script": "#" * (LARGEST_SCRIPT + 1)}, "1 MiB is the most"),
        ({"script": "é" * (LARGEST_SCRIPT // 2 + 1)}, "1 MiB is the most"),
        ({"script": "a\0b"}, "Null characters"),
        ({"script": "true", "time_limit": "0"}, "Time limit"),
        ({"script": "true", "time_limit": "86401"}, "Time limit"),
        ({"script": "true", "time_limit": "soon"}, "Time limit"),
        ({"script": "true", "shell": "python"}, "Shell"),
    ],
)
def test_what_cannot_be_run_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(queue.ArgumentsRefused, match=words):
        queue.enqueue("RunScript", arguments)
    assert not ServerTask.objects.exists()


def test_the_largest_script_is_accepted() -> None:
    text = "#" * LARGEST_SCRIPT
    assert queue.enqueue("RunScript", {"script": text}).argument("script") == text


def test_what_is_left_out_has_its_default() -> None:
    task = queue.enqueue("RunScript", {"script": "true"})
    assert task.arguments == {"script": "true", "time_limit": 3600, "shell": "sh"}


@pytest.mark.parametrize(
    ("script", "description"),
    [
        ("#!/bin/sh\n\n  make deploy \necho done", "Run make deploy"),
        ("x" * 500, "Run " + "x" * 196),
        ("#!/bin/sh", "Run a script"),
    ],
)
def test_the_list_shows_the_first_line_that_tells(script: str, description: str) -> None:
    assert queue.enqueue("RunScript", {"script": script}).description == description
