from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from tasks import clock, kinds, lifecycle, queue, scheduler
from tasks.models import ServerNode, ServerTask, State
from tasks.scheduler import Scheduler, SilenceWatch
from tests.tasks import zoo
from tests.tasks.conftest import make_node

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def keeper() -> Scheduler:
    return Scheduler()


@pytest.fixture
def only_beating() -> Iterator[None]:
    """Let the kind of the zoo be the only one with a beat."""
    others = [type(kind) for kind in kinds.system()]
    for kind in others:
        kinds.unregister(kind.name)
    kinds.register(zoo.Beating)
    yield
    kinds.unregister(zoo.Beating.name)
    for kind in others:
        kinds.register(kind)


def complete_all() -> None:
    ServerTask.objects.update(state=State.SUCCESS, completed_time=clock.now())


# Beats


@pytest.mark.usefixtures("only_beating")
def test_q7_a_system_kind_is_queued_once_an_interval_by_any_number_of_schedulers() -> None:
    for second in range(0, 180, 5):
        for keeper in (Scheduler(), Scheduler()):
            keeper.queue_occurrences(now=NOON + timedelta(seconds=second))
            complete_all()
    beats = [task.occurrence for task in ServerTask.objects.order_by("id")]
    assert beats == [NOON + timedelta(minutes=minute) for minute in range(3)]


@pytest.mark.usefixtures("only_beating")
def test_q7_missed_intervals_run_once(keeper: Scheduler) -> None:
    keeper.queue_occurrences(now=NOON)
    complete_all()
    assert len(keeper.queue_occurrences(now=NOON + timedelta(days=3))) == 1


def test_the_slot_of_one_kind_may_be_that_of_another(keeper: Scheduler) -> None:
    queued = {task.kind for task in keeper.queue_occurrences(now=NOON)}
    assert {"Health", "Retention"} <= queued
    complete_all()
    ServerTask.objects.of_kind("Health").delete()
    assert [task.kind for task in keeper.queue_occurrences(now=NOON)] == ["Health"]


@pytest.mark.usefixtures("only_beating")
def test_the_setting_says_what_the_interval_is(keeper: Scheduler, settings: Settings) -> None:
    settings.TASK_SYSTEM_INTERVALS = {"Beating": 2.0}
    keeper.queue_occurrences(now=NOON)
    complete_all()
    assert len(keeper.queue_occurrences(now=NOON + timedelta(seconds=2))) == 1


@pytest.mark.usefixtures("only_beating")
def test_a_stuck_system_task_is_not_queued_behind_itself(keeper: Scheduler) -> None:
    keeper.queue_occurrences(now=NOON)
    assert keeper.queue_occurrences(now=NOON + timedelta(hours=1)) == []


def test_every_start_queues_the_integrity_check_but_not_two_at_once() -> None:
    scheduler.settle_at_start()
    scheduler.settle_at_start()
    assert [task.kind for task in ServerTask.objects.all()] == ["SystemIntegrityCheck"]
    complete_all()
    scheduler.settle_at_start()
    assert ServerTask.objects.count() == 2


def test_the_beat_that_a_start_has_served_is_not_served_again(keeper: Scheduler) -> None:
    scheduler.settle_at_start()
    complete_all()
    queued = keeper.queue_occurrences()
    assert "SystemIntegrityCheck" not in [task.kind for task in queued]


# Waking


@pytest.mark.usefixtures("zoo_kinds")
@pytest.mark.parametrize(
    ("change", "wakes"),
    [
        ({}, True),
        ({"is_draining": True}, False),
        ({"stopped": NOON}, False),
        ({"last_seen": NOON - timedelta(days=9999)}, False),
    ],
)
def test_workers_are_woken_if_a_node_may_take_what_is_ready(
    keeper: Scheduler, node: ServerNode, change: dict[str, object], wakes: bool
) -> None:
    now = queue.enqueue("Simple").queue_time
    assert keeper.wake_workers(now=now - timedelta(seconds=1)) is False
    ServerNode.objects.update(**{"last_seen": now} | change)
    assert keeper.wake_workers(now=now) is wakes


