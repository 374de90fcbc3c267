"""Say why a queued task has not started yet."""

from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks import clock, pause
from tasks.models import Hold, ServerNode, ServerTask, State

# More tasks ahead than this are not counted one by one.
COUNTED = 1000


def why_not_started(task: ServerTask, *, now: datetime | None = None) -> str:
    """Return the reason in a sentence; nothing for a task that is not queued."""
    if task.state != State.QUEUED:
        return ""
    at = now or clock.now()
    if task.queue_time > at:
        time = date_format(task.queue_time, "DATETIME_FORMAT")
        return _("Scheduled for %(time)s.") % {"time": time}
    if task.queue_time_expiry <= at:
        hold = Hold.objects.open(at).filter(task=task).first()
        if hold is not None:
            return _("Expired while no scheduler ran: waits until %(time)s for a decision.") % {
                "time": date_format(hold.decide_by, "DATETIME_FORMAT")
            }
        return _("Not started by its expiry; it is about to time out.")
    return (
        _paused(task)
        or _blocked_by_key(task)
        or _behind(task, at)
        or _no_node(task, at)
        or _("About to start.")
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
    if rival is None:
        return ""
    return _("Waits for %(task)s, which may not run at the same time.") % {"task": rival.name}


def _no_node(task: ServerTask, now: datetime) -> str:
    alive = list(ServerNode.objects.alive(now).with_running())
    if not alive:
        return _("No server node is running.")
    working = [node for node in alive if not node.is_draining]
    if not working:
        return _("All server nodes are drained.")
    if task.is_system:
        return ""
    if all(node.running_people >= node.task_cap for node in working):
        return _("Every server node runs as many tasks as its task cap allows.")
    return ""


def _behind(task: ServerTask, now: datetime) -> str:
    """Name the tasks before it, unless no node works at all: then that is the reason."""
    if not ServerNode.objects.taking_work(now).exists():
        return ""
    ahead = ServerTask.objects.ahead_of(task, now)[:COUNTED].count()
    if not ahead:
        return ""
    if ahead == COUNTED:
        most = number_format(COUNTED - 1, force_grouping=True)
        return _("Behind more than %(count)s tasks.") % {"count": most}
    return ngettext("Behind %(count)d task.", "Behind %(count)d tasks.", ahead) % {"count": ahead}
