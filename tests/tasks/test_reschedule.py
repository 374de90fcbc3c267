"""A queued task gets another time, or longer to start; nothing else does."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from maintenance import gate, mode
from tasks import bulk, clock, durations, lifecycle, log, queue
from tasks.models import ServerTask, State
from tests.tasks.rows import ServerTaskFactory

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def task() -> ServerTask:
    return ServerTaskFactory(queue_time=clock.now() + HOUR)


def test_it_is_moved_and_its_log_says_by_whom(task: ServerTask, administrator: User) -> None:
    later = clock.now() + 5 * HOUR
    old = task.queue_time_expiry
    assert lifecycle.reschedule(task, queue_time=later, person=administrator)
    task.refresh_from_db()
    assert (task.queue_time, task.queue_time_expiry, task.state) == (later, old, "Queued")
    assert [line.text[:25] for line in log.lines(task)] == ["ada gave it another time:"]


def test_its_expiry_only_becomes_later(task: ServerTask) -> None:
    old = task.queue_time_expiry
    lifecycle.reschedule(task, queue_time_expiry=old - HOUR)
    task.refresh_from_db()
    assert task.queue_time_expiry == old
    lifecycle.reschedule(task, queue_time_expiry=old + HOUR)
    task.refresh_from_db()
    assert task.queue_time_expiry == old + HOUR


@pytest.mark.parametrize("hours", [-1, 24 * 31])
def test_a_time_that_makes_no_sense_changes_nothing(task: ServerTask, hours: int) -> None:
    old = task.queue_time
    with pytest.raises(queue.BadSchedule):
        lifecycle.reschedule(task, queue_time=clock.now() + hours * HOUR)
    task.refresh_from_db()
    assert task.queue_time == old


@pytest.mark.parametrize("state", [state for state in State if state != State.QUEUED])
def test_what_is_not_queued_is_left_alone(state: State) -> None:
    task = ServerTaskFactory(state=state, start_time=clock.now(), incarnation="0" * 32)
    assert not lifecycle.reschedule(task, queue_time=clock.now() + HOUR)
    task.refresh_from_db()
    assert task.state == state


def test_who_may_not_move_tasks_to_the_top_may_not_move_them_elsewhere(
    task: ServerTask, deployer: User
) -> None:
    with pytest.raises(PermissionDenied):
        lifecycle.reschedule(task, queue_time=clock.now() + HOUR, person=deployer)


def test_the_mode_holds_it_back_for_all_but_administrators(
    task: ServerTask, system_manager: User, administrator: User
) -> None:
    mode.enable()
    later = clock.now() + 3 * HOUR
    with pytest.raises(gate.InMaintenanceMode):
        lifecycle.reschedule(task, queue_time=later, person=system_manager)
    assert lifecycle.reschedule(task, queue_time=later, person=administrator)


def test_many_are_changed_together_or_none_is(task: ServerTask) -> None:
    other = ServerTaskFactory(state=State.CANCELED)
    times = {"queue_time": clock.now() + 2 * HOUR, "queue_time_expiry": clock.now() + 3 * HOUR}
    outcome = bulk.reschedule([task.pk, other.pk, 999_999], **times)
    assert [each.pk for each in outcome.changed] == [task.pk]
    assert [each.pk for each in outcome.unchanged] == [other.pk]
    assert outcome.missing == 1


class TestEstimates:
    def test_a_task_is_expected_to_take_the_median_of_those_like_it(self) -> None:
        for minutes in (1, 2, 9):
            began = clock.now()
            ServerTaskFactory(state=State.SUCCESS, start_time=began,
                              completed_time=began + timedelta(minutes=minutes))  # fmt: skip
        running = ServerTaskFactory(state=State.EXECUTING)
        expected = durations.expected_end(running)
        assert expected == running.start_time + timedelta(minutes=2)

    def test_those_with_the_same_key_come_first(self) -> None:
        began = clock.now()
        for key, minutes in (("a", 1), ("b", 30)):
            ServerTaskFactory(state=State.SUCCESS, concurrency_key=key, start_time=began,
                              completed_time=began + timedelta(minutes=minutes))  # fmt: skip
        running = ServerTaskFactory(state=State.EXECUTING, concurrency_key="b")
        assert durations.expected_end(running) == running.start_time + timedelta(minutes=30)

    def test_nothing_is_expected_of_what_never_succeeded(self) -> None:
        ServerTaskFactory(state=State.FAILED)
        assert durations.expected_end(ServerTaskFactory(state=State.EXECUTING)) is None
        assert durations.expected_end(ServerTaskFactory()) is None
