"""The line of time: where each bar lies, and what of the time around now it shows."""

from datetime import datetime, timedelta

import pytest

from maintenance import timeline, work
from maintenance.timeline import Timeline
from maintenance.work import Bar, Stage
from tests.maintenance.windows import ahead

NOW = ahead()


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def bar(stage: Stage, begin: float, end: float | None = None, name: str = "one") -> Bar:
    return Bar(
        name=name, description="", url=f"/{name}/", stage=stage, begin=at(begin),
        end=None if end is None else at(end),
    )  # fmt: skip


def draw(*bars: Bar, **values: object) -> Timeline:
    return timeline.draw(bars, now=NOW, **values)  # type: ignore[arg-type]


def number(percent: str) -> float:
    assert percent.endswith("%")
    return float(percent[:-1])


def kinds(found: Timeline) -> list[str]:
    return [piece.kind for row in found.rows for piece in row.pieces]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (bar(Stage.EXECUTING, -10, 10), ["elapsed", "expected"]),
        (bar(Stage.EXECUTING, -10), ["elapsed"]),
        (bar(Stage.EXECUTING, -10, -5), ["elapsed", "late"]),
        (bar(Stage.QUEUED, -10), ["waiting"]),
        (bar(Stage.SCHEDULED, 10), ["scheduled"]),
        (bar(Stage.SUCCESS, -10, -5), ["success"]),
        (bar(Stage.FAILED, -10, -5), ["failed"]),
    ],
)
def test_each_stage_has_its_pieces(one: Bar, expected: list[str]) -> None:
    assert kinds(draw(one)) == expected


def test_what_runs_is_so_far_up_to_now_and_as_usual_from_there_on() -> None:
    found = draw(bar(Stage.EXECUTING, -10, 10))
    elapsed, expected = found.rows[0].pieces
    assert found.now is not None
    assert number(elapsed.x) + number(elapsed.width) == pytest.approx(number(found.now), abs=0.2)
    assert number(expected.x) == pytest.approx(number(found.now), abs=0.2)


def test_everything_lies_on_the_line_whatever_it_is() -> None:
    stages = list(Stage)
    times = [-(10**6), -500, -1, 0, 1, 500, 10**6]
    bars = [bar(stage, begin, end) for stage in stages for begin in times for end in times]
    for window in (None, (at(-10), None), (at(-10), at(50)), (at(9000), at(9060))):
        found = draw(*bars, window=window, limit=10**4)
        pieces = [piece for row in found.rows for piece in row.pieces]
        assert pieces
        for piece in pieces:
            assert 0 <= number(piece.x) < 100
            assert number(piece.width) > 0
            assert number(piece.x) + number(piece.width) < 100.2


def test_a_window_is_shown_whole() -> None:
    found = draw(bar(Stage.EXECUTING, -300), window=(at(-180), at(600)))
    assert found.begin < at(-180)
    assert found.end > at(600)
    assert found.window is not None
    assert number(found.window.x) > 0


def test_a_mode_that_has_been_on_for_days_without_an_end_does_not_make_the_line_as_long() -> None:
    found = draw(bar(Stage.EXECUTING, -300), window=(at(-9000), None))
    assert found.end - found.begin < timedelta(hours=5)


def test_a_window_far_ahead_is_shown_without_now() -> None:
    found = draw(bar(Stage.EXECUTING, -5, 5), window=(at(9000), at(9060)))
    assert found.now is None
    assert found.rows == []


def test_a_window_that_is_over_is_shown_as_it_was() -> None:
    ran = [bar(Stage.SUCCESS, -890, -880, "in"), bar(Stage.SUCCESS, -700, -690, "after")]
    found = draw(*ran, window=(at(-900), at(-840)), until=at(-850))
    assert [row.bar.name for row in found.rows] == ["in"]
    assert found.now is None


def test_the_times_on_it_are_round_and_few() -> None:
    for length in (1, 10, 60, 600, 6000, 40000):
        found = draw(window=(at(-length), at(length)))
        assert 1 <= len(found.ticks) <= timeline.TICKS + 1
        assert all(tick.time.second == 0 and tick.time.minute % 5 == 0 for tick in found.ticks)


def test_no_time_on_it_is_cut_by_an_edge() -> None:
    # Far ahead, where the line begins with the window: a full hour at every place of it.
    windows = [(at(begin), at(begin + 240)) for begin in range(400, 520, 3)]
    found = [tick for window in windows for tick in draw(window=window).ticks]
    assert {tick.anchor for tick in found} == {"start", "middle", "end"}
    for tick in found:
        expected = "start" if number(tick.x) < 6 else "end" if number(tick.x) > 94 else "middle"
        assert tick.anchor == expected or number(tick.x) in (6, 94)


def test_more_than_are_shown_are_counted() -> None:
    found = draw(*[bar(Stage.QUEUED, -1, name=str(each)) for each in range(30)], limit=12)
    assert (len(found.rows), found.more) == (12, 18)


def test_a_source_that_knows_only_what_runs_and_comes_is_drawn_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Some(work.Source):
        def running(self) -> list[work.Running]:
            return [
                work.Running(
                    name="a", description="", url="/a/", node="", is_system=False, since=at(-5)
                )
            ]

        def scheduled(self, begin: datetime, end: datetime | None) -> list[work.Scheduled]:
            return [
                work.Scheduled(key="1", name="b", description="", url="/b/", person_name="",
                               time=at(5), expiry=at(9))
            ]  # fmt: skip

    monkeypatch.setattr(work, "_sources", {"some": Some()})
    assert kinds(draw(*work.bars(NOW, at(60)))) == ["elapsed", "scheduled"]


def test_a_state_that_nobody_knows_here_is_simply_over() -> None:
    assert [work.stage_of(word) for word in ("Success", "Failed", "Canceled", "Executing")] == [
        Stage.SUCCESS, Stage.FAILED, Stage.OVER, Stage.EXECUTING,
    ]  # fmt: skip
