"""Sum up what the queue is doing, for whoever must know whether the server is idle."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from tasks import clock
from tasks.models import ServerTask, State
from tasks.querysets import RUNNING


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How many tasks are where; ``executing``, ``queued`` and ``scheduled`` are those of people."""

    executing: int
    executing_system: int
    queued: int
    queued_system: int
    scheduled: int

    @property
    def is_idle(self) -> bool:
        """Whether nothing of anybody's runs or waits to start now."""
        return not (self.executing or self.queued)


def summary(*, now: datetime | None = None) -> Summary:
    """Return what runs, waits and is scheduled, in one query over what is not completed."""
    running, system = Q(state__in=RUNNING), Q(is_system=True)
    later = Q(state=State.QUEUED, queue_time__gt=clock.moment(now))
    waiting = Q(state=State.QUEUED) & ~later
    counts = ServerTask.objects.not_completed().aggregate(
        executing=Count("pk", filter=running & ~system),
        executing_system=Count("pk", filter=running & system),
        queued=Count("pk", filter=waiting & ~system),
        queued_system=Count("pk", filter=waiting & system),
        scheduled=Count("pk", filter=later & ~system),
    )
    return Summary(**counts)
