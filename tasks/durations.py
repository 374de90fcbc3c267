"""Estimate how long a task runs, from those of the same kind that succeeded before."""

from datetime import datetime, timedelta
from statistics import median

from tasks.models import ServerTask, State

# So many of the newest are looked at.
LOOKED_AT = 20


def expected_end(task: ServerTask) -> datetime | None:
    """Return when a running task should be over; None if none like it ever succeeded.

    Those with the same concurrency key, a project in an environment, count where there are any.
    """
    if task.start_time is None:
        return None
    length = (_usual(task, same_key=True) if task.concurrency_key else None) or _usual(task)
    return task.start_time + length if length else None


def _usual(task: ServerTask, *, same_key: bool = False) -> timedelta | None:
    alike = ServerTask.objects.of_kind(task.kind).in_state(State.SUCCESS)
    if same_key:
        alike = alike.filter(concurrency_key=task.concurrency_key)
    times = alike.newest().values_list("start_time", "completed_time")[:LOOKED_AT]
    lengths = [(end - start).total_seconds() for start, end in times if start and end]
    return timedelta(seconds=median(lengths)) if lengths else None
