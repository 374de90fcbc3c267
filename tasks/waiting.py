"""Say why a queued task has not started yet."""

from datetime import datetime

from tasks import clock, pause
from tasks.models import ServerNode, ServerTask, State

# More tasks ahead than this are not counted one by one.
COUNTED = 1000


def why_not_started(task: ServerTask, *, now: datetime | None = None) -> str:
    """Return the reason in a sentence; nothing for a task that is not queued."""
    if task.state != State.QUEUED:
        return ""
    at = now or clock.now()
    if task.queue_time > at:
        return f"Scheduled for {task.queue_time:%Y-%m-%d %H:%M:%S %Z}."
    if task.queue_time_expiry <= at:
        return "Not started by its expiry; it is about to time out."
    return (
        _paused(task)
        or _blocked_by_key(task)
        or _behind(task, at)
        or _no_node(task, at)
        or "About to start."
    )


def _paused(task: ServerTask) -> str:
    row = pause.current()
    if task.is_system or not row.is_paused:
        return ""
    return pause.describe(row)


def _blocked_by_key(task: ServerTask) -> str:
    if not task.concurrency_key:
        return ""
    rival = ServerTask.objects.running().filter(concurrency_key=task.concurrency_key).first()
    return f"Waits for {rival.name}, which may not run at the same time." if rival else ""


def _no_node(task: ServerTask, now: datetime) -> str:
    alive = list(ServerNode.objects.alive(now).with_running())
    if not alive:
        return "No server node is running."
    working = [node for node in alive if not node.is_draining]
    if not working:
        return "All server nodes are drained."
    if task.is_system:
        return ""
    if all(node.running_people >= node.task_cap for node in working):
        return "Every server node runs as many tasks as its task cap allows."
    return ""


def _behind(task: ServerTask, now: datetime) -> str:
    """Name the tasks before it, unless no node works at all: then that is the reason."""
    if not ServerNode.objects.taking_work(now).exists():
        return ""
    ahead = ServerTask.objects.ahead_of(task, now)[:COUNTED].count()
    if not ahead:
        return ""
    if ahead == COUNTED:
        return f"Behind more than {COUNTED - 1:,} tasks."
    return f"Behind {ahead:,} task{'s' if ahead > 1 else ''}."