@pytest.mark.usefixtures("zoo_kinds")
def test_a_node_at_its_cap_is_not_woken_for_people_but_for_the_system(
    keeper: Scheduler, node: ServerNode
) -> None:
    ServerNode.objects.update(task_cap=1)
    queue.enqueue("Simple")
    lifecycle.claim_next(node)
    queue.enqueue("Simple")
    assert not keeper.wake_workers()
    queue.enqueue_occurrence("Beating", NOON)
    assert keeper.wake_workers()


@pytest.mark.usefixtures("zoo_kinds")
def test_q3_the_next_turn_comes_when_the_next_task_is_due(keeper: Scheduler) -> None:
    assert keeper.until_next_turn() == scheduler.INTERVAL
    queue.enqueue("Simple", queue_time=clock.now() + timedelta(seconds=0.2))
    assert keeper.until_next_turn() <= 0.2


# Turns


@pytest.mark.usefixtures("zoo_kinds")
def test_a_turn_expires_reaps_and_queues(keeper: Scheduler, node: ServerNode) -> None:
    late, lost = queue.enqueue("Simple"), queue.enqueue("Simple", prioritized=True)
    lifecycle.claim_next(node)
    now = clock.now()
    ServerTask.objects.filter(pk=late.pk).update(queue_time_expiry=now - timedelta(seconds=1))
    ServerNode.objects.update(stopped=now)
    keeper.tick()
    states = dict(ServerTask.objects.people().values_list("pk", "state"))
    assert states == {late.pk: State.TIMED_OUT, lost.pk: State.FAILED}
    assert ServerTask.objects.system().exists()


@pytest.mark.usefixtures("zoo_kinds")
def test_beats_and_wake_ups_come_at_each_turn_and_the_rest_once_a_second(keeper: Scheduler) -> None:
    keeper.turn(at=100.0)
    late = queue.enqueue("Simple")
    ServerTask.objects.filter(pk=late.pk).update(queue_time_expiry=clock.now())
    ServerTask.objects.system().delete()
    keeper.turn(at=100.5)
    assert ServerTask.objects.system().exists()
    assert ServerTask.objects.get(pk=late.pk).state == State.QUEUED
    keeper.turn(at=101.0)
    assert ServerTask.objects.get(pk=late.pk).state == State.TIMED_OUT


def test_an_idle_turn_asks_little(
    keeper: Scheduler, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keeper.turn(at=100.0)
    complete_all()
    with django_assert_max_num_queries(5):
        keeper.turn(at=100.5)
        keeper.until_next_turn()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_does_not_end_the_scheduler(keeper: Scheduler) -> None:
    pauses = iter([True, True, False])

    def fail(*args: object) -> None:
        raise OperationalError("away")

    with connection.execute_wrapper(fail):
        keeper.run(pause=lambda seconds: next(pauses))
    keeper.tick()
    assert ServerTask.objects.system().exists()


# Silence


def test_a_silent_node_is_watched_for_some_time_before_it_is_given_up(node: ServerNode) -> None:
    watch = SilenceWatch()
    spared = [watch.too_short([node], at=at) for at in (0.0, 4.0, 8.0, 10.0)]
    assert spared == [[node.incarnation]] * 3 + [[]]


def test_after_a_gap_of_the_scheduler_itself_the_watch_begins_anew(node: ServerNode) -> None:
    """The database was away: that a node could not say that it lives means nothing."""
    watch = SilenceWatch()
    for at in (0.0, 4.0, 8.0):
        watch.too_short([node], at=at)
    assert watch.too_short([node], at=60.0) == [node.incarnation]


def test_a_node_that_speaks_is_watched_anew_and_one_that_stopped_is_not(node: ServerNode) -> None:
    watch = SilenceWatch()
    stopped = make_node("stopped")
    stopped.stopped = NOON
    for at in (0.0, 4.0, 8.0):
        node.last_seen = NOON + timedelta(seconds=at)
        assert watch.too_short([node, stopped], at=at) == [node.incarnation]


def test_a_step_that_is_done_now_and_then_is_done_at_the_first_turn() -> None:
    done: list[int] = []
    rare = scheduler.every(3600, lambda: done.append(1))
    often = scheduler.every(0, lambda: done.append(2))
    for step in (rare, often, rare, often):
        step()
    assert done == [1, 2, 2]
