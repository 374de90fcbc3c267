"""The steps of deployments as real processes."""

from pathlib import Path

import pytest

from octoserver.deployments.models import Environment, Project
from tasks import process
from tasks.models import State
from tests.deployments import ran, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(places: list[Environment]) -> Environment:
    return places[0]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_step_sees_its_variables_and_hands_its_own_on(
    shell: str, shop: Project, place: Environment
) -> None:
    rows.variable(shop, "Site.Title", "It's a “test”; $HOME `x`")
    rows.step(
        shop, "First", 'echo "$Site_Title"; set_octopusvariable Answer "6 x 7\n= 42"', shell=shell
    )
    rows.step(shop, "Second", 'get_octopusvariable "Octopus.Action[First].Output.Answer"')
    done = ran.project(shop, place)
    assert done.outcome.state == State.SUCCESS
    assert done.output == ["It's a “test”; $HOME `x`", "6 x 7", "= 42"]


def test_a_step_in_python_reads_and_sets_variables_too(shop: Project, place: Environment) -> None:
    rows.step(shop, "First", "from octopus import *\nset_octopusvariable('A', 'b')", shell="python")
    rows.variable(shop, "Copy", "<#{Octopus.Action[First].Output.A}>")
    rows.step(
        shop, "Second", "from octopus import *\nprint(get_octopusvariable('Copy'))", shell="python"
    )
    assert ran.project(shop, place).output == ["<b>"]


CONDITIONS = [
    # exit code of the first step; which of success, failure, always run after it
    (0, {"success": "Success", "failure": "Skipped", "always": "Success"}, State.SUCCESS),
    (1, {"success": "Skipped", "failure": "Success", "always": "Success"}, State.FAILED),
]


@pytest.mark.parametrize(("code", "states", "outcome"), CONDITIONS)
def test_conditions_decide_what_runs_after_a_failure(
    code: int, states: dict[str, str], outcome: str, shop: Project, place: Environment
) -> None:
    rows.step(shop, "First", f"exit {code}")
    for condition in states:
        rows.step(shop, condition, "true", condition=condition)
    done = ran.project(shop, place)
    assert {name: done.states[name] for name in states} == states
    assert done.outcome.state == outcome


def test_a_step_is_tried_again_as_often_as_it_says(
    shop: Project, place: Environment, tmp_path: Path
) -> None:
    count = f'echo x >> "{tmp_path}/tries"; [ "$(wc -l < "{tmp_path}/tries")" -ge 2 ]'
    rows.step(shop, script=count, retries=2)
    assert ran.project(shop, place).outcome.state == State.SUCCESS
    assert (tmp_path / "tries").read_text().split() == ["x", "x"]


def test_a_step_of_other_environments_does_not_run(
    shop: Project, places: list[Environment]
) -> None:
    rows.step(shop, "Here")
    rows.step(shop, "Elsewhere", environments=places[1:])
    assert ran.project(shop, places[0]).states == {"Here": "Success"}


def test_each_step_works_in_an_empty_folder_that_is_gone_afterwards(
    shop: Project, place: Environment
) -> None:
    rows.step(shop, "First", "ls -A; touch here; pwd")
    rows.step(shop, "Second", "ls -A; pwd")
    folders = ran.project(shop, place).output
    assert len(set(folders)) == 2
    assert not any(Path(folder).exists() for folder in folders)
    assert list(process.work_folder("north").iterdir()) == []


def test_sections_of_the_log_say_how_each_step_ended_and_how_long_it_took(
    shop: Project, place: Environment
) -> None:
    rows.step(shop, "First", "exit 3")
    done = ran.project(shop, place)
    assert "Step 1 of 1: First" in done.words
    assert any(word.startswith("Step First: Failed after 0.") for word in done.words)
    assert done.outcome.message == "Step First: The script ended with exit code 3."
    (entry,) = done.run.progress
    assert entry["first_line"] < entry["last_line"]


def test_a_time_limit_ends_a_step_that_ignores_sigterm_and_forks(
    shop: Project, place: Environment
) -> None:
    rows.step(shop, script="trap '' TERM; sleep 60 & exec >&- 2>&-; wait", time_limit=1)
    done = ran.project(shop, place)
    assert done.outcome.state == State.FAILED
    assert "time limit of 1 second" in done.outcome.message


def test_a_step_sees_nothing_of_the_server_s_environment(
    shop: Project, place: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARIABLES_KEY", "of-the-server")
    rows.step(shop, script="env")
    assert "of-the-server" not in ran.project(shop, place).text


def test_a_name_that_is_none_fails_in_the_step_that_gives_it(
    shop: Project, place: Environment
) -> None:
    rows.step(shop, script="set_octopusvariable ../../escape x")
    assert "is no name of an output variable" in ran.project(shop, place).text


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("python", "import os\nfor _ in range(2500):\n    os.mkdir('d')\n    os.chdir('d')"),
        ("sh", "mkdir -p a/b && touch a/b/c && chmod 0 a/b a"),
    ],
)
def test_a_folder_that_is_hard_to_remove_is_removed(
    shell: str, script: str, shop: Project, place: Environment
) -> None:
    rows.step(shop, "Dig", script, shell=shell)
    rows.step(shop, "Go on", "echo on")
    done = ran.project(shop, place)
    assert done.output == ["on"]
    assert done.outcome.state == State.SUCCESS
    assert list(process.work_folder("north").iterdir()) == []


@pytest.mark.parametrize("link", ["", "/plain"])
def test_files_of_elsewhere_are_no_output_variables(
    link: str, shop: Project, place: Environment, tmp_path: Path
) -> None:
    (tmp_path / "plain").mkdir()
    for path in (tmp_path / "secret", tmp_path / "plain" / "secret"):
        path.write_text("of this host")
    target = tmp_path / "plain" if link else tmp_path
    step = f'rm -rf "$OCTOSERVER_OUTPUT{link}"; ln -s {target} "$OCTOSERVER_OUTPUT{link}"'
    rows.step(shop, "Point", step)
    done = ran.project(shop, place)
    assert done.outcome.state == State.SUCCESS
    assert "secret" not in done.text
