"""A registry of what works on this server, so that the mode's page can say what goes on.

The application that runs work registers a source; this one never imports it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

# A source lists at most so many of each; who shows so many says that there may be more.
LISTED = 200


@dataclass(frozen=True)
class Work:
    """How much work there is: people's tasks executing, the system's, queued, scheduled.

    ``startable`` are those of people that may start from now on without anybody's help.
    """

    executing: int = 0
    executing_system: int = 0
    queued: int = 0
    scheduled: int = 0
    startable: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )


@dataclass(frozen=True, kw_only=True)
class Running:
    """Something that executes, and when that is expected to be over, if that can be told."""

    name: str
    description: str
    url: str
    node: str
    is_system: bool
    since: datetime
    expected: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """Something that ran, or still does."""

    name: str
    description: str
    url: str
    person_name: str
    state: str
    started: datetime | None
    completed: datetime | None


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """Something that is to start at a time, at the latest by its expiry; ``key`` identifies it."""

    key: str
    name: str
    description: str
    url: str
    person_name: str
    time: datetime
    expiry: datetime


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """Something that recurs, so that it will start within a time, and is not scheduled yet.

    ``interval`` says how often, in the words of who set it up. ``last`` and ``count`` are of the
    times that were counted: there are more of them if ``is_more``.
    """

    name: str
    description: str
    url: str
    interval: str
    first: datetime
    last: datetime
    count: int
    is_more: bool = False


class Stage(StrEnum):
    """How far something is on the line of time."""

    EXECUTING = "executing"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    FORESEEN = "foreseen"
    SUCCESS = "success"
    FAILED = "failed"
    # It ended in any other way.
    OVER = "over"


def stage_of(state: str) -> Stage:
    """Return the stage that a word for a state means; ``OVER`` for one that is not known."""
    return Stage(state.lower()) if state.lower() in set(Stage) else Stage.OVER


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Something on the line of time.

    What executes has run since ``begin`` and should be over at ``end``, what is queued waits since
    ``begin``, what is scheduled begins then, what is foreseen begins again and again from ``begin``
    to ``end``; ``end`` is None where that cannot be told.
    """

    name: str
    description: str
    url: str
    stage: Stage
    begin: datetime
    end: datetime | None = None
    person_name: str = ""
    node: str = ""
    is_system: bool = False


class Source:
    """What one application knows of its work. Subclass it and say what is known."""

    def survey(self) -> Work:
        """Return how much there is."""
        return Work()

    def running(self) -> Sequence[Running]:
        """Return what executes, the oldest first."""
        return ()

    def scheduled(self, begin: datetime, end: datetime | None) -> Sequence[Scheduled]:
        """Return what would start, or expire, from ``begin`` to ``end``; None is for ever."""
        return ()

    def scheduled_count(self, begin: datetime, end: datetime | None) -> int:
        """Count what would start from ``begin`` to ``end``."""
        return len(self.scheduled(begin, end))

    def foreseen(self, begin: datetime, end: datetime | None) -> Sequence[Foreseen]:
        """Return what recurs, and will start from ``begin`` on and before ``end``."""
        return ()

    def ran(self, begin: datetime, end: datetime | None) -> Sequence[Ran]:
        """Return what of people's ran at some time from ``begin`` to ``end``; None is until now."""
        return ()

    def bars(self, now: datetime, end: datetime | None) -> Sequence[Bar]:
        """Return what executes, then what waits, then what is to start before ``end``."""
        return [
            *(_running_bar(each) for each in self.running()),
            *(_scheduled_bar(each) for each in self.scheduled(now, end)),
            *(foreseen_bar(each, end) for each in self.foreseen(now, end)),
        ]

    def reschedule(
        self, keys: Collection[str], *, person: Any, move_to: datetime | None, expiry: datetime
    ) -> int:
        """Give what is scheduled another time, or another expiry only; return how many got it.

        Raises ``CannotReschedule``.
        """
        return 0


class CannotReschedule(Exception):  # noqa: N818 a state of the world
    """What is scheduled cannot have these times; the words are shown to people."""


def _running_bar(running: Running) -> Bar:
    return Bar(
        name=running.name,
        description=running.description,
        url=running.url,
        stage=Stage.EXECUTING,
        begin=running.since,
        end=running.expected,
        node=running.node,
        is_system=running.is_system,
    )


def _scheduled_bar(scheduled: Scheduled) -> Bar:
    return Bar(
        name=scheduled.name,
        description=scheduled.description,
        url=scheduled.url,
        stage=Stage.SCHEDULED,
        begin=scheduled.time,
        person_name=scheduled.person_name,
    )


def foreseen_bar(foreseen: Foreseen, end: datetime | None) -> Bar:
    """Draw what is foreseen up to its last time, or up to ``end`` where not all were counted."""
    return Bar(
        name=foreseen.name,
        description=foreseen.description,
        url=foreseen.url,
        stage=Stage.FORESEEN,
        begin=foreseen.first,
        end=end or foreseen.last if foreseen.is_more else foreseen.last,
    )


class _Counted(Source):
    """A source that is one function."""

    def __init__(self, count: Callable[[], Work]) -> None:
        self._count = count

    def survey(self) -> Work:
        return self._count()


_sources: dict[str, Source] = {}


def register(name: str, source: Source | Callable[[], Work]) -> None:
    """Add a source of work; registering a name again replaces it."""
    _sources[name] = source if isinstance(source, Source) else _Counted(source)


def survey() -> Work | None:
    """Ask every source and add up what they say; None where no source is registered."""
    if not _sources:
        return None
    return sum((source.survey() for source in _sources.values()), Work())


def running() -> list[Running]:
    """Return everything that executes."""
    return [each for source in _sources.values() for each in source.running()]


def scheduled(begin: datetime, end: datetime | None) -> list[Scheduled]:
    """Return everything that would start or expire within a time."""
    return [each for source in _sources.values() for each in source.scheduled(begin, end)]


def foreseen(begin: datetime, end: datetime | None) -> list[Foreseen]:
    """Return everything that recurs and will start within a time, the first to come first."""
    found = [each for source in _sources.values() for each in source.foreseen(begin, end)]
    return sorted(found, key=lambda each: each.first)


def ran(begin: datetime, end: datetime | None) -> list[Ran]:
    """Return everything of people's that ran within a time."""
    return [each for source in _sources.values() for each in source.ran(begin, end)]


def bars(now: datetime, end: datetime | None) -> list[Bar]:
    """Return the line of time: what executes first, then what waits, then what is to come."""
    found = [each for source in _sources.values() for each in source.bars(now, end)]
    order = {stage: place for place, stage in enumerate(Stage)}
    return sorted(found, key=lambda bar: (order[bar.stage], bar.is_system, bar.begin))


def reschedule(
    keys: Collection[str], *, person: Any, move_to: datetime | None, expiry: datetime
) -> int:
    """Have every source give other times to what it knows by these keys."""
    given = {"person": person, "move_to": move_to, "expiry": expiry}
    return sum(source.reschedule(keys, **given) for source in _sources.values())


def scheduled_count(begin: datetime, end: datetime | None) -> int:
    """Count everything that would start within a time."""
    return sum(source.scheduled_count(begin, end) for source in _sources.values())
