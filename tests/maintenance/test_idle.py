"""Idle: the mode is on and settled, no change in flight, nothing of people's runs or may start."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from maintenance import idle, mode, waiting, windows, work
from maintenance.work import Work
from tests.maintenance.test_mode import Change
from tests.maintenance.windows import BY, ahead, begun, planned


class Some(work.Source):
    """A source of so much work."""

    def __init__(self, *, scheduled: int = 0, **counts: int) -> None:
        self.found, self.count = Work(**counts), scheduled
        self.asked: list[tuple[datetime, datetime | None]] = []

    def survey(self) -> Work:
        return self.found

    def scheduled_count(self, begin: datetime, end: datetime | None) -> int:
        self.asked.append((begin, end))
        return self.count


@pytest.fixture(autouse=True)
def _no_other_work(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(work, "_sources", {})
    return


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("counts", "is_idle", "sentence"),
    [
        ({}, True, "You may stop the server now."),
        ({"executing_system": 2}, True, "You may stop the server now."),
        ({"queued": 3}, True, "You may stop the server now."),  # the queue is paused, or drained
        ({"scheduled": 3}, True, "You may stop the server now."),
        ({"executing": 1}, False, "Not yet: 1 task is executing."),
        ({"queued": 2, "startable": 2}, False, "Not yet: 2 tasks are about to start."),
        (
            {"executing": 2, "startable": 1},
            False,
            "Not yet: 2 tasks are executing and 1 task is about to start.",
        ),
    ],
)
def test_one_sentence_says_whether_the_server_may_be_stopped(
    counts: dict[str, int], is_idle: bool, sentence: str
) -> None:
    work.register("some", Some(**counts))
    mode.enable()
    facts = idle.look()
    assert (facts.idle, facts.sentence) == (is_idle, sentence)


@pytest.mark.django_db
def test_a_server_that_people_may_change_is_not_idle() -> None:
    facts = idle.look()
    assert not facts.idle
    assert facts.sentence.startswith("Not yet: maintenance mode is off")


@pytest.mark.django_db
def test_before_it_is_settled_it_is_not_idle() -> None:
    begun()
    assert not idle.look().idle
    assert "not known yet" in idle.look().sentence
    mode.settle(timeout=60)
    assert idle.look().idle


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_change_in_flight_is_counted() -> None:
    begun_before = planned()
    with Change():
        begun_before.starts = ahead(minutes=-1)
        begun_before.save()
        facts = waiting.look_closely(seconds=0.2)
        assert (facts.idle, facts.in_flight) == (False, 1)
        assert facts.sentence == "Not yet: 1 change is still in progress."
    assert waiting.look_closely(seconds=5).idle


@pytest.mark.django_db
def test_it_says_what_stopping_now_would_lose() -> None:
    mode.enable()
    work.register("some", Some(executing=1, executing_system=1, queued=2))
    loss = idle.look().loss
    assert "1 executing task would fail" in loss
    assert "nothing of theirs is lost" in loss
    assert "2 tasks wait in the queue" in loss


@pytest.mark.django_db
def test_what_is_scheduled_is_counted_to_the_end_of_the_window() -> None:
    source = Some(scheduled=4)
    work.register("some", source)
    window = planned()
    assert idle.look().scheduled == 4
    assert source.asked == [(window.starts, window.ends)]
    windows.call_off(window, origin=BY)
    window = begun(ago=5)
    assert idle.look().scheduled == 4
    assert source.asked[-1][1] == window.ends


@pytest.mark.django_db
class TestWaiting:
    @pytest.mark.parametrize(
        ("goal", "work_left", "reached"),
        [
            ("executing", {"startable": 1, "queued": 1}, True),
            ("executing", {"executing": 1}, False),
            ("queued", {"startable": 1}, False),
            ("queued", {"scheduled": 1}, True),
            ("scheduled", {"scheduled": 1}, False),
            ("scheduled", {}, True),
        ],
    )
    def test_each_goal_is_reached_when_that_is_over(
        self, goal: str, work_left: dict[str, int], reached: bool
    ) -> None:
        mode.enable()
        work.register("some", Some(**work_left))
        looks = [found for _, found in waiting.watch(goal, timeout=0)]
        assert looks[-1] is reached

    def test_a_window_to_come_is_waited_for(self) -> None:
        planned()
        assert [found for _, found in waiting.watch("queued", timeout=0)] == [False]

    def test_nothing_to_wait_for_is_said(self) -> None:
        with pytest.raises(waiting.NothingToWaitFor):
            list(waiting.watch("queued", timeout=None))

    def test_it_settles_a_window_that_nobody_has_looked_at(self) -> None:
        begun()
        assert [found for _, found in waiting.watch("queued", timeout=None)] == [True]
        assert mode.current().settled is not None
