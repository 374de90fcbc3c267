"""A node whose clock is ten minutes off: every time is the database's."""

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tasks import clock, lifecycle, log, queue, waiting
from tasks import node as nodes
from tasks.logwriter import LogWriter
from tasks.models import ServerNode, ServerTask, State
from tasks.scheduler import Scheduler

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db,
    pytest.mark.usefixtures("zoo_kinds"),
]


@pytest.fixture(params=[-600, 600], ids=["behind", "ahead"])
def wrong_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine's clock be off; the database's is right."""
    off: int = request.param
    right_now, right_time = timezone.now, time.time

    def now() -> datetime:
        return right_now() + timedelta(seconds=off)

    monkeypatch.setattr(timezone, "now", now)
    monkeypatch.setattr(time, "time", lambda: right_time() + off)


@pytest.fixture
def right_now() -> datetime:
    """Read the database's clock before this machine's goes wrong."""
    return clock.now()


@pytest.mark.usefixtures("right_now", "wrong_clock")
def test_it_is_the_databases_time(right_now: datetime) -> None:
    assert abs(clock.now() - right_now) < timedelta(minutes=1)
    assert abs(timezone.now() - right_now) > timedelta(minutes=9)


@pytest.mark.usefixtures("wrong_clock")
def test_a_task_is_ready_at_once_and_its_times_are_right(
    node: ServerNode, right_now: datetime
) -> None:
    queue.enqueue("Simple")
    task = lifecycle.claim_next(node)
    assert task is not None
    assert task.start_time is not None
    writer = LogWriter(task, now=task.start_time)
    writer.info("a line")
    lifecycle.finish(task, state=State.SUCCESS, last_words=writer.close())
    task.refresh_from_db()
    (line,) = log.lines(task)
    times = (task.created, task.queue_time, task.start_time, task.completed_time, line.time)
    assert all(time and abs(time - right_now) < timedelta(minutes=1) for time in times)


@pytest.mark.usefixtures("wrong_clock")
def test_q3_a_scheduled_task_keeps_its_time(node: ServerNode, right_now: datetime) -> None:
    task = queue.enqueue("Simple", queue_time=right_now + timedelta(minutes=5))
    assert lifecycle.claim_next(node) is None
    assert waiting.why_not_started(task).startswith("Scheduled for")
    assert lifecycle.expire_due() == []


@pytest.mark.usefixtures("wrong_clock")
def test_q2_no_node_that_lives_is_given_up(node: ServerNode) -> None:
    """Neither by a scheduler whose clock is wrong, nor because its own is."""
    queue.enqueue("Simple")
    lifecycle.claim_next(node)
    nodes.beat(node)
    assert list(ServerNode.objects.alive()) == [node]
    assert lifecycle.reap_lost() == []


@pytest.mark.usefixtures("wrong_clock")
def test_q7_a_beat_is_that_of_the_databases_time(right_now: datetime) -> None:
    for task in Scheduler().queue_occurrences():
        assert task.occurrence is not None
        assert task.occurrence <= clock.now()
        assert clock.now() - task.occurrence < timedelta(days=1)
    health = ServerTask.objects.get(kind="Health")
    assert health.occurrence is not None
    assert abs(health.occurrence - right_now) < timedelta(minutes=6)
