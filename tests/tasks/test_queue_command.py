import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from maintenance import mode
from tasks import pause
from tasks.models import ServerNode
from tests.tasks import rows

pytestmark = pytest.mark.django_db

Shell = Callable[..., str]


@pytest.fixture
def queue_command(capsys: pytest.CaptureFixture[str]) -> Shell:
    def run(*words: str) -> str:
        capsys.readouterr()
        call_command("queue", *words)
        return capsys.readouterr().out

    return run


def test_pause_and_resume_say_whether_they_made_a_difference(queue_command: Shell) -> None:
    assert queue_command("pause", "--reason", " A new disk ") == "The queue is paused.\n"
    assert queue_command("pause") == "The queue is paused already.\n"
    assert pause.current().reason == "A new disk"
    assert "(command line)" in pause.current().person_name
    assert queue_command("resume") == "The queue goes on.\n"
    assert queue_command("resume") == "The queue was not paused.\n"


def test_status_says_how_it_stands(queue_command: Shell, node: ServerNode) -> None:
    rows.ServerTaskFactory()
    said = queue_command("status")
    assert said == "The queue is running.\n0 executing, 1 queued, 0 scheduled.\n"
    pause.pause(name="ada", reason="A new disk")
    assert queue_command("status").startswith("The queue is paused by ada: A new disk.\n")


def test_every_action_tells_a_script_the_same_facts(queue_command: Shell, node: ServerNode) -> None:
    rows.ServerTaskFactory()
    before = json.loads(queue_command("status", "--json"))
    assert (before["paused"], before["queued"], before["startable"]) == (False, 1, 1)
    assert (before["since"], before["by"], before["reason"]) == (None, "", "")
    paused = json.loads(queue_command("pause", "--reason", "A new disk", "--json"))
    assert (paused["paused"], paused["reason"], paused["startable"]) == (True, "A new disk", 0)
    assert json.loads(queue_command("resume", "--json")) == before


def test_a_shell_pauses_in_maintenance_mode_too(queue_command: Shell) -> None:
    mode.enable(reason="Patches")
    queue_command("pause")
    assert pause.current().is_paused


def test_a_word_that_is_none_is_wrong_use(queue_command: Shell) -> None:
    with pytest.raises(CommandError):
        queue_command("stop")
