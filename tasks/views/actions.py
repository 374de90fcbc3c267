"""What people do to a task with one click: cancel it, move it to the top, queue it again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tasks import kinds, lifecycle, queue
from tasks.forms import RerunForm
from tasks.models import ServerTask, State
from tasks.views import base


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
            messages.success(request, f"{task.name} is at the top of the queue.")
        else:
            messages.warning(request, _too_late(task))
        return redirect(task)


class Rerun(TaskAction):
    permission_required = "tasks.add_servertask"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = self.task()
        form = RerunForm(request.POST)
        if not task.is_completed:
            messages.warning(request, f"{task.name} is not completed yet.")
        elif not form.is_valid():
            messages.error(request, "The form is damaged. Reload the page and try again.")
        else:
            return _rerun(request, task, token=form.token)
        return redirect(task)


def _rerun(request: HttpRequest, task: ServerTask, *, token: str | None) -> HttpResponse:
    try:
        again = queue.rerun(task, person=request.user, token=token)
    except (kinds.UnknownTaskKind, queue.ArgumentsRefused) as refusal:
        messages.error(request, f"{task.name} cannot run again. {refusal}")
        return redirect(task)
    messages.success(request, f"{again.name} is queued.")
    return redirect(again)


def _canceled(task: ServerTask) -> str:
    if task.state == State.CANCELED:
        return f"{task.name} is canceled."
    return f"{task.name} is being canceled."


def _too_late(task: ServerTask) -> str:
    """Say what a task already is, to somebody who clicked twice or after another."""
    if task.is_completed:
        return f"{task.name} is already completed."
    if task.state == State.CANCELLING:
        return f"{task.name} is already being canceled."
    if task.is_running:
        return f"{task.name} has already started."
    return f"{task.name} is already at the top of the queue."
