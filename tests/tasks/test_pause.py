from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from maintenance import mode
from maintenance.gate import InMaintenanceMode
from tasks import claiming, clock, lifecycle, pause, queue, rows, waiting, work
from tasks.models import QueuePause, ServerNode, ServerTask, State
from tasks.scheduler import Scheduler

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]


def test_the_queue_is_not_paused_until_somebody_does_it() -> None:
    assert not pause.current().is_paused
    assert not QueuePause.objects.exists()


def test_nothing_of_people_is_claimed_while_it_is_paused(node: ServerNode) -> None:
    task = queue.enqueue("Simple", prioritized=True)
    assert pause.pause(reason="Wait")
    assert lifecycle.claim_next(node) is None
    assert pause.resume()
    assert lifecycle.claim_next(node) == task


def test_system_tasks_go_on_while_it_is_paused(node: ServerNode) -> None:
    queue.enqueue("Simple", prioritized=True)
    beat = queue.enqueue_occurrence("Beating", clock.now())
    pause.pause()
    assert lifecycle.claim_next(node) == beat
    assert lifecycle.claim_next(node) is None


@pytest.mark.sqlite
def test_a_pause_between_a_look_and_its_claim_is_seen(
    node: ServerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite looks before it takes the write lock; the pause comes in between."""
    queue.enqueue("Simple")
    look = rows.read

    def look_and_pause(*args: Any) -> list[ServerTask]:
        found = look(*args)
        pause.pause()
        return found

    monkeypatch.setattr(rows, "read", look_and_pause)
    assert claiming.take_once(node) is None


def test_ready_and_the_claim_agree_on_a_pause(node: ServerNode) -> None:
    queue.enqueue("Simple")
    beat = queue.enqueue_occurrence("Beating", clock.now())
    pause.pause()
    assert list(ServerTask.objects.ready()) == [beat]


def test_workers_are_not_woken_for_what_is_paused(node: ServerNode) -> None:
    queue.enqueue("Simple")
    pause.pause()
    assert not Scheduler().wake_workers()
    pause.resume()
    assert Scheduler().wake_workers()


def test_what_runs_finishes_while_it_is_paused(node: ServerNode) -> None:
    queue.enqueue("Simple")
    running = lifecycle.claim_next(node)
    pause.pause()
    assert running is not None
    assert lifecycle.finish(running, state=State.SUCCESS)


def test_people_go_on_queuing_while_it_is_paused() -> None:
    pause.pause()
    assert queue.enqueue("Simple").state == State.QUEUED


def test_a_pause_keeps_who_when_and_why(system_manager: User) -> None:
    pause.pause(person=system_manager, reason="A new disk")
    row = pause.current()
    assert (row.person, row.person_name, row.reason) == (system_manager, "manuel", "A new disk")
    assert row.since is not None
    assert clock.now() - row.since < timedelta(minutes=1)


def test_pausing_twice_keeps_the_first(system_manager: User, administrator: User) -> None:
    assert pause.pause(person=system_manager, reason="A new disk")
    assert not pause.pause(person=administrator, reason="Another")
    assert pause.current().reason == "A new disk"


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    assert not pause.resume()


@pytest.mark.parametrize("switch", [pause.pause, pause.resume])
class TestASwitch:
    def test_needs_its_permission(self, switch: object, deployer: User) -> None:
        assert callable(switch)
        with pytest.raises(PermissionDenied):
            switch(person=deployer)

    def test_waits_for_the_end_of_maintenance_mode(
        self, switch: object, system_manager: User
    ) -> None:
        assert callable(switch)
        mode.enable(reason="Patches")
        with pytest.raises(InMaintenanceMode):
            switch(person=system_manager)

    def test_is_an_administrators_at_any_time(self, switch: object, administrator: User) -> None:
        assert callable(switch)
        pause.pause()
        mode.enable(reason="Patches")
        assert switch(person=administrator) is (switch is pause.resume)


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("A new disk.", "The queue is paused by ada: A new disk."),
        ("", "The queue is paused by ada."),
    ],
)
def test_a_task_says_that_it_waits_for_the_pause(node: ServerNode, reason: str, words: str) -> None:
    task = queue.enqueue("Simple")
    pause.pause(name="ada", reason=reason)
    assert waiting.why_not_started(task) == words


def test_a_system_task_does_not_wait_for_the_pause(node: ServerNode) -> None:
    beat = queue.enqueue_occurrence("Beating", clock.now())
    assert beat is not None
    pause.pause()
    assert waiting.why_not_started(beat) == "About to start."


class TestStartable:
    """What the page of maintenance mode needs to know: could a queued task of people start?"""

    def test_what_is_due_may_start(self, node: ServerNode) -> None:
        queue.enqueue("Simple")
        assert work.summary().startable == 1

    def test_nothing_may_start_while_the_queue_is_paused(self, node: ServerNode) -> None:
        queue.enqueue("Simple")
        pause.pause()
        assert (work.summary().queued, work.summary().startable) == (1, 0)

    @pytest.mark.parametrize("change", [{"is_draining": True}, {"stopped": "2020-01-01T00:00Z"}])
    def test_nothing_may_start_without_a_node(
        self, node: ServerNode, change: dict[str, object]
    ) -> None:
        queue.enqueue("Simple")
        ServerNode.objects.update(**change)
        assert work.summary().startable == 0

    def test_system_tasks_and_later_ones_are_not_counted(self, node: ServerNode) -> None:
        now = clock.now()
        queue.enqueue("Simple", queue_time=now + timedelta(hours=1))
        queue.enqueue_occurrence("Beating", now)
        assert work.summary().startable == 0

    def test_what_has_expired_cannot_start(self, node: ServerNode) -> None:
        task = queue.enqueue("Simple")
        assert work.summary(now=task.queue_time_expiry).startable == 0
