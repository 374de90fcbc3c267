"""Lay work out on a line of time, in parts of a hundred, as a page draws it. Reads no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from maintenance.work import Bar, Stage

# What is looked back at, and ahead to, where nothing else says how far.
BEHIND, AHEAD = timedelta(minutes=20), timedelta(hours=1)
# How far the line reaches before now; what began earlier begins at its edge.
FURTHEST_BEHIND = timedelta(hours=2)
# How far it reaches for the sake of what runs or is to come. A window is shown whole.
FURTHEST_AHEAD = timedelta(hours=6)
TICKS = 7
STEPS = [
    *(timedelta(minutes=number) for number in (5, 10, 15, 30)),
    *(timedelta(hours=number) for number in (1, 2, 3, 6, 12)),
    *(timedelta(days=number) for number in (1, 2, 7, 14)),
]
# So much of the line a moment takes, to be seen at all.
MOMENT = 0.7
# Nearer to an edge of a narrow screen's line, half of a time's words lies outside.
EDGE = 6.0


@dataclass(frozen=True)
class Piece:
    """A part of the line: where it begins and how long it is, as SVG takes them, such as 12.5%."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True)
class Tick:
    """A time that is written on the line, and where."""

    time: datetime
    x: str
    anchor: str


@dataclass(frozen=True)
class Row:
    """One bar, in the pieces that it is drawn of."""

    bar: Bar
    pieces: tuple[Piece, ...]

    @property
    def is_late(self) -> bool:
        """Whether it runs for longer than is usual."""
        return any(piece.kind == "late" for piece in self.pieces)


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A line of time with its rows, and how many ``more`` there are than these.

    ``now`` is None where that lies outside of it.
    """

    begin: datetime
    end: datetime
    now: str | None
    window: Piece | None
    ticks: Sequence[Tick]
    rows: Sequence[Row]
    more: int


@dataclass(frozen=True)
class Scale:
    """From ``begin`` to ``end``, in parts of a hundred."""

    begin: datetime
    end: datetime

    def place(self, moment: datetime) -> float:
        part = (moment - self.begin) / (self.end - self.begin)
        return min(max(part, 0.0), 1.0) * 100

    def piece(self, kind: str, begin: datetime, end: datetime) -> Piece | None:
        """Return what of the time lies on the line; None where nothing does."""
        if end < self.begin or begin > self.end:
            return None
        left = min(self.place(begin), 100 - MOMENT)
        width = max(self.place(end) - left, MOMENT)
        return Piece(kind, _percent(left), _percent(width))


def draw(
    bars: Iterable[Bar],
    *,
    now: datetime,
    window: tuple[datetime, datetime | None] | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> Timeline:
    """Lay bars out; ``window`` is drawn behind them, ``until`` is when the past one was over.

    With a ``window`` the line shows all of it, else what is around ``now``.
    """
    bars = list(bars)
    scale = _scale(bars, now, window, until)
    rows = [Row(bar, pieces) for bar in bars if (pieces := _pieces(bar, scale, now))]
    end = window[1] or scale.end if window else scale.end
    return Timeline(
        begin=scale.begin,
        end=scale.end,
        now=_percent(scale.place(now)) if scale.begin <= now <= scale.end else None,
        window=scale.piece("window", window[0], max(window[0], end)) if window else None,
        ticks=_ticks(scale),
        rows=rows[:limit],
        more=max(len(rows) - limit, 0),
    )


def _scale(
    bars: Sequence[Bar],
    now: datetime,
    window: tuple[datetime, datetime | None] | None,
    until: datetime | None,
) -> Scale:
    if window is not None and until is not None:
        begin, end = window[0], max(until, window[0] + timedelta(minutes=1))
    elif window is not None and window[0] > now + FURTHEST_AHEAD:
        begin, end = window[0], window[1] or window[0] + AHEAD
    else:
        begin, end = _around(bars, now, window)
    margin = (end - begin) * 0.03
    return Scale(begin - margin, end + margin)


def _around(
    bars: Sequence[Bar], now: datetime, window: tuple[datetime, datetime | None] | None
) -> tuple[datetime, datetime]:
    """Return what is around now: not too much of the past, but all of a window with an end."""
    begin = max(min([now - BEHIND, *(bar.begin for bar in bars)]), now - FURTHEST_BEHIND)
    ends = [bar.end or bar.begin for bar in bars]
    end = max([now + AHEAD, *(moment for moment in ends if moment <= now + FURTHEST_AHEAD)])
    if window is None:
        return begin, end
    starts, over = window
    if over is not None or starts >= now - FURTHEST_BEHIND:
        begin = min(begin, starts)
    return begin, max(end, over or starts + AHEAD)


def _pieces(bar: Bar, scale: Scale, now: datetime) -> tuple[Piece, ...]:
    found = [scale.piece(kind, begin, end) for kind, begin, end in _parts(bar, now)]
    return tuple(piece for piece in found if piece is not None)


def _parts(bar: Bar, now: datetime) -> list[tuple[str, datetime, datetime]]:
    if bar.stage == Stage.QUEUED:
        return [("waiting", bar.begin, now)]
    if bar.stage == Stage.SCHEDULED:
        return [("scheduled", bar.begin, bar.end or bar.begin)]
    if bar.stage == Stage.FORESEEN:
        return [("foreseen", bar.begin, bar.end or bar.begin)]
    if bar.stage != Stage.EXECUTING:
        return [(bar.stage.value, bar.begin, bar.end or now)]
    if bar.end is None:
        return [("elapsed", bar.begin, now)]
    if bar.end < now:
        return [("elapsed", bar.begin, bar.end), ("late", bar.end, now)]
    return [("elapsed", bar.begin, now), ("expected", now, bar.end)]


def _ticks(scale: Scale) -> list[Tick]:
    length = scale.end - scale.begin
    step = next((each for each in STEPS if length / each <= TICKS), STEPS[-1])
    local = timezone.localtime(scale.begin)
    moment = local.replace(hour=0, minute=0, second=0, microsecond=0)
    moment += step * ((local - moment) // step + 1)
    ticks = []
    while moment < scale.end:
        place = scale.place(moment)
        ticks.append(Tick(moment, _percent(place), _anchor(place)))
        moment += step
    return ticks


def _anchor(place: float) -> str:
    """Say which end of its words stands at a place, for at the edges they would be cut."""
    return "start" if place < EDGE else "end" if place > 100 - EDGE else "middle"


def _percent(part: float) -> str:
    return f"{part:.1f}%"
