"""Windows on screen: planned, edited, ticked off, called off, announced and reported."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from maintenance import cockpit, mode, windows
from maintenance.forms import WindowForm
from maintenance.models import ModeSwitch, Window
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.maintenance.windows import BY, ahead, begun, draft, planned

PAGE = "/configuration/maintenance/"
PLAN = f"{PAGE}windows/plan/"


@pytest.fixture
def client(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


def typed(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def fields(**values: str) -> dict[str, str]:
    soon = {"starts": typed(ahead(hours=2)), "ends": typed(ahead(hours=3))}
    return {"activity": "other", "reason": "New <disk>", **soon, **values}


class TestPlanning:
    def test_a_window_is_planned_and_shown(self, client: Client, administrator: User) -> None:
        response = client.post(PLAN, fields(), follow=True)
        window = Window.objects.get()
        assert response.redirect_chain == [(window.get_absolute_url(), 302)]
        assert f"Window {window.pk} is planned." in response.content.decode()
        assert (window.person, window.reason) == (administrator, "New <disk>")
        text = client.get(PAGE).content.decode()
        assert f"Window {window.pk}" in text
        assert escape("New <disk>") in text

    @pytest.mark.parametrize(
        ("values", "complaint"),
        [
            ({"starts": "2001-01-01T00:00"}, "The start lies in the past."),
            ({"ends": "2001-01-01T00:00"}, "The end does not come after the start."),
            ({"ends": typed(ahead(days=60))}, "A window lasts at most 31 days."),
            ({"starts": "soon"}, "This is no date and time"),
            ({"starts": ""}, "This field is required."),
            ({"ends": "", "closes_itself": "on"}, "A window that closes by itself needs an end."),
            ({"activity": "dancing"}, "dancing is not one of the available choices"),
        ],
    )
    def test_what_makes_no_sense_is_said_and_the_rest_is_kept(
        self, values: dict[str, str], complaint: str, client: Client
    ) -> None:
        text = client.post(PLAN, fields(**values)).content.decode()
        assert complaint in text
        assert escape("New <disk>") in text
        assert not Window.objects.exists()

    @pytest.mark.parametrize("time", ["2027-03-28T02:30", "2027-10-31T02:30"])
    def test_a_time_that_a_clock_change_skips_or_repeats_is_refused(
        self, time: str, client: Client, settings: Settings
    ) -> None:
        settings.TIME_ZONE = "Europe/Berlin"
        timezone.get_default_timezone.cache_clear()
        try:
            text = client.post(PLAN, fields(starts=time, ends="")).content.decode()
            assert "skipped or repeated by a clock change in Europe/Berlin" in text
            assert not Window.objects.exists()
        finally:
            settings.TIME_ZONE = "UTC"
            timezone.get_default_timezone.cache_clear()

    def test_a_clash_is_named(self, client: Client) -> None:
        first = planned(begins=120, reason="New roof")
        text = client.post(PLAN, fields()).content.decode()
        assert f"Window {first.pk} is planned then" in text
        assert "New roof" in text

    def test_the_advice_of_every_activity_is_there(self, client: Client) -> None:
        text = client.get(PLAN).content.decode()
        assert "drain one node" in text

    def test_it_works_while_the_mode_is_on(self, client: Client) -> None:
        mode.enable()
        assert client.post(PLAN, fields()).status_code == 302


class TestChanging:
    def test_a_window_is_edited(self, client: Client) -> None:
        window = planned()
        page = client.get(f"{window.get_absolute_url()}edit/").content.decode()
        assert 'name="version" value="1"' in page
        answer = client.post(
            f"{window.get_absolute_url()}edit/", fields(reason="Newer", version="1")
        )
        assert answer.status_code == 302
        window.refresh_from_db()
        assert (window.reason, window.version) == ("Newer", 2)

    def test_the_second_of_two_editors_is_told_and_keeps_what_was_typed(
        self, client: Client
    ) -> None:
        window = planned()
        windows.edit(window, draft(), version=1, origin=BY)
        text = client.post(
            f"{window.get_absolute_url()}edit/", fields(reason="Mine", version="1")
        ).content.decode()
        assert "Somebody else has edited this window" in text
        assert "Mine" in text

    def test_an_open_window_gets_another_end_only(self, client: Client) -> None:
        window = begun()
        mode.record()
        later = ahead(hours=5).replace(second=0)
        sent = {"ends": typed(later), "reason": "Longer", "version": "1", "starts": "2001-01-01"}
        assert client.post(f"{window.get_absolute_url()}edit/", sent).status_code == 302
        old, window = window, Window.objects.get()
        assert (window.starts, window.ends, window.reason) == (old.starts, later, "Longer")

    def test_times_that_are_not_touched_stay_to_the_second(self, client: Client) -> None:
        """A page shows minutes; what was planned in a shell may have seconds."""
        window = begun(ago=10, lasts=5)
        begin = window.starts.replace(second=12)
        Window.objects.update(starts=begin, ends=begin + timedelta(minutes=5))
        mode.record()
        mode.settle(timeout=1)
        sent = {"ends": typed(begin + timedelta(minutes=5)), "reason": "Longer", "version": "1"}
        assert client.post(f"{window.get_absolute_url()}edit/", sent).status_code == 302
        window = Window.objects.get()
        assert (window.ends, window.reason) == (begin + timedelta(minutes=5), "Longer")
        assert window.settled

    def test_one_in_an_hour_that_repeats_can_be_edited(self) -> None:
        """Planned in a shell, with its offset; here only what is typed anew is looked at."""
        begin = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
        window = Window(starts=begin, ends=begin + timedelta(hours=3))
        sent = {"activity": "other", "reason": "Longer", "ends": "2027-10-31T06:30"}
        with timezone.override("Europe/Berlin"):
            form = WindowForm(sent | {"starts": "2027-10-31T02:30"}, window=window)
            assert form.is_valid(), form.errors
            other = WindowForm(sent | {"starts": "2027-10-31T02:31"}, window=window)
            assert "clock change" in str(other.errors["starts"])
        assert (form.draft().starts, form.draft().ends) == (begin, begin + timedelta(hours=4))

    def test_steps_are_ticked_off_and_taken_back(self, client: Client) -> None:
        window = planned()
        address = f"{window.get_absolute_url()}steps/1/"
        client.post(address, {"done": "1"})
        assert window.steps.get(position=1).done_by == "ada"
        client.post(address)
        assert window.steps.get(position=1).done is None

    def test_a_window_is_called_off_once(self, client: Client) -> None:
        window = planned()
        address = f"{window.get_absolute_url()}call-off/"
        assert "was called off" in client.post(address, follow=True).content.decode()
        assert "is over" in client.post(address, follow=True).content.decode()

    def test_every_change_needs_csrf(self, administrator: User, client_for: ClientFor) -> None:
        window = planned()
        client = client_for(administrator, enforce_csrf_checks=True)
        for action in ("edit/", "call-off/", "conflicts/", "steps/1/"):
            assert client.post(f"{window.get_absolute_url()}{action}").status_code == 403
        assert client.post(PLAN, fields()).status_code == 403


class TestNotice:
    def test_everybody_is_told_from_a_day_ahead(self, viewer: User, client_for: ClientFor) -> None:
        client = client_for(viewer)
        window = planned(begins=24 * 60 + 5)
        assert "banner-notice" not in client.get("/").content.decode()
        Window.objects.update(starts=window.starts - timedelta(minutes=10))
        text = client.get("/").content.decode()
        assert "Maintenance is planned." in text
        assert "New disk" in text
        assert timezone.localtime(Window.objects.get().starts).strftime("%Y-%m-%d %H:%M") in text

    def test_those_who_have_not_signed_in_are_told_too(self, db: None) -> None:
        planned()
        assert "banner-notice" in Client().get("/login/").content.decode()

    def test_how_long_ahead_is_a_setting(
        self, viewer: User, client_for: ClientFor, settings: Settings
    ) -> None:
        settings.MAINTENANCE_NOTICE_AHEAD = 0.5
        planned(begins=60)
        assert "banner-notice" not in client_for(viewer).get("/").content.decode()

    def test_it_gives_way_to_the_mode(self, client: Client) -> None:
        planned()
        mode.enable()
        text = client.get("/").content.decode()
        assert "banner-maintenance" in text
        assert "banner-notice" not in text

    def test_without_a_window_it_costs_nothing(self, client: Client) -> None:
        client.get("/")
        with CaptureQueriesContext(_connection()) as queries:
            client.get("/")
        asked = [query["sql"] for query in queries if "maintenance_window" in query["sql"]]
        assert [sql for sql in asked if "auth_user" not in sql] == []


class TestIdle:
    def test_the_page_says_in_one_sentence_whether_the_server_may_be_stopped(
        self, client: Client
    ) -> None:
        mode.enable()
        text = client.get(f"{PAGE}status/").content.decode()
        assert "You may stop the server now." in text
        scheduled(state="Executing", start_time=timezone.now())
        text = client.get(f"{PAGE}status/").content.decode()
        assert "Not yet: 1 task is executing." in text
        assert "1 executing task would fail" in text
        assert "node-a" in text

    def test_which_tasks_they_are_is_for_administrators(
        self, nobody: User, client_for: ClientFor
    ) -> None:
        mode.enable()
        scheduled(state="Executing", start_time=timezone.now())
        text = client_for(nobody).get(PAGE).content.decode()
        assert "Not yet: 1 task is executing." in text
        assert "Says hello" not in text


class TestConflicts:
    def test_what_falls_into_the_window_is_listed_and_what_would_expire_is_marked(
        self, client: Client
    ) -> None:
        window = planned()
        scheduled(
            description="Before", queue_time=ahead(minutes=5), queue_time_expiry=ahead(minutes=30)
        )
        scheduled(description="Expires in it", queue_time=ahead(minutes=70))
        scheduled(
            description="Waits", queue_time=ahead(minutes=70), queue_time_expiry=ahead(hours=9)
        )
        scheduled(description="After", queue_time=ahead(hours=4))
        text = client.get(window.get_absolute_url()).content.decode()
        assert text.count("Would expire") == 1
        assert ("Expires in it" in text, "Waits" in text) == (True, True)
        assert ("Before" in text, "After it" in text) == (False, False)

    @pytest.mark.parametrize("action", ["move", "extend"])
    def test_they_are_moved_or_given_longer_in_bulk(self, action: str, client: Client) -> None:
        window = planned()
        tasks = [scheduled(queue_time=ahead(minutes=70)) for _ in range(3)]
        sent = {"action": action, "task": [str(task.pk) for task in tasks[:2]]}
        text = client.post(
            f"{window.get_absolute_url()}conflicts/", sent, follow=True
        ).content.decode()
        assert "2 tasks were changed." in text
        for task in tasks[:2]:
            old = task.queue_time
            task.refresh_from_db()
            assert task.queue_time == (window.ends if action == "move" else old)
            assert task.queue_time_expiry == window.ends + timedelta(minutes=30)  # type: ignore[operator]
        tasks[2].refresh_from_db()
        assert task.queue_time_expiry != tasks[2].queue_time_expiry

    def test_what_has_started_meanwhile_is_left_alone(self, client: Client) -> None:
        window = planned()
        task = scheduled(state="Executing", start_time=timezone.now())
        sent = {"action": "move", "task": [str(task.pk), "999999", "nonsense"]}
        text = client.post(
            f"{window.get_absolute_url()}conflicts/", sent, follow=True
        ).content.decode()
        assert "0 tasks were changed." in text


class TestReport:
    def test_it_tells_what_happened(
        self, client: Client, deployer: User, client_for: ClientFor
    ) -> None:
        window = begun()
        client_for(deployer).post("/zoo/write/")
        scheduled(description="Ran in it", state="Success", start_time=ahead(minutes=-5),
                  completed_time=timezone.now())  # fmt: skip
        client.post(f"{window.get_absolute_url()}steps/1/", {"done": "1"})
        mode.disable(name="eve")
        page = client.get(window.get_absolute_url()).content.decode()
        assert ("Ran in it" in page, "/zoo/write/" in page, "eve" in page) == (True, True, True)

        found = client.get(f"{window.get_absolute_url()}report.json").json()
        assert found["checklist"][0]["by"] == "ada"
        assert found["tasks"][0]["description"] == "Ran in it"
        assert (found["refusals"][0]["by"], found["refusals"][0]["path"]) == ("dora", "/zoo/write/")
        assert [entry["enabled"] for entry in found["switches"]] == [True, False]
        assert (found["ended_by"], found["opened"]) == ("eve", window.starts.isoformat())
        assert ModeSwitch.objects.count() == 2

    def test_a_window_that_ended_is_drawn_to_its_end_and_promises_nothing(
        self, client: Client
    ) -> None:
        window = begun(ago=30, lasts=600)
        assert "stays on until it is turned off" in page_of(window, client)
        mode.disable(name="eve")
        window.refresh_from_db()
        drawn = cockpit.of_window(window)
        assert drawn.end < ahead(minutes=2)
        assert drawn.window is not None
        assert float(drawn.window.x[:-1]) + float(drawn.window.width[:-1]) < 99
        assert "stays on until it is turned off" not in page_of(window, client)

    def test_one_called_off_before_its_start_took_no_time(self, client: Client) -> None:
        window = planned()
        assert "Timeline" in page_of(window, client)
        windows.call_off(window, origin=BY)
        assert "Timeline" not in page_of(window, client)

    def test_an_edit_is_told_as_one(self, client: Client) -> None:
        window = planned()
        windows.edit(window, draft(), version=1, origin=BY)
        text = page_of(window, client)
        assert (text.count("Window planned,"), text.count("Window changed,")) == (1, 1)


def page_of(window: Window, client: Client) -> str:
    return client.get(window.get_absolute_url()).content.decode()


def scheduled(**values: object) -> ServerTask:
    starts = values.pop("queue_time", timezone.now())
    defaults = {
        "kind": "RunScript",
        "description": "Says hello",
        "arguments": {"script": "echo hello"},
        "state": "Queued",
        "created": timezone.now(),
        "queue_time": starts,
        "queue_time_expiry": starts + timedelta(minutes=30),  # type: ignore[operator]
        "node_name": "node-a" if "start_time" in values else "",
        "incarnation": "00000000-0000-0000-0000-000000000001" if "start_time" in values else None,
    }
    return ServerTask.objects.create(**{**defaults, **values})


def _connection() -> object:
    from django.db import connection

    return connection
