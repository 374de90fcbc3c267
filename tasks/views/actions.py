"""What people do to a task with one click: cancel it, move it to the top, queue it again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from tasks import kinds, lifecycle, queue
from tasks.forms import RerunForm
from tasks.models import ServerTask, State
from tasks.views import base

# The button that asks for the time that a task had. Nobody typed it, as the underscore says.
SAME_TIME = "_same_time"


class TaskAction(base.TaskView):
    """One act on one task; who comes too late is told so on the task's page."""

    http_method_names = ["post", "options"]


class Cancel(TaskAction):
    permission_required = "tasks.cancel_servertask"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        won = lifecycle.cancel(task, person=request.user)
        task.refresh_from_db()
        if won:
            messages.success(request, _canceled(task))
        else:
            messages.warning(request, _too_late(task))
        return redirect(task)


class Prioritize(TaskAction):
    permission_required = "tasks.prioritize_servertask"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        won = lifecycle.prioritize(task, person=request.user)
        task.refresh_from_db()
        if won:
            words = _("%(task)s is at the top of the queue.")
            messages.success(request, words % {"task": task.name})
        else:
            messages.warning(request, _too_late(task))
        return redirect(task)


class Rerun(TaskAction):
    permission_required = "tasks.add_servertask"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        form = RerunForm(request.POST)
        if not task.is_completed:
            words = _("%(task)s is not completed yet.")
            messages.warning(request, words % {"task": task.name})
        elif not form.is_valid():
            messages.error(request, _("The form is damaged. Reload the page and try again."))
        else:
            return _rerun(request, task, form)
        return redirect(task)


def _rerun(request: HttpRequest, task: ServerTask, form: RerunForm) -> HttpResponse:
    try:
        again = queue.rerun(
            task, person=request.user, token=form.token, keeps_time=SAME_TIME in request.POST
        )
    except (kinds.UnknownTaskKind, queue.ArgumentsRefused, queue.BadSchedule) as refusal:
        words = _("%(task)s cannot run again. %(why)s")
        messages.error(request, words % {"task": task.name, "why": refusal})
        return redirect(task)
    messages.success(request, _("%(task)s is queued.") % {"task": again.name})
    return redirect(again)


def _canceled(task: ServerTask) -> str:
    if task.state == State.CANCELED:
        return _("%(task)s is canceled.") % {"task": task.name}
    return _("%(task)s is being canceled.") % {"task": task.name}


def _too_late(task: ServerTask) -> str:
    """Say what a task already is, to somebody who clicked twice or after another."""
    if task.is_completed:
        words = _("%(task)s is already completed.")
    elif task.state == State.CANCELLING:
        words = _("%(task)s is already being canceled.")
    elif task.is_running:
        words = _("%(task)s has already started.")
    else:
        words = _("%(task)s is already at the top of the queue.")
    return words % {"task": task.name}
