"""Q3 after an outage: what expired while no scheduler ran waits for a decision, never silently."""

import re
import threading
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from maintenance import gate, mode
from tasks import bulk, clock, lifecycle, log, outages, waiting
from tasks.models import Hold, SchedulerMark, ServerNode, ServerTask, State
from tasks.scheduler import Scheduler
from tests.conftest import ClientFor
from tests.tasks.rows import ServerNodeFactory, ServerTaskFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def last_alive(ago: timedelta) -> datetime:
    """Have the last scheduler run so long ago."""
    moment = clock.now() - ago
    SchedulerMark.objects.update_or_create(pk=1, defaults={"last_alive": moment})
    return moment


def expired(*, ago: timedelta = HOUR, **fields: object) -> ServerTask:
    created = clock.now() - 5 * HOUR
    return ServerTaskFactory(created=created, queue_time_expiry=clock.now() - ago, **fields)  # type: ignore[no-any-return]


@pytest.fixture
def held() -> ServerTask:
    """A task that expired in the two hours for which no scheduler ran."""
    last_alive(2 * HOUR)
    task = expired()
    assert outages.note_alive() == [task]
    return task


def test_what_expired_while_no_scheduler_ran_is_held_and_its_log_says_so() -> None:
    last_alive(2 * HOUR)
    task = expired()
    keeper = Scheduler()
    keeper.look_for_outage()
    keeper.expire()
    task.refresh_from_db()
    assert (task.state, task.completed_time) == (State.QUEUED, None)
    assert [line.text[:45] for line in log.lines(task)] == [
        "Its expiry passed while no scheduler ran. It "
    ]
    assert "waits until" in waiting.why_not_started(task)


def test_it_neither_starts_nor_expires_before_it_is_decided(
    held: ServerTask, node: ServerNode
) -> None:
    assert lifecycle.claim_next(node) is None
    assert lifecycle.expire_due() == []
    assert lifecycle.expire_due(now=clock.now() + HOUR / 3) == []


def test_nobody_decides_and_it_times_out_with_time_and_reason(held: ServerTask) -> None:
    later = held.hold.decide_by + timedelta(seconds=1)
    outages.note_alive(now=later - timedelta(seconds=6))
    assert lifecycle.expire_due(now=later) == [held]
    held.refresh_from_db()
    assert (held.state, held.completed_time) == (State.TIMED_OUT, later)
    assert "no scheduler ran then" in held.message


def test_a_short_gap_is_no_outage() -> None:
    last_alive(timedelta(seconds=50))
    task = expired(ago=timedelta(seconds=20))
    assert outages.note_alive() == []
    assert lifecycle.expire_due() == [task]
    task.refresh_from_db()
    assert task.message.endswith("its expiry.")


def test_the_bound_is_a_setting(settings: Settings) -> None:
    settings.TASK_OUTAGE, settings.TASK_DECISION_TIME = 10, 60
    last_alive(timedelta(seconds=50))
    task = expired(ago=timedelta(seconds=20))
    assert outages.note_alive() == [task]
    assert task.hold.decide_by - clock.now() < timedelta(seconds=61)


def test_a_scheduler_that_was_frozen_expires_nothing_before_it_has_looked() -> None:
    last_alive(2 * HOUR)
    expired()
    assert lifecycle.expire_due() == []


def test_the_system_s_own_are_not_held() -> None:
    last_alive(2 * HOUR)
    task = expired(is_system=True)
    assert outages.note_alive() == []
    assert lifecycle.expire_due() == [task]


def test_a_server_that_never_marked_it_goes_by_the_last_word_of_a_worker() -> None:
    ServerNodeFactory(last_seen=clock.now() - 2 * HOUR)
    task = expired()
    assert outages.note_alive() == [task]


def test_a_new_server_holds_nothing() -> None:
    task = expired()
    assert outages.note_alive() == []
    assert lifecycle.expire_due() == [task]


