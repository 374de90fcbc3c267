"""Delete old completed tasks with their logs, a few at a time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

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
    label = "Apply retention policies"
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
    yield from _delete(ServerTask.objects.filter(completed_time__lt=too_old))
    oldest_kept = _oldest_kept()
    if oldest_kept is not None:
        yield from _delete(ServerTask.objects.completed().filter(pk__lt=oldest_kept))


def _oldest_kept() -> int | None:
    """Return the number of the last completed task that the count leaves; None if it leaves all."""
    newest = ServerTask.objects.completed().newest().values_list("pk", flat=True)
    count = conf.retention_count()
    return newest[count - 1 : count].first() if count else None


def _delete(tasks: ServerTaskQuerySet) -> Iterator[int]:
    kept = _last_occurrences()
    while batch := list(
        tasks.exclude(pk__in=kept).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        with transaction.atomic():
            # Completed once is completed for ever, so nothing can have changed in between.
            ServerTask.objects.filter(pk__in=batch).delete()
        yield len(batch)


def _last_occurrences() -> list[int]:
    """Return the last task of each system kind: without it, its interval would be served again."""
    last = (
        ServerTask.objects.filter(occurrence__isnull=False).values("kind").annotate(last=Max("id"))
    )
    return [row["last"] for row in last]
