"""The New task page: a kind, its arguments, and when."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from tasks import kinds, queue
from tasks.forms import ScheduleForm
from tasks.kinds import TaskKind
from tasks.models import ServerTask


class NewTask(PermissionRequiredMixin, View):
    """Show the form of a kind, and queue what it is filled with; nothing typed is lost."""

    permission_required = "tasks.add_servertask"

    def get(self, request: HttpRequest) -> HttpResponse:
        kind = _chosen(request)
        if kind is None:
            return _show(request)
        return _show(request, kind=kind, arguments=_form(kind), schedule=ScheduleForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        kind = _chosen(request)
        if kind is None:
            return _show(request)
        arguments = _form(kind, request.POST)
        schedule = ScheduleForm(request.POST)
        # Both are asked before either is answered, so that every mistake is shown at once.
        if all([arguments.is_valid(), schedule.is_valid()]):
            task = _enqueue(kind, arguments, schedule, person=request.user)
            if task is not None:
                messages.success(request, _confirmation(task))
                return redirect(task)
        return _show(request, kind=kind, arguments=arguments, schedule=schedule)


def _form(kind: TaskKind, data: QueryDict | None = None) -> Form:
    form = kind.form_class(data)
    form.label_suffix = ""
    return form


def _enqueue(
    kind: TaskKind, arguments: Form, schedule: ScheduleForm, *, person: Any
) -> ServerTask | None:
    """Queue the task; None if the queue refused it, and the form then says why."""
    try:
        return queue.enqueue(kind.name, _typed(arguments), person=person, **schedule.chosen)
    except queue.BadSchedule as refusal:
        schedule.add_error(refusal.field, str(refusal))
    except queue.ArgumentsRefused as refusal:
        arguments.add_error(None, str(refusal))
    return None


def _typed(form: Form) -> dict[str, Any]:
    """Return what was typed, field by field, as the kind's form will read it again."""
    return {
        name: field.widget.value_from_datadict(form.data, form.files, form.add_prefix(name))
        for name, field in form.fields.items()
    }


def _show(request: HttpRequest, **context: Any) -> HttpResponse:
    name = _name(request)
    context = {
        "offered": kinds.offered_to(request.user),
        "unknown": name if name and "kind" not in context else "",
        **context,
    }
    return render(request, "tasks/new.html", context)


def _name(request: HttpRequest) -> str:
    return (request.POST.get("kind") or request.GET.get("kind") or "")[:64]


def _chosen(request: HttpRequest) -> TaskKind | None:
    """Return the kind that is asked for; where none is, the only one there is."""
    offered, name = kinds.offered_to(request.user), _name(request)
    if not name and len(offered) == 1:
        return offered[0]
    return next((kind for kind in offered if kind.name == name), None)


def _confirmation(task: ServerTask) -> str:
    if task.queue_time > task.created:
        return _("%(task)s is scheduled.") % {"task": task.name}
    return _("%(task)s is queued.") % {"task": task.name}
