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
    length = Usual().of(task) if task.start_time else None
    return task.start_time + length if task.start_time and length else None


class Usual:
    """How long tasks usually run, asked once for all that are alike."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], timedelta | None] = {}

    def of(self, task: ServerTask) -> timedelta | None:
        """Return the length; None if no task like it ever succeeded."""
        alike = task.kind, task.concurrency_key
        if alike not in self._known:
            keyed = _usual(task, same_key=True) if task.concurrency_key else None
            self._known[alike] = keyed or _usual(task)
        return self._known[alike]


def _usual(task: ServerTask, *, same_key: bool = False) -> timedelta | None:
    alike = ServerTask.objects.of_kind(task.kind).in_state(State.SUCCESS)
    if same_key:
        alike = alike.filter(concurrency_key=task.concurrency_key)
    times = alike.newest().values_list("start_time", "completed_time")[:LOOKED_AT]
    lengths = [(end - start).total_seconds() for start, end in times if start and end]
    return timedelta(seconds=median(lengths)) if lengths else None
