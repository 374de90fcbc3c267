"""What triggers will queue within a time is foreseen, before there is a task of it."""

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from maintenance import idle, mode, work
from maintenance.models import Window
from maintenance.work import Stage
from octoserver.deployments import foresight
from octoserver.deployments.models import Environment, Project, Trigger
from tests.conftest import ClientFor
from tests.deployments import rows
from tests.maintenance.windows import ahead

PAGE = "/configuration/maintenance/"
# Later than the next time of any trigger made here.
MIDNIGHT = datetime.fromisoformat("2126-11-25T00:00:00+00:00")
HOUR = timedelta(hours=1)


@pytest.fixture
def client(administrator: User, client_for: ClientFor) -> Client:
    return client_for(administrator)


@pytest.fixture
def each_minute(shop: Project, places: list[Environment]) -> Trigger:
    return rows.trigger(shop, places[0], "Beat", cron="* * * * *")


def times(
    begin: datetime, end: datetime | None, *, limit: int = 10, counted: int = 100
) -> dict[str, list[datetime]]:
    found = foresight.coming(begin, end, limit=limit, counted=counted)
    return {each.trigger.name: each.times for each in found}


class TestForesight:
    @pytest.mark.parametrize(
        ("cron", "zone", "hours"),
        [
            ("0 * * * *", "UTC", [0, 1, 2]),
            ("30 * * * *", "UTC", [0.5, 1.5, 2.5]),
            ("0 2 * * *", "UTC", [2]),
            ("0 3 * * *", "UTC", []),
            ("0 2 * * *", "Europe/Berlin", [1]),
        ],
    )
    def test_it_comes_due_from_the_beginning_on_and_before_the_end(
        self, cron: str, zone: str, hours: list[float], shop: Project, places: list[Environment]
    ) -> None:
        rows.trigger(shop, places[0], cron=cron, time_zone=zone)
        found = times(MIDNIGHT, MIDNIGHT + 3 * HOUR)
        assert found == ({"Nightly": [MIDNIGHT + HOUR * each for each in hours]} if hours else {})

    def test_a_time_counts_that_is_the_next_and_has_not_come(
        self, shop: Project, places: list[Environment]
    ) -> None:
        trigger = rows.trigger(shop, places[0])
        assert trigger.next_due is not None
        found = times(trigger.next_due, trigger.next_due + timedelta(days=1))
        assert found == {"Nightly": [trigger.next_due]}

    def test_one_that_is_overdue_comes_due_now_and_once(
        self, shop: Project, places: list[Environment]
    ) -> None:
        trigger = rows.trigger(shop, places[0], cron="0 0 1 1 *")
        Trigger.objects.filter(pk=trigger.pk).update(next_due=ahead(days=-3))
        now = timezone.now()
        (found,) = times(ahead(minutes=-5), ahead(minutes=1))["Nightly"]
        assert found >= now - timedelta(seconds=1)
        assert times(ahead(minutes=1), ahead(minutes=2)) == {}

    def test_no_more_is_counted_than_is_worth_it(self, each_minute: Trigger) -> None:
        begin, end = MIDNIGHT, MIDNIGHT + timedelta(days=7)
        (found,) = foresight.coming(begin, end, limit=10)
        assert (len(found.times), found.is_more) == (foresight.COUNTED, True)
        (found,) = foresight.coming(begin, begin + HOUR, limit=10)
        assert (len(found.times), found.is_more) == (60, False)

    def test_without_an_end_it_is_foreseen_too(
        self, each_minute: Trigger, shop: Project, places: list[Environment]
    ) -> None:
        rows.trigger(shop, places[0], cron="0 0 29 2 *")
        assert list(times(MIDNIGHT, None, counted=2)) == ["Beat", "Nightly"]
        assert list(times(MIDNIGHT, None, limit=1)) == ["Beat"]

    def test_one_that_is_switched_off_or_never_comes_again_is_not(
        self, each_minute: Trigger, shop: Project, places: list[Environment]
    ) -> None:
        last = rows.trigger(shop, places[0])
        Trigger.objects.filter(pk=each_minute.pk).update(is_enabled=False)
        Trigger.objects.filter(pk=last.pk).update(cron="never")
        assert last.next_due is not None
        assert times(MIDNIGHT, None) == {}
        assert times(ahead(), None) == {"Nightly": [last.next_due]}
        Trigger.objects.filter(pk=last.pk).update(next_due=None)
        assert times(ahead(), None) == {}


