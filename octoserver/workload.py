"""Tell the page of maintenance mode what the queue is doing."""

from maintenance.work import Work
from tasks import work


def of_the_queue() -> Work:
    """Return what runs, waits and is scheduled in the task queue."""
    found = work.summary()
    return Work(
        executing=found.executing,
        executing_system=found.executing_system,
        queued=found.queued,
        scheduled=found.scheduled,
    )
