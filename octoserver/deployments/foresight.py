"""Foresee when triggers come due: before that they have no task. Writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, takewhile

from octoserver.deployments import triggers
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Trigger
from tasks import clock

# Of one trigger. Every minute of a month would be 44,640, which takes seconds to count.
COUNTED = 100


@dataclass(frozen=True)
class Coming:
    """A trigger that comes due, and its times, of which there may be more if ``is_more``."""

    trigger: Trigger
    times: list[datetime]
    is_more: bool


def coming(
    begin: datetime, end: datetime | None, *, limit: int, counted: int = COUNTED
) -> list[Coming]:
    """Return the triggers that come due from ``begin`` on and before ``end``; None is for ever."""
    now = clock.now()
    rows = Trigger.objects.to_come(end).select_related("project", "environment", "runbook")
    found = (_coming(trigger, _times(trigger, begin, end, now), counted) for trigger in rows)
    return list(islice((each for each in found if each.times), limit))


def _coming(trigger: Trigger, times: Iterator[datetime], counted: int) -> Coming:
    some = list(islice(times, counted))
    return Coming(trigger, some, is_more=next(times, None) is not None)


def _times(
    trigger: Trigger, begin: datetime, end: datetime | None, now: datetime
) -> Iterator[datetime]:
    """Return when a trigger comes due within a time; one that is overdue comes due now, once."""
    due = max(trigger.next_due or now, now)
    following = _following(trigger, max(due, begin - timedelta(microseconds=1)))
    times = chain([due] if due >= begin else [], following)
    return takewhile(lambda time: end is None or time < end, times)


def _following(trigger: Trigger, after: datetime) -> Iterator[datetime]:
    try:
        yield from triggers.times(trigger.cron, trigger.time_zone, after=after)
    except Refused:
        # As it fires: it comes due once more, then never again.
        return
