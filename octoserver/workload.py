"""Tell maintenance mode what the queue is doing, and what it is about to do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from maintenance.work import CannotReschedule, Ran, Running, Scheduled, Source, Work
from tasks import bulk, durations, queue, work
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

    def ran(self, begin: datetime, end: datetime | None) -> Sequence[Ran]:
        tasks = ServerTask.objects.people().run_within(begin, end).order_by("pk")
        return [_ran(task) for task in tasks.defer("arguments")[:LISTED]]

    def reschedule(
        self, keys: Collection[str], *, person: Any, move_to: datetime | None, expiry: datetime
    ) -> int:
        pks = [int(key) for key in keys if key.isascii() and key.isdigit() and len(key) < 19]
        try:
            outcome = bulk.reschedule(
                pks, queue_time=move_to, queue_time_expiry=expiry, person=person
            )
        except (queue.BadSchedule, bulk.TooMany) as error:
            raise CannotReschedule(str(error)) from None
        return len(outcome.changed)


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


def _ran(task: ServerTask) -> Ran:
    return Ran(
        name=task.name,
        description=task.description,
        url=task.get_absolute_url(),
        person_name=task.person_name,
        state=task.state,
        started=task.start_time,
        completed=task.completed_time,
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
