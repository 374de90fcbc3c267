"""Sum up what the queue is doing, for whoever must know whether the server is idle."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from tasks import clock, pause
from tasks.models import RUNNING, ServerNode, ServerTask, State


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How many tasks are where; ``executing``, ``queued`` and ``scheduled`` are those of people.

    ``startable`` are those of people that a worker may start from now on without anybody's help:
    none while the queue is paused, all nodes are drained or none runs.
    """

    executing: int
    executing_system: int
    queued: int
    queued_system: int
    scheduled: int
    startable: int

    @property
    def is_idle(self) -> bool:
        """Whether nothing of anybody's runs or waits to start now."""
        return not (self.executing or self.queued)


def summary(*, now: datetime | None = None) -> Summary:
    """Return what runs, waits and is scheduled, in one query over what is not completed.

    A second one asks who could start it, if anything waits at all.
    """
    at = clock.moment(now)
    running, system = Q(state__in=RUNNING), Q(is_system=True)
    later = Q(state=State.QUEUED, queue_time__gt=at)
    waiting = Q(state=State.QUEUED) & ~later
    counts = ServerTask.objects.not_completed().aggregate(
        executing=Count("pk", filter=running & ~system),
        executing_system=Count("pk", filter=running & system),
        queued=Count("pk", filter=waiting & ~system),
        queued_system=Count("pk", filter=waiting & system),
        scheduled=Count("pk", filter=later & ~system),
        startable=Count("pk", filter=waiting & ~system & Q(queue_time_expiry__gt=at)),
    )
    if counts["startable"] and not _may_start(now):
        counts["startable"] = 0
    return Summary(**counts)


def _may_start(now: datetime | None) -> bool:
    """Whether a task of people that is due could be claimed anywhere."""
    return ServerNode.objects.taking_work(now).exists() and not pause.current().is_paused
