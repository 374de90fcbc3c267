"""What the Maintenance page shows at a glance: where the mode stands, and the time around now."""

from datetime import datetime, timedelta
from enum import StrEnum

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from maintenance import mode, timeline, trail, work
from maintenance.idle import Facts
from maintenance.models import Window
from maintenance.timeline import Timeline
from maintenance.work import Bar, Stage

# Rows of the timeline; the rest is counted.
SHOWN = 12
# From here on, distances of time on a page mislead.
NOTICEABLE = timedelta(minutes=1)


class Standing(StrEnum):
    """Where the mode stands, in one word."""

    OFF = "off"
    PLANNED = "planned"
    # On, but what was let in before is not known to be over.
    CLOSING = "closing"
    ON = "on"


def standing(facts: Facts) -> Standing:
    if facts.mode.is_enabled:
        return Standing.ON if facts.is_quiet else Standing.CLOSING
    return Standing.PLANNED if facts.window else Standing.OFF


def clock_warning(now: datetime) -> str:
    """Say that this process's clock is not the database's, whose time is ``now``, if it is not."""
    gap = timezone.now() - now
    if abs(gap) < NOTICEABLE:
        return ""
    if gap > timedelta(0):
        words = _(
            "The clock of this web server is %(time)s ahead of the database's. Windows, schedules"
            " and expiries follow the database's. Set the wrong one right."
        )
    else:
        words = _(
            "The clock of this web server is %(time)s behind the database's. Windows, schedules"
            " and expiries follow the database's. Set the wrong one right."
        )
    return words % {"time": timesince(now - abs(gap), now)}


def around_now(facts: Facts, *, now: datetime) -> Timeline:
    """Return what runs, waits and comes, in front of the window or of the mode that is on."""
    span = _span(facts, now)
    bars = work.bars(now, span[1] if span else now + timeline.FURTHEST_AHEAD)
    return timeline.draw(bars, now=now, window=span, limit=SHOWN)


def of_window(window: Window, *, now: datetime | None = None) -> Timeline:
    """Return what ran in a window, and while it is not over what runs and comes."""
    now = now or trail.now(mode.database())
    over = window.ended or window.called_off
    bars = [_as_bar(ran) for ran in work.ran(window.starts, over)] if window.opened else []
    if over is None:
        # What still runs is told again, with how long that takes as a rule.
        bars = [bar for bar in bars if bar.end]
        known = {bar.url for bar in bars}
        bars += [bar for bar in _to_come(window, now) if bar.url not in known]
    return timeline.draw(bars, now=now, window=(window.starts, over or window.ends), until=over)


def _span(facts: Facts, now: datetime) -> tuple[datetime, datetime | None] | None:
    if facts.mode.is_enabled:
        return (facts.mode.since or now), facts.mode.until
    if facts.window and facts.window.starts <= now + timeline.FURTHEST_AHEAD:
        return facts.window.starts, facts.window.ends
    return None


def _to_come(window: Window, now: datetime) -> list[Bar]:
    """Return what runs and waits, and of what is to start what falls into the window."""
    return [bar for bar in work.bars(now, window.ends) if _reaches(bar, window.starts)]


def _reaches(bar: Bar, begin: datetime) -> bool:
    if bar.stage == Stage.SCHEDULED:
        return bar.begin >= begin
    return bar.stage != Stage.FORESEEN or (bar.end or bar.begin) >= begin


def _as_bar(ran: work.Ran) -> Bar:
    return Bar(
        name=ran.name,
        description=ran.description,
        url=ran.url,
        person_name=ran.person_name,
        stage=work.stage_of(ran.state),
        begin=ran.started or timezone.now(),
        end=ran.completed,
    )
