"""Notice that no scheduler ran for a while, and hold what expired meanwhile for a decision.

A server that was stopped past the expiry of tasks must not lose them silently as it starts. Every
scheduler marks that it runs; the first to find the mark old holds the tasks that expired, in the
transaction in which it renews the mark. Until that is done nothing expires, on any node: the
condition stands in the statement that would do it, for a process may have been frozen just before.
"""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Exists, Max

from tasks import clock, conf, log, verdicts
from tasks.models import Hold, SchedulerMark, ServerNode, ServerTask

# Seconds after which a scheduler renews the mark.
EVERY = 5.0


def note_alive(*, now: datetime | None = None) -> list[ServerTask]:
    """Mark that a scheduler runs; after an outage, hold what expired and return it."""
    at = now or clock.now()
    mark = SchedulerMark.objects.filter(pk=SchedulerMark.SINGLETON).first() or _first_mark(at)
    if abs((at - mark.last_alive).total_seconds()) < EVERY:
        return []
    if at < mark.last_alive:
        _set_back(now)
        return []
    with transaction.atomic():
        # Whoever has the row locked is doing just this; one that was frozen must keep nobody.
        rows = SchedulerMark.objects.select_for_update(skip_locked=True)
        row = rows.filter(pk=mark.pk).first()
        if row is None or row.last_alive >= at:
            return []
        gap = (at - row.last_alive).total_seconds()
        held = _hold(at) if gap > conf.outage() else []
        SchedulerMark.objects.filter(pk=row.pk).update(last_alive=at)
    return held


def is_looked_into(now: datetime | None = None) -> Any:
    """Return the condition that no outage is left to look into."""
    since: Any = clock.moment(now)
    old = SchedulerMark.objects.filter(last_alive__lt=since - timedelta(seconds=conf.outage()))
    return ~Exists(old)


def describe(task: ServerTask) -> str:
    """Say why a task was not started."""
    expiry = clock.words(task.queue_time_expiry)
    try:
        until = clock.words(task.hold.decide_by)
    except ObjectDoesNotExist:
        return verdicts.NOT_STARTED % {"time": expiry}
    return verdicts.NOT_STARTED_IN_OUTAGE % {"time": expiry, "until": until}


def _set_back(now: datetime | None) -> None:
    """Follow a clock that was set back: the old mark would hide an outage until it comes again.

    By the time of the statement, so that a process that was frozen before it sets nothing back.
    """
    moment: Any = clock.moment(now)
    ahead = SchedulerMark.objects.filter(last_alive__gte=moment + timedelta(seconds=EVERY))
    ahead.update(last_alive=moment)


def _first_mark(now: datetime) -> SchedulerMark:
    """Make the mark on a server that never had one: a worker's last word says when it ran."""
    seen = ServerNode.objects.aggregate(last=Max("last_seen"))["last"] or now
    mark, _ = SchedulerMark.objects.get_or_create(
        pk=SchedulerMark.SINGLETON, defaults={"last_alive": min(seen, now)}
    )
    return mark


def _hold(now: datetime) -> list[ServerTask]:
    """Hold people's tasks that have expired; the system queues its own again."""
    Hold.objects.over(now).delete()
    expired = ServerTask.objects.expired(now).people().filter(hold__isnull=True)
    tasks = list(expired.select_for_update(skip_locked=True, of=("self",)).defer("arguments"))
    decide_by = now + timedelta(seconds=conf.decision_time())
    Hold.objects.bulk_create(
        (Hold(task=task, decide_by=decide_by) for task in tasks), batch_size=500
    )
    until = clock.words(decide_by)
    words = f"Its expiry passed while no scheduler ran. It waits until {until} for a decision."
    log.append_all((task, words) for task in tasks)
    return tasks
