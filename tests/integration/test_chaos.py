"""A short run of chaos on each shape; `make chaos` has the long one."""

import random
from pathlib import Path

import pytest

from tests.integration import chaos
from tests.integration.chaos_items import Item
from tests.integration.chaos_verdict import Event, Row, judge

SECONDS = 12.0


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param("embedded", marks=pytest.mark.sqlite),
        pytest.param("services", marks=[pytest.mark.postgresql, pytest.mark.redis]),
    ],
)
def test_nothing_is_lost_run_twice_stuck_or_out_of_order(shape: str, tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    said: list[str] = []
    report = chaos.run(
        shape, seed=seed, seconds=SECONDS, folder=tmp_path, rate=5, pause=1.2, say=said.append
    )
    story = "\n".join([f"seed {seed}", *said, *report.verdict.sentences()])
    assert report.verdict.sentences() == [], story
    assert report.faults >= 5, story
    assert report.states.get("Success", 0) >= 20, story


# The judge must see what goes wrong.


def item(number: int, **fields: object) -> Item:
    values = {"kind": "Recorded", "body": "short", "key": "", "after": 0, "expires": 0}
    values |= {"prioritized": False, "number": number, "accepted": 100.0} | fields
    return Item(name=f"item-{number}", **values)  # type: ignore[arg-type]


def row(number: int, **fields: object) -> Row:
    values = {"kind": "Recorded", "state": "Success", "message": "", "key": "", "node": "north"}
    values |= {"attempt": 1, "prioritized": False, "queued": 100.0, "started": 110.0}
    return Row(id=number, item=f"item-{number}", **values | {"completed": 120.0} | fields)  # type: ignore[arg-type]


def written(number: int, *words: str) -> list[Event]:
    return [Event(word, f"item-{number}", f"ServerTasks-{number}", 1) for word in words]


RAN = written(1, "start", "end")
REAPED = {"state": "Failed", "message": "Server node north stopped answering while it ran"}


@pytest.mark.parametrize(
    ("rows", "events", "fault"),
    [
        ([row(1)], RAN, ""),
        ([], [], "lost"),
        ([row(1)], written(1, "start"), "lost"),
        ([row(1, state="Failed", message="It was not to be.")], RAN, "lost"),
        ([row(1, **REAPED)], written(1, "start"), ""),
        ([row(1, **REAPED, node="south")], written(1, "start"), "lost"),
        ([row(1, state="Canceled")], [], "lost"),
        ([row(1, state="TimedOut")], written(1, "start"), "lost"),
        ([row(1, state="Executing", completed=None)], written(1, "start"), "stuck"),
        ([row(1)], [*RAN, *written(1, "again", "start")], "run_twice"),
        ([row(1, kind="Repeatable")], [*RAN, *written(1, "again", "start")], ""),
        ([row(1)], [*RAN, *written(1, "overlap")], "out_of_order"),
    ],
)
def test_the_judge_sees_what_is_wrong(rows: list[Row], events: list[Event], fault: str) -> None:
    verdict = judge([item(1)], rows, events, {"north": [(105.0, 115.0)]})
    assert [name for name, count in verdict.counts().items() if count] == [fault] * bool(fault)


@pytest.mark.parametrize(
    ("second", "blurred", "faults"),
    [
        ({"started": 111.0}, [], 0),
        ({"started": 109.0}, [], 1),
        ({"started": 109.9}, [], 0),  # claimed together
        ({"started": 109.0, "prioritized": True}, [], 0),
        ({"started": 109.0, "attempt": 2}, [], 0),
        ({"started": 109.0}, [(108.0, 109.5)], 0),
    ],
)
def test_the_judge_sees_who_was_passed_over(
    second: dict[str, object], blurred: list[tuple[float, float]], faults: int
) -> None:
    rows = [row(1), row(2, queued=101.0, **second)]
    events = RAN + written(2, "start", "end")
    verdict = judge([item(1), item(2)], rows, events, {}, blurred)
    assert verdict.counts()["out_of_order"] == faults
