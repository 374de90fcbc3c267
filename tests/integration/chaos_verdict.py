"""Judge a chaos run by what its tasks wrote down themselves."""

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.chaos_items import Item

COMPLETED = {"Success", "Failed", "Canceled", "TimedOut"}
# Seconds between a task's answer, another's claim and its own, for it to have been passed over:
# claims that come together are timed by when they were sent.
MARGIN = 0.5
Spans = Sequence[tuple[float, float]]
LOST_NODE = "stopped answering"


@dataclass(frozen=True)
class Row:
    """A task as the database has it in the end; times in seconds since 1970."""

    id: int
    kind: str
    state: str
    message: str
    item: str
    key: str
    node: str
    attempt: int
    prioritized: bool
    queued: float
    started: float | None
    completed: float | None


@dataclass(frozen=True)
class Event:
    """What a script wrote down."""

    word: str
    item: str
    task: str
    time: int


@dataclass
class Verdict:
    """What went wrong, each as a sentence."""

    lost: list[str] = field(default_factory=list)
    run_twice: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        return [*self.lost, *self.run_twice, *self.stuck, *self.out_of_order]

    def counts(self) -> dict[str, int]:
        names = ("lost", "run_twice", "stuck", "out_of_order")
        return {name: len(getattr(self, name)) for name in names}


def read_events(records: Path) -> list[Event]:
    """Return what was written down; a line is one write, so each is whole."""
    path = records / "events"
    lines = path.read_text().splitlines() if path.exists() else []
    return [Event(*words[:3], int(words[3])) for words in map(str.split, lines)]


def judge(
    items: Sequence[Item],
    rows: Sequence[Row],
    events: Sequence[Event],
    harms: Mapping[str, Spans],
    blurred: Spans = (),
) -> Verdict:
    """Say what is wrong with a run.

    ``harms`` are the times in which each node was harmed, ``blurred`` those in which claims waited
    for the database, so that nobody can tell their order.
    """
    verdict = Verdict()
    there = {row.id for row in rows}
    verdict.lost += [
        f"{item.name} was accepted as {item.number} and is gone"
        for item in items
        if item.number is not None and item.number not in there
    ]
    canceled = {item.name for item in items if item.later == "cancel"}
    written = Counter((event.item, event.word) for event in events)
    for row in rows:
        if row.state not in COMPLETED:
            verdict.stuck.append(f"{row.item} ({row.id}) is {row.state}: {row.message}")
        elif problem := _false_end(row, written, canceled, harms):
            verdict.lost.append(f"{row.item} ({row.id}) is {row.state}, {row.message!r}: {problem}")
    kinds = {row.item: row.kind for row in rows}
    verdict.run_twice += _run_twice(events, kinds)
    verdict.out_of_order += [
        f"{event.item} ran beside another of its key" for event in events if event.word == "overlap"
    ]
    verdict.out_of_order += _passed_over(items, rows, blurred)
    return verdict


def _false_end(
    row: Row,
    written: Mapping[tuple[str, str], int],
    canceled: set[str],
    harms: Mapping[str, Spans],
) -> str:
    """Return what speaks against the state that a row has ended in."""
    started, ended = written[row.item, "start"], written[row.item, "end"]
    if row.state == "Success":
        return "" if ended == 1 or (ended and row.kind == "Repeatable") else f"{ended} ends"
    if row.state == "TimedOut":
        return "it was started" if started else ""
    if row.state == "Canceled":
        return "" if row.item in canceled else "nobody canceled it"
    if LOST_NODE not in row.message:
        return "no reason to fail"
    during = row.started or 0, row.completed or 0
    is_harmed = any(
        begin <= during[1] and during[0] <= end + 1 for begin, end in harms.get(row.node, ())
    )
    return "" if is_harmed else f"node {row.node} was well"


def _run_twice(events: Sequence[Event], kinds: Mapping[str, str]) -> Iterator[str]:
    starts = Counter(event.item for event in events if event.word == "start")
    again = {event.item for event in events if event.word == "again"}
    for item in sorted(again | {item for item, count in starts.items() if count > 1}):
        if kinds.get(item) != "Repeatable":
            yield f"{item} ran {starts[item]} times"


def _passed_over(items: Sequence[Item], rows: Sequence[Row], blurred: Spans) -> Iterator[str]:
    """Name tasks that were claimed before one that stood ahead of them and was free to go.

    Whether one with a key was free to go cannot be told, nor when one that was moved stood where,
    nor when one first was claimed that was claimed again.
    """
    accepted = {item.number: item for item in items if item.number is not None}
    once = ((row.started, row) for row in rows if row.started and row.attempt == 1)
    claimed = sorted(once, key=lambda pair: pair[0])
    times = [time for time, _ in claimed]
    for row in rows:
        item = accepted.get(row.id)
        if item is None or row.attempt > 1 or row.key or item.later or row.started is None:
            continue
        waiting = max(item.accepted, row.queued) + MARGIN
        first = bisect.bisect(times, waiting)
        for time, other in claimed[first : bisect.bisect_left(times, row.started - MARGIN)]:
            is_blurred = any(begin <= time <= end for begin, end in blurred)
            if _rank(row) < _rank(other) and not is_blurred:
                yield f"{other.item} was claimed before {item.name}, which stood ahead of it"


def _rank(row: Row) -> tuple[bool, float, int]:
    return not row.prioritized, row.queued, row.id
