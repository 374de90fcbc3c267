"""``manage.py maintenance``: words, records and exit codes that scripts can rely on."""

import json
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from maintenance import mode
from maintenance.models import ModeSwitch
from tests.maintenance.test_mode import Change


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

    @pytest.mark.postgresql
    def test_a_change_that_does_not_end_is_exit_code_3_and_the_mode_is_on(self) -> None:
        with Change():
            code, said = run("on", "--timeout", "0.2")
        assert code == 3
        assert "1 change let in before is still in progress" in said
        assert mode.current().is_enabled

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


def _broken(*args: object) -> None:
    from django.db import OperationalError

    raise OperationalError("gone\nand more")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("sideways",),
        ("on", "--until", "tomorrow-ish"),
        ("on", "--until", "2001-01-01T00:00"),
        ("on", "--until", "2026-02-30T00:00"),
        ("on", "--timeout", "-1"),
        ("on", "--timeout", "nan"),
        ("off", "--reason", "x"),
    ],
)
def test_wrong_use_says_what_is_wrong(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"Error: .+"):
        run(*arguments)


@pytest.mark.django_db
def test_a_clock_time_means_the_next_time_the_clock_shows_it() -> None:
    run("on", "--until", "23:59")
    until = mode.current().until
    assert until is not None
    assert 0 < (until - timezone.now()).total_seconds() <= 86_400
