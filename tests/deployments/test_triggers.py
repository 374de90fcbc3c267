"""When triggers fire: at changes of the clock too, once each, and never in a loop."""

from datetime import UTC, datetime, timedelta

import pytest

from octoserver.deployments import triggers
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, RunbookRun
from tasks.models import ServerTask
from tests.deployments import rows

BERLIN = "Europe/Berlin"
# On 2026-10-25 at 01:00 UTC clocks in Berlin go back from 3:00 to 2:00.
BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
# On 2026-03-29 at 01:00 UTC they go forward from 2:00 to 3:00.
FORTH = datetime(2026, 3, 29, 1, tzinfo=UTC)
CRONS = ("30 2 * * *", "0 2 * * *", "*/20 * * * *", "0,30 1-3 * * *", "59 2 25 10 *")


@pytest.mark.parametrize("cron", CRONS)
@pytest.mark.parametrize("change", [BACK, FORTH])
def test_the_next_time_always_lies_ahead_when_clocks_change(cron: str, change: datetime) -> None:
    for minutes in range(-180, 180, 10):
        after = change + timedelta(minutes=minutes)
        (following,) = triggers.next_times(cron, BERLIN, after=after, count=1)
        assert following > after


def test_a_time_that_comes_twice_fires_once_even_if_it_is_late() -> None:
    first = BACK - timedelta(minutes=30)
    for late in (0, 20, 30, 45, 60, 75):
        (following,) = triggers.next_times(
            "30 2 * * *", BERLIN, after=first + timedelta(minutes=late), count=1
        )
        assert following == first + timedelta(days=1, hours=1)


def test_a_time_that_never_comes_fires_when_the_clocks_have_gone_forward() -> None:
    (following,) = triggers.next_times(
        "30 2 * * *", BERLIN, after=FORTH - timedelta(hours=1), count=1
    )
    assert following == FORTH


@pytest.mark.django_db
def test_a_trigger_missed_while_clocks_went_back_fires_once(
    shop: Project, places: list[Environment]
) -> None:
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    trigger = rows.trigger(shop, places[0], cron="30 2 * * *", time_zone=BERLIN, runbook=runbook)
    due = BACK - timedelta(minutes=30)
    type(trigger).objects.filter(pk=trigger.pk).update(next_due=due)
    for minutes in (35, 36, 37, 70, 120):
        triggers.fire_due(now=due + timedelta(minutes=minutes))
        for run in RunbookRun.objects.unfinished():
            rows.complete(run.task)
    assert RunbookRun.objects.count() == 1
    trigger.refresh_from_db()
    assert "Late, and once for all it missed" in trigger.last_outcome


@pytest.mark.django_db
def test_a_trigger_that_fires_on_time_is_not_called_late(
    shop: Project, places: list[Environment]
) -> None:
    trigger = rows.trigger(shop, places[0])
    assert trigger.next_due
    triggers.fire_due(now=trigger.next_due + timedelta(seconds=2))
    trigger.refresh_from_db()
    assert trigger.last_outcome == "Not queued: There is no release yet."


@pytest.mark.django_db
def test_a_trigger_fires_whose_last_task_was_removed_as_it_was_about_to(
    shop: Project, places: list[Environment]
) -> None:
    runbook = rows.runbook(shop)
    rows.step(shop, "Sweep", runbook=runbook)
    trigger = rows.trigger(shop, places[0], runbook=runbook)
    triggers.fire_due(now=trigger.next_due)
    read = type(trigger).objects.get()
    assert read.next_due
    rows.complete(RunbookRun.objects.get().task)
    ServerTask.objects.all().delete()
    assert triggers._fire_alone(read, read.next_due)
    read.refresh_from_db()
    assert read.last_outcome.startswith("Queued ")


@pytest.mark.django_db
@pytest.mark.parametrize(("hours", "again"), [(1, False), (24 * 365, True)])
def test_after_a_clock_was_set_back_by_far_it_comes_due_by_the_clock_again(
    hours: int, again: bool, shop: Project, places: list[Environment]
) -> None:
    trigger = rows.trigger(shop, places[0], cron="0 * * * *", time_zone="UTC")
    first = trigger.next_due
    assert first
    ahead = first + timedelta(hours=hours, minutes=5)
    assert triggers.fire_due(now=ahead) == [trigger]
    back = first - timedelta(minutes=5)
    assert bool(triggers.follow_clock(now=back)) is again
    assert triggers.follow_clock(now=back) == []
    trigger.refresh_from_db()
    assert trigger.next_due == (first if again else first + timedelta(hours=hours + 1))
    assert ("The clock was set back" in trigger.last_outcome) is again
    assert bool(triggers.fire_due(now=first)) is again
    assert triggers.fire_due(now=first) == []


@pytest.mark.django_db
@pytest.mark.parametrize("cron", ["0 0 1 1 *", "0 0 29 2 *", "never"])
def test_a_trigger_that_is_rare_or_broken_is_left_alone(
    cron: str, shop: Project, places: list[Environment]
) -> None:
    trigger = rows.trigger(shop, places[0], cron="0 0 1 1 *" if cron == "never" else cron)
    type(trigger).objects.update(cron=cron)
    assert triggers.follow_clock() == []


@pytest.mark.django_db
@pytest.mark.parametrize("cron", ["* * * * * *", "0 0 2 * * 1", "0 2 * * 1 2027", "@daily", ""])
def test_an_expression_has_five_fields(shop: Project, places: list[Environment], cron: str) -> None:
    with pytest.raises(Refused) as refusal:
        rows.trigger(shop, places[0], cron=cron)
    assert refusal.value.field == "cron"
    assert "wrong number of fields" in str(refusal.value)
