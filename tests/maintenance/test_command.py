"""``manage.py maintenance``: words, records and exit codes that scripts can rely on."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from maintenance import mode
from maintenance.models import ModeSwitch
from tests.maintenance.test_mode import Change
from tests.maintenance.windows import begun, planned
from tests.tasks.rows import ServerTaskFactory


def run(*arguments: str) -> tuple[int, str]:
    """Run the command as a shell would; return its exit code and what it printed."""
    out = StringIO()
    try:
        call_command("maintenance", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
class TestSwitching:
    def test_on_and_off_are_on_record_as_the_shells(self) -> None:
        code, said = run("on", "--reason", "New disk", "--until", "2999-01-01T22:00")
        assert (code, "Maintenance mode is on." in said) == (0, True)
        assert mode.current().reason == "New disk"
        assert run("off") == (0, "Maintenance mode is off.\n")
        records = list(ModeSwitch.objects.all())
        assert [record.source for record in records] == ["shell", "shell"]
        assert "@" in records[0].address
        assert "command line" in records[0].person_name

    def test_doing_it_twice_is_no_error(self) -> None:
        assert run("off") == (0, "Maintenance mode is off already.\n")
        run("on")
        code, said = run("on")
        assert (code, "already" in said) == (0, True)

    def test_what_is_on_already_and_ends_by_itself_is_said(self) -> None:
        begun(closes_itself=True)
        code, said = run("on")
        assert (code, "on already, and ends by itself at " in said) == (0, True)

    @pytest.mark.postgresql
    def test_a_change_that_does_not_end_is_exit_code_3_and_the_mode_is_on(self) -> None:
        with Change():
            code, said = run("on", "--timeout", "0.2")
        assert code == 3
        assert "1 change let in before is still in progress" in said
        assert mode.current().is_enabled

    @pytest.mark.postgresql
    def test_who_waits_is_told_of_changes_in_progress_while_they_are(self) -> None:
        change = Change()

        class Reader(StringIO):
            """Ends the change once told of it; nobody else does before the time is up."""

            def write(self, words: str) -> int:
                if "1 change is still in progress" in words:
                    change.__exit__()
                return super().write(words)

        change.__enter__()
        try:
            call_command("maintenance", "on", "--wait", "--timeout", "15", stdout=Reader())
        finally:
            change.__exit__()
        assert mode.current().settled is not None

    @pytest.mark.sqlite
    def test_a_change_that_does_not_end_is_exit_code_3_and_the_mode_is_off(self) -> None:
        mode.disable()
        with Change():
            code, said = run("on", "--timeout", "0.2")
        assert code == 3
        assert "Nothing was changed" in said
        assert not mode.current().is_enabled


@pytest.mark.django_db
class TestStatus:
    def test_status_in_words(self) -> None:
        assert run("status") == (0, "Maintenance mode is off.\n")
        mode.enable(name="ada", reason="New disk")
        code, said = run("status")
        assert code == 0
        assert said.startswith("Maintenance mode is on since ")
        assert "by ada: New disk" in said

    def test_status_as_one_json_object(self) -> None:
        mode.enable(name="ada", reason="New disk")
        code, said = run("status", "--json")
        found: dict[str, Any] = json.loads(said)
        assert code == 0
        assert found["in_maintenance_mode"] is True
        assert (found["reason"], found["by"], found["until"]) == ("New disk", "ada", None)
        assert datetime.fromisoformat(found["since"]).tzinfo is not None

    def test_an_unreadable_database_is_one_sentence(self) -> None:
        with (
            connection.execute_wrapper(_broken),
            pytest.raises(CommandError, match="The database did not do it: gone") as caught,
        ):
            run("status")
        assert caught.value.returncode == 1


@pytest.mark.django_db
class TestWindows:
    def test_a_window_is_planned_listed_and_called_off(self) -> None:
        code, said = run("plan", "+2h", "--until", "+3h", "--reason", "New disk", "--json")
        planned = json.loads(said)["window"]
        assert (code, planned["reason"], planned["closes_itself"]) == (0, "New disk", False)
        number = planned["window"]
        assert f"Window {number}: " in run("status")[1]
        assert json.loads(run("status", "--json")[1])["windows"][0]["window"] == number
        code, said = run("cancel-window", str(number))
        assert (code, said.startswith(f"Called off: Window {number}: ")) == (0, True)
        assert json.loads(run("status", "--json")[1])["windows"] == []

    def test_a_clash_is_wrong_use_and_named(self) -> None:
        run("plan", "+2h", "--until", "+3h", "--reason", "New roof")
        with pytest.raises(CommandError, match="New roof") as caught:
            run("plan", "+1h")
        assert caught.value.returncode == 2

    @pytest.mark.parametrize(("number", "code"), [("999999", 2), ("0", 2)])
    def test_a_window_that_is_not_there_is_wrong_use(self, number: str, code: int) -> None:
        with pytest.raises(CommandError, match="There is no window") as caught:
            run("cancel-window", number)
        assert caught.value.returncode == code

    def test_a_window_that_is_over_cannot_be_called_off(self) -> None:
        window = planned()
        run("cancel-window", str(window.pk))
        with pytest.raises(CommandError, match="is over") as caught:
            run("cancel-window", str(window.pk))
        assert caught.value.returncode == 1


@pytest.mark.django_db
class TestWaiting:
    def test_on_and_wait_is_done_when_the_server_is_idle(self) -> None:
        code, said = run("on", "--wait", "--reason", "New disk")
        assert (code, said) == (0, "You may stop the server now.\n")

    def test_time_that_is_up_is_exit_code_3(self, deployer: User) -> None:
        planned()
        code, said = run("wait", "--timeout", "0.1")
        assert code == 3
        assert said.startswith("Not yet: maintenance mode is off")
        assert said.endswith("Time is up.\n")

    def test_what_is_waited_for_besides_is_named_where_the_server_may_be_stopped(self) -> None:
        time = timezone.now() + timedelta(minutes=10)
        ServerTaskFactory(queue_time=time, queue_time_expiry=time + timedelta(minutes=10))
        waiting = ("--wait", "--wait-for", "scheduled", "--timeout", "0.1")
        code, said = run("on", "--until", "+1h", *waiting)
        assert code == 3
        assert "You may stop the server now.\nTime is up: something is still scheduled.\n" in said

    def test_status_has_the_facts_that_scripts_need(self) -> None:
        begun()
        found = json.loads(run("wait", "--json")[1])
        names = ("executing", "executing_system", "queued", "scheduled_in_window")
        assert [found[name] for name in names] == [0, 0, 0, 0]
        assert (found["idle"], found["reached"]) == (True, True)
        assert found["changes_in_flight"] in (0, None)

    def test_with_nothing_to_wait_for_it_says_so(self) -> None:
        with pytest.raises(CommandError, match="nothing to wait for"):
            run("wait")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.django_db
def test_progress_is_one_line_that_is_written_over_on_a_terminal() -> None:
    planned()
    out = Terminal()
    with pytest.raises(SystemExit) as stop:
        call_command("maintenance", "wait", "--timeout", "1", stdout=out)
    assert stop.value.code == 3
    assert out.getvalue().startswith("\rNot yet: ")
    assert out.getvalue().count("\n") == 2


@pytest.mark.django_db
def test_an_interrupted_wait_leaves_the_mode_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    planned()
    assert run("wait")[0] == 130


def _broken(*args: object) -> None:
    from django.db import OperationalError

    raise OperationalError("gone\nand more")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("sideways",),
        ("on", "--until", "tomorrow-ish"),
        ("on", "--until", "2001-01-01T00:00"),
        ("on", "--until", "9999-12-31T23:59"),
        ("on", "--until", "2026-02-30T00:00"),
        ("on", "--timeout", "-1"),
        ("on", "--timeout", "nan"),
        ("off", "--reason", "x"),
        ("on", "--closes-itself"),
        ("on", "--reason", "no \udcff UTF-8"),
        ("plan", "+1h", "--reason", "x" * 1001),
        ("on", "--scheduled", "move"),
        ("plan", "+1h", "--scheduled", "extend"),
        ("on", "--wait-for", "nothing"),
        ("wait", "--timeout", "soon"),
        ("plan",),
        ("plan", "yesterday"),
        ("plan", "2001-01-01T00:00"),
        ("plan", "+1h", "--activity", "dancing"),
        ("cancel-window", "first"),
    ],
)
def test_wrong_use_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r".+"):
        run(*arguments)


@pytest.mark.django_db
def test_a_clock_time_means_the_next_time_the_clock_shows_it() -> None:
    run("on", "--until", "23:59")
    until = mode.current().until
    assert until is not None
    assert 0 < (until - timezone.now()).total_seconds() <= 86_400