def test_the_mark_is_renewed_every_few_seconds_only() -> None:
    mark = last_alive(timedelta(seconds=1))
    outages.note_alive()
    assert SchedulerMark.objects.get().last_alive == mark
    outages.note_alive(now=mark + timedelta(seconds=6))
    assert SchedulerMark.objects.get().last_alive == mark + timedelta(seconds=6)


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    last_alive(-HOUR)
    task = expired()
    assert outages.note_alive() == []
    assert lifecycle.expire_due() == [task]


def test_after_a_clock_was_set_back_the_next_outage_is_noticed_all_the_same() -> None:
    last_alive(-2 * HOUR)
    outages.note_alive()
    mark = SchedulerMark.objects.get().last_alive
    assert abs(mark - clock.now()) < HOUR / 2
    task = expired(ago=-HOUR / 2)
    assert outages.note_alive(now=mark + HOUR) == [task]


def test_a_mark_that_is_newer_by_less_than_a_turn_stays() -> None:
    mark = last_alive(timedelta(seconds=-4))
    assert outages.note_alive() == []
    assert SchedulerMark.objects.get().last_alive == mark


class TestDeciding:
    def test_started_anyway_it_can_be_claimed_again(
        self, held: ServerTask, node: ServerNode, administrator: User
    ) -> None:
        until = clock.now() + HOUR
        assert lifecycle.start_anyway(held, expiry=until, person=administrator)
        assert not Hold.objects.exists()
        claimed = lifecycle.claim_next(node)
        assert claimed == held
        assert "ada decided to start it anyway" in [*log.lines(held)][-1].text

    def test_given_up_it_is_timed_out_at_once(self, held: ServerTask, administrator: User) -> None:
        assert lifecycle.let_expire(held, person=administrator)
        held.refresh_from_db()
        assert held.state == State.TIMED_OUT
        assert held.completed_time is not None
        assert held.message.endswith(" ada let it expire.")

    def test_the_second_to_decide_changes_nothing(
        self, held: ServerTask, administrator: User
    ) -> None:
        assert lifecycle.let_expire(held, person=administrator)
        until = clock.now() + HOUR
        assert not lifecycle.start_anyway(held, expiry=until, person=administrator)
        assert not lifecycle.let_expire(held, person=administrator)
        outcome = bulk.start_anyway([held.pk], expiry=until, person=administrator)
        assert outcome.unchanged == [held]

    def test_what_is_not_held_cannot_be_decided(self, administrator: User) -> None:
        task = ServerTaskFactory()
        assert not lifecycle.let_expire(task, person=administrator)
        assert not lifecycle.start_anyway(task, expiry=clock.now() + HOUR, person=administrator)

    def test_it_needs_the_permission_and_waits_for_the_mode(
        self, held: ServerTask, deployer: User, system_manager: User, administrator: User
    ) -> None:
        with pytest.raises(PermissionDenied):
            lifecycle.let_expire(held, person=deployer)
        mode.enable(name="ada")
        with pytest.raises(gate.InMaintenanceMode):
            lifecycle.let_expire(held, person=system_manager)
        assert lifecycle.let_expire(held, person=administrator)

    def test_what_is_recorded_of_it_has_the_server_s_zone_as_the_tables_have(
        self, administrator: User, settings: Settings
    ) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        last_alive(2 * HOUR)
        given_up, started, moved = expired(), expired(), expired()
        outages.note_alive()
        given_up.refresh_from_db()
        until = clock.now() + HOUR
        lifecycle.let_expire(given_up, person=administrator)
        lifecycle.start_anyway(started, expiry=until, person=administrator)
        lifecycle.reschedule(moved, queue_time=until, queue_time_expiry=until + HOUR)
        given_up.refresh_from_db()
        assert f"{given_up.queue_time_expiry:%H:%M:%S}" not in given_up.message
        assert given_up.message.count(" JST") == 2
        for task, times in ((given_up, [1, 2]), (started, [1, 1]), (moved, [1, 2])):
            assert [line.text.count(" JST") for line in log.lines(task)] == times

    def test_another_time_is_a_decision_too(self, held: ServerTask) -> None:
        later = clock.now() + HOUR
        assert lifecycle.reschedule(held, queue_time=later, queue_time_expiry=later + HOUR)
        assert not Hold.objects.exists()


