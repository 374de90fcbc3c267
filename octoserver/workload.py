"""Tell maintenance mode what the queue is doing, and what it is about to do."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from maintenance.work import Running, Scheduled, Source, Work
from tasks import durations, work
from tasks.models import ServerTask

LISTED = 200


class Queue(Source):
    """The task queue, as maintenance mode asks for it."""

    def survey(self) -> Work:
        found = work.summary()
        return Work(
            executing=found.executing,
            executing_system=found.executing_system,
            queued=found.queued,
            scheduled=found.scheduled,
            startable=found.startable,
        )

    def running(self) -> Sequence[Running]:
        tasks = ServerTask.objects.running().order_by("start_time")
        return [_running(task) for task in tasks.defer("arguments")[:LISTED]]

    def scheduled(self, begin: datetime, end: datetime | None) -> Sequence[Scheduled]:
        tasks = ServerTask.objects.falling_into(begin, end).order_by("queue_time", "pk")
        return [_scheduled(task) for task in tasks.defer("arguments")[:LISTED]]

    def scheduled_count(self, begin: datetime, end: datetime | None) -> int:
        return ServerTask.objects.to_start_within(begin, end).count()


def _running(task: ServerTask) -> Running:
    return Running(
        name=task.name,
        description=task.description,
        url=task.get_absolute_url(),
        node=task.node_name,
        is_system=task.is_system,
        since=task.start_time or timezone.now(),
        expected=durations.expected_end(task),
    )


def _scheduled(task: ServerTask) -> Scheduled:
    return Scheduled(
        key=str(task.pk),
        name=task.name,
        description=task.description,
        url=task.get_absolute_url(),
        person_name=task.person_name,
        time=task.queue_time,
        expiry=task.queue_time_expiry,
    )
