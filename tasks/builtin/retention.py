"""Delete old completed tasks with their logs, a few at a time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from tasks import clock, conf, kinds
from tasks.execution import Execution
from tasks.models import ServerTask
from tasks.querysets import ServerTaskQuerySet

# Small enough that the write lock of SQLite is held for moments only.
BATCH = 200


@kinds.register
class Retention(kinds.TaskKind):
    """Each batch is a transaction of its own, so it may be killed at any moment."""

    name = "Retention"
    label = _("Apply retention policies")
    is_system = True
    idempotent = True
    interval = timedelta(hours=4)

    def execute(self, run: Execution) -> None:
        deleted = 0
        for count in prune(now=clock.now()):
            deleted += count
            run.raise_if_canceled()
        run.log.info(
            f"Deleted {deleted:,} completed task{'' if deleted == 1 else 's'}: those older than "
            f"{conf.retention_days()} days, and all but the newest {conf.retention_count():,}."
        )


def prune(*, now: datetime) -> Iterator[int]:
    """Delete what is past its time, yielding the size of each batch that is gone."""
    too_old = now - timedelta(days=conf.retention_days())
    yield from _delete(ServerTask.objects.completed_before(too_old))
    oldest_kept = _oldest_kept()
    if oldest_kept is not None:
        yield from _delete(ServerTask.objects.completed_before(oldest_kept))


def _oldest_kept() -> datetime | None:
    """Return when the last task was completed that the count leaves; None if it leaves all."""
    times = ServerTask.objects.completed_last_first().values_list("completed_time", flat=True)
    count = conf.retention_count()
    return times[count - 1 : count].first() if count else None


def _delete(tasks: ServerTaskQuerySet) -> Iterator[int]:
    kept = _last_occurrences()
    while batch := list(tasks.exclude(pk__in=kept).values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            # Completed once is completed for ever, so nothing can have changed in between.
            ServerTask.objects.filter(pk__in=batch).delete()
        yield len(batch)


def _last_occurrences() -> list[int]:
    """Return the last task of each system kind: without it, its interval would be served again."""
    beats = ServerTask.objects.filter(occurrence__isnull=False).order_by("-occurrence")
    last = (
        beats.filter(kind=kind.name).values_list("pk", flat=True).first() for kind in kinds.system()
    )
    return [pk for pk in last if pk is not None]