def _shown(client: Client, path: str) -> str:
    return client.get(path).content.decode()


class TestOnScreen:
    def test_it_stands_at_the_top_of_both_pages_and_is_decided_in_bulk(
        self, held: ServerTask, administrator: User, client_for: ClientFor
    ) -> None:
        client = client_for(administrator)
        for page in ("/tasks/", "/configuration/maintenance/"):
            text = client.get(page).content.decode()
            assert "Waiting for a decision" in text
            assert held.name in text
        sent = {"task": [held.pk], "hours": "4"}
        answer = client.post("/tasks/start-anyway/", sent, follow=True).content.decode()
        assert "1 task is queued again." in answer
        assert "Waiting for a decision" not in answer
        held.refresh_from_db()
        assert held.queue_time_expiry > clock.now() + 3 * HOUR

    def test_the_list_follows_by_itself(
        self, held: ServerTask, administrator: User, client_for: ClientFor
    ) -> None:
        client = client_for(administrator)
        polled = re.search(r'hx-get="(/tasks/decisions/[^"]+)"', _shown(client, "/tasks/"))
        assert polled
        assert client.get(polled[1], headers={"HX-Request": "true"}).status_code == 204
        client.post("/tasks/let-expire/", {"task": [held.pk]})
        assert "Waiting for a decision" not in _shown(client, polled[1])
        assert 'hx-get="/tasks/decisions/' in _shown(client, polled[1])

    def test_a_damaged_form_changes_nothing(
        self, held: ServerTask, administrator: User, client_for: ClientFor
    ) -> None:
        client = client_for(administrator)
        for hours in ("", "-1", "1000", "x"):
            client.post("/tasks/start-anyway/", {"task": [held.pk], "hours": hours})
        assert Hold.objects.open().count() == 1

    def test_others_see_it_and_have_no_buttons(
        self, held: ServerTask, viewer: User, nobody: User, client_for: ClientFor
    ) -> None:
        text = client_for(viewer).get("/tasks/").content.decode()
        assert "Waiting for a decision" in text
        assert "Start anyway" not in text
        page = client_for(nobody).get("/configuration/maintenance/").content.decode()
        assert held.name not in page


class TestInAShell:
    def test_what_is_held_is_listed_and_decided(
        self, held: ServerTask, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("task", "held")
        assert held.name in capsys.readouterr().out
        call_command("task", "decide", held.name, "--start-by", "+4h")
        assert capsys.readouterr().out == f"{held.name} is Queued.\n"
        call_command("task", "held")
        assert capsys.readouterr().out == ""
        with pytest.raises(CommandError, match="Not held for a decision") as refused:
            call_command("task", "decide", held.name, "--let-expire")
        assert refused.value.returncode == 1

    def test_one_is_let_expire(self, held: ServerTask, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("task", "decide", held.name, "--let-expire")
        assert capsys.readouterr().out == f"{held.name} is TimedOut.\n"


@pytest.mark.django_db(transaction=True)
def test_of_many_schedulers_that_start_together_one_holds_and_none_expires() -> None:
    last_alive(2 * HOUR)
    tasks = [expired() for _ in range(5)]
    barrier, found = threading.Barrier(6), []

    def start() -> None:
        try:
            barrier.wait()
            found.append(len(outages.note_alive()))
            found.append(-len(lifecycle.expire_due()))
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [0] * 11 + [5]
    assert Hold.objects.count() == 5
    assert {task.state for task in tasks} == {State.QUEUED}
