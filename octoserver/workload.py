"""Tell maintenance mode what the queue is doing, and what it is about to do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance import work as listing
from maintenance.work import (
    Bar,
    CannotReschedule,
    Foreseen,
    Ran,
    Running,
    Scheduled,
    Source,
    Stage,
    Work,
)
from octoserver.deployments import foresight
from octoserver.deployments.foresight import Coming
from tasks import bulk, durations, queue, work
from tasks.models import ServerTask

# Of each stage, on the line of time.
DRAWN = 20
# Times of one trigger: where there are more, it is drawn up to the end.
ENOUGH_TO_DRAW = 10


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
        return [_running(task) for task in tasks.defer("arguments")[: listing.LISTED]]

    def bars(self, now: datetime, end: datetime | None) -> Sequence[Bar]:
        lengths = durations.Usual()
        tasks = ServerTask.objects.defer("arguments")
        running = tasks.running().order_by("is_system", "start_time")[:DRAWN]
        waiting = tasks.due(now).people().in_claim_order()[:DRAWN]
        coming = tasks.to_start_within(now, end).order_by("queue_time", "pk")[:DRAWN]
        return [_bar(task, lengths, now) for each in (running, waiting, coming) for task in each]

    def scheduled(self, begin: datetime, end: datetime | None) -> Sequence[Scheduled]:
        tasks = ServerTask.objects.falling_into(begin, end).order_by("queue_time", "pk")
        return [_scheduled(task) for task in tasks.defer("arguments")[: listing.LISTED]]

    def scheduled_count(self, begin: datetime, end: datetime | None) -> int:
        return ServerTask.objects.to_start_within(begin, end).count()

    def ran(self, begin: datetime, end: datetime | None) -> Sequence[Ran]:
        tasks = ServerTask.objects.people().run_within(begin, end).order_by("pk")
        return [_ran(task) for task in tasks.defer("arguments")[: listing.LISTED]]

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


class Triggers(Source):
    """What triggers will queue: it has no task before its time."""

    def foreseen(self, begin: datetime, end: datetime | None) -> Sequence[Foreseen]:
        return [_foreseen(each) for each in foresight.coming(begin, end, limit=listing.LISTED)]

    def bars(self, now: datetime, end: datetime | None) -> Sequence[Bar]:
        coming = foresight.coming(now, end, limit=DRAWN, counted=ENOUGH_TO_DRAW)
        return [listing.foreseen_bar(_foreseen(each), end) for each in coming]


def _foreseen(coming: Coming) -> Foreseen:
    trigger = coming.trigger
    place = {"project": trigger.project.name, "environment": trigger.environment.name}
    if trigger.runbook is None:
        words = _("latest release of %(project)s to %(environment)s") % place
    else:
        place["runbook"] = trigger.runbook.name
        words = _("runbook %(runbook)s of %(project)s in %(environment)s") % place
    return Foreseen(
        name=_("Trigger %(name)s") % {"name": trigger.name},
        description=words,
        url=reverse("deployments:trigger", args=[trigger.project.slug, trigger.pk]),
        interval=f"{trigger.cron} ({trigger.time_zone})",
        first=coming.times[0],
        last=coming.times[-1],
        count=len(coming.times),
        is_more=coming.is_more,
    )


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


def _bar(task: ServerTask, lengths: durations.Usual, now: datetime) -> Bar:
    stage, begin = Stage.EXECUTING, task.start_time
    if begin is None:
        stage = Stage.SCHEDULED if task.queue_time > now else Stage.QUEUED
        begin = task.queue_time
    length = None if stage is Stage.QUEUED else lengths.of(task)
    return Bar(
        name=task.name,
        description=task.description,
        url=task.get_absolute_url(),
        stage=stage,
        begin=begin,
        end=begin + length if length else None,
        person_name=task.person_name,
        node=task.node_name,
        is_system=task.is_system,
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