class TestOnThePages:
    @pytest.mark.parametrize("page", [PAGE, "/admin/maintenance/maintenancemode/"])
    def test_it_is_listed_before_the_mode_goes_on_with_a_link_to_switch_it_off(
        self, page: str, each_minute: Trigger, client: Client
    ) -> None:
        until = timezone.localtime(ahead(hours=3)).strftime("%Y-%m-%dT%H:%M")
        text = client.post(f"{page}enable/", {"until": until}).content.decode()
        assert not mode.current().is_enabled
        assert f'<a href="/projects/shop/triggers/{each_minute.pk}/">Trigger Beat</a>' in text
        assert "latest release of Shop to Development" in text
        assert "* * * * * (UTC)" in text
        assert "100 or more" in text
        assert 'name="scheduled"' not in text
        sent = {"until": until, "looked": "1"}
        assert client.post(f"{page}enable/", sent).status_code == 302
        assert mode.current().is_enabled

    def test_a_plan_lists_it_and_the_line_of_time_shows_it(
        self, each_minute: Trigger, client: Client, shop: Project, places: list[Environment]
    ) -> None:
        rows.trigger(shop, places[0], cron="0 0 1 1 *", time_zone="UTC")
        call_command("maintenance", "plan", "+2h", "--until", "+3h", stdout=StringIO())
        text = client.get(Window.objects.get().get_absolute_url()).content.decode()
        assert "Recurring within the window" in text
        assert "Scheduled within the window" not in text
        assert text.count(f"/projects/shop/triggers/{each_minute.pk}/") == 2
        assert text.count("Trigger Nightly") == 0
        assert 'class="piece piece-foreseen"' in text

    def test_a_window_that_is_over_lists_nothing(
        self, each_minute: Trigger, client: Client
    ) -> None:
        call_command("maintenance", "plan", "+2h", "--until", "+3h", stdout=StringIO())
        window = Window.objects.get()
        call_command("maintenance", "cancel-window", str(window.pk), stdout=StringIO())
        text = client.get(window.get_absolute_url()).content.decode()
        assert "Recurring within the window" not in text

    def test_the_maintenance_page_draws_it(self, each_minute: Trigger, client: Client) -> None:
        assert "Trigger Beat" in client.get(PAGE).content.decode()


class TestInAShell:
    def run(self, *arguments: str) -> str:
        out = StringIO()
        call_command("maintenance", *arguments, stdout=out)
        return out.getvalue()

    @pytest.mark.parametrize("arguments", [("on",), ("plan", "+1m")])
    def test_it_is_listed_as_one_line(
        self, arguments: tuple[str, ...], each_minute: Trigger
    ) -> None:
        said = self.run(*arguments, "--until", "+7d")
        assert "Recurring in it, with no task yet: 1\n" in said
        line = "  Trigger Beat, latest release of Shop to Development: * * * * * (UTC), "
        assert f"{line}100 times or more, first at " in said
        assert said.count("Beat") == 1

    def test_a_script_reads_it(
        self, shop: Project, places: list[Environment], each_minute: Trigger
    ) -> None:
        book = rows.runbook(shop)
        rows.trigger(shop, places[1], cron="0 0 * * *", runbook=book)
        said = json.loads(self.run("plan", "+1m", "--until", "+1441m", "--json"))
        assert said["conflicts"] == []
        beat, nightly = said["foreseen"]
        assert (beat["times"], beat["times_complete"]) == (100, False)
        assert nightly["name"] == "Trigger Nightly"
        assert nightly["description"] == "runbook Clean up of Shop in Staging"
        assert nightly["interval"] == "0 0 * * * (UTC)"
        assert nightly["url"].startswith("/projects/shop/triggers/")
        assert (nightly["times"], nightly["times_complete"]) == (1, True)
        assert nightly["first"].endswith("T00:00:00+00:00")


def test_the_server_is_idle_all_the_same_and_nothing_waits_for_what_is_no_task(
    each_minute: Trigger,
) -> None:
    mode.enable(until=ahead(hours=3))
    facts = idle.look()
    assert facts.idle
    assert facts.as_json()["scheduled_in_window"] == 0


def test_a_bar_ends_with_the_last_time_or_where_not_all_are_counted_with_the_line() -> None:
    found = work.Foreseen(
        name="a", description="", url="/a/", interval="", first=MIDNIGHT, last=MIDNIGHT + HOUR,
        count=2,
    )  # fmt: skip
    end = MIDNIGHT + 9 * HOUR
    assert work.foreseen_bar(found, end).end == MIDNIGHT + HOUR
    more = work.Foreseen(**(found.__dict__ | {"is_more": True}))
    assert work.foreseen_bar(more, end).end == end
    assert work.foreseen_bar(more, None).end == MIDNIGHT + HOUR
    assert work.foreseen_bar(more, None).stage == Stage.FORESEEN
