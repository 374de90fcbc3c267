"""Before the mode goes on until a stated end, what is scheduled in that time is listed first."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from maintenance import mode, reports, work
from maintenance.models import Window
from tasks import clock, log
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.maintenance.windows import ahead, begun
from tests.tasks.rows import ServerTaskFactory

pytestmark = pytest.mark.django_db

PAGE, ADMIN = "/configuration/maintenance/", "/admin/maintenance/maintenancemode/"
HALF = timedelta(minutes=30)


@pytest.fixture
def client(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


@pytest.fixture
def task() -> ServerTask:
    """Scheduled in an hour, to start within half an hour then."""
    time = clock.now() + timedelta(hours=1)
    return ServerTaskFactory(queue_time=time, queue_time_expiry=time + HALF)


def typed(**hours: float) -> str:
    return timezone.localtime(ahead(**hours)).strftime("%Y-%m-%dT%H:%M")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("maintenance", *arguments, stdout=out)
    return out.getvalue()


class TestOnThePage:
    @pytest.mark.parametrize("page", [PAGE, ADMIN])
    def test_they_are_listed_before_anything_is_switched(
        self, page: str, client: Client, task: ServerTask
    ) -> None:
        answer = client.post(f"{page}enable/", {"reason": "A <disk>", "until": typed(hours=3)})
        text = answer.content.decode()
        assert answer.status_code == 200
        assert task.name in text
        assert "Would expire" in text
        assert "A &lt;disk&gt;</dd>" in text
        assert 'data-label="At the latest"' in text
        assert "stays on until it is turned off" in text
        assert 'value="A &lt;disk&gt;"' in text
        assert f'action="{page}enable/"' in text
        assert not mode.current().is_enabled

    @pytest.mark.parametrize(
        ("choice", "moved", "later"),
        [("stand", False, False), ("move", True, True), ("extend", False, True)],
    )
    def test_then_they_are_dealt_with_in_bulk_and_the_mode_goes_on(
        self, choice: str, moved: bool, later: bool, client: Client, task: ServerTask
    ) -> None:
        end = ahead(hours=3).replace(second=0)
        sent = {"reason": "Disk", "until": typed(hours=3), "closes_itself": "False"}
        more = {"looked": "1", "scheduled": choice, "task": [task.pk]}
        answer = client.post(f"{PAGE}enable/", sent | more)
        assert answer.status_code == 302
        before = task.queue_time
        task.refresh_from_db()
        assert (task.queue_time == end) == moved
        assert (task.queue_time == before) != moved
        assert (task.queue_time_expiry == end + HALF) == later
        row = mode.current()
        assert (row.is_enabled, row.reason, row.until, row.closes_itself) == (
            True, "Disk", end, False,
        )  # fmt: skip

    def test_what_is_not_ticked_stands(self, client: Client, task: ServerTask) -> None:
        before = task.queue_time
        sent = {"until": typed(hours=3), "looked": "1", "scheduled": "move"}
        client.post(f"{PAGE}enable/", sent)
        task.refresh_from_db()
        assert task.queue_time == before
        assert mode.current().is_enabled

    def test_where_they_cannot_be_moved_nothing_is_switched(
        self, client: Client, task: ServerTask
    ) -> None:
        sent = {"until": typed(days=40), "looked": "1", "scheduled": "move", "task": [task.pk]}
        text = client.post(f"{PAGE}enable/", sent).content.decode()
        assert "Maintenance mode was not enabled" in text
        assert not mode.current().is_enabled

    def test_without_an_end_or_without_conflicts_it_goes_on_at_once(
        self, client: Client, task: ServerTask
    ) -> None:
        assert client.post(f"{PAGE}enable/").status_code == 302
        mode.disable()
        assert client.post(f"{PAGE}enable/", {"until": typed(minutes=20)}).status_code == 302
        assert mode.current().is_enabled


class TestInAShell:
    def test_they_are_listed_before_and_stand(self, task: ServerTask) -> None:
        said = run("on", "--until", "+3h")
        assert said.index("1 scheduled task falls into it:") < said.index("Maintenance mode is on")
        assert f"{task.name} {task.description}" in said
        assert "would expire in it" in said

    def test_they_are_moved_if_asked(self, task: ServerTask) -> None:
        said: dict[str, Any] = json.loads(
            run("on", "--until", "+3h", "--scheduled", "move", "--json")
        )
        task.refresh_from_db()
        assert task.queue_time == mode.current().until
        assert said["rescheduled"] == 1
        assert [each["task"] for each in said["conflicts"]] == [task.name]
        assert "the server gave it another time" in [*log.lines(task)][-1].text

    def test_a_window_is_planned_with_them_extended(self, task: ServerTask) -> None:
        said = run("plan", "+30m", "--until", "+3h", "--scheduled", "extend")
        window = Window.objects.get()
        task.refresh_from_db()
        assert window.ends is not None
        assert task.queue_time_expiry == window.ends + HALF
        assert "Given another time: 1." in said

    def test_what_cannot_be_moved_leaves_the_mode_off(self, task: ServerTask) -> None:
        with pytest.raises(CommandError, match="Maintenance mode was not enabled"):
            run("on", "--until", "+40d", "--scheduled", "move")
        assert not mode.current().is_enabled

    def test_that_there_may_be_more_than_are_listed_is_said(
        self, task: ServerTask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "LISTED", 1)
        assert "There may be more than these 1" in run("on", "--until", "+3h")


def test_the_page_says_that_there_may_be_more_than_are_listed(
    client: Client, task: ServerTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "LISTED", 2)
    assert "there may be more" not in listed(client)
    ServerTaskFactory(queue_time=task.queue_time, queue_time_expiry=task.queue_time_expiry)
    assert "there may be more" in listed(client)


def listed(client: Client) -> str:
    return client.post(f"{PAGE}enable/", {"until": typed(hours=3)}).content.decode()


def test_a_report_says_whether_it_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    window = begun()
    mode.record()
    window.refresh_from_db()
    ServerTaskFactory(state="Success", start_time=ahead(), completed_time=ahead())
    assert reports.as_json(reports.of(window))["tasks_complete"] is True
    monkeypatch.setattr(work, "LISTED", 1)
    assert reports.as_json(reports.of(window))["tasks_complete"] is False
