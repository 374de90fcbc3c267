"""The process editor, of projects and of runbooks: every act is a link or a button."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from octoserver.deployments import processes
from octoserver.deployments.forms import StepForm
from octoserver.deployments.models import Runbook, Step
from octoserver.deployments.views import older
from octoserver.deployments.views.base import Button, FormPage, Page


class Process(Page):
    tab = "process"
    template_name = "deployments/process.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        steps = processes.of(self.project, None).prefetch_related("environments")
        return self.show(steps=steps)


class StepEditor(FormPage):
    """A step's form, new or not."""

    tab = "process"
    permission_required = "deployments.change_project"
    template_name = "deployments/step.html"

    def form(self, data: Any = None) -> Form:
        return StepForm(data, initial=self.initial())

    def initial(self) -> dict[str, Any]:
        return {}

    def written(self, form: Form, step: Step) -> str:
        processes.save(step, person=self.request.user, **form.cleaned_data)
        return place(step)

    def said(self, written: Any) -> str:
        if self.context()["runbook"]:
            return _("The step is saved. It takes effect with the next run.")
        return _("The step is saved. It takes effect with the next release.")


class NewStep(StepEditor):
    title = gettext_lazy("New step")

    @cached_property
    def runbook(self) -> Runbook | None:
        pk = self.request.GET.get("runbook", "")
        if not pk:
            return None
        rows = Runbook.objects.select_related("project")
        return get_object_or_404(rows, project=self.project, pk=older.number(pk) or 0)

    def context(self) -> dict[str, Any]:
        return {"runbook": self.runbook}

    def write(self, form: Form) -> str:
        return self.written(form, Step(project=self.project, runbook=self.runbook))


class StepView(Page):
    @cached_property
    def step(self) -> Step:
        rows = Step.objects.select_related("runbook__project", "project")
        return get_object_or_404(rows, project=self.project, pk=self.kwargs["step"])


class EditStep(StepView, StepEditor):
    edits = True
    title = gettext_lazy("Step")

    def initial(self) -> dict[str, Any]:
        names = ("name", "shell", "script", "time_limit", "condition", "retries")
        fields = {name: getattr(self.step, name) for name in names}
        return fields | {"environments": self.step.environments.all()}

    def context(self) -> dict[str, Any]:
        return {"step": self.step, "runbook": self.step.runbook}

    def write(self, form: Form) -> str:
        row = Step.objects.select_related("runbook__project", "project").get(pk=self.step.pk)
        return self.written(form, row)


class MoveStep(StepView, Button):
    permission_required = "deployments.change_project"

    def act(self) -> tuple[str, Any]:
        up = self.request.POST.get("direction") == "up"
        moved = processes.move(self.step, person=self.request.user, up=up)
        words = _("%(name)s is moved.") if moved else _("%(name)s is there already.")
        return words % {"name": self.step.name}, place(self.step)

    def back(self) -> Any:
        return place(self.step)


class DeleteStep(MoveStep):
    def act(self) -> tuple[str, Any]:
        target = place(self.step)
        processes.delete(self.step, person=self.request.user)
        return _("%(name)s is deleted.") % {"name": self.step.name}, target


def place(step: Step) -> str:
    """Return the address of the process that a step belongs to."""
    if step.runbook:
        return step.runbook.get_absolute_url()
    return reverse("deployments:process", args=[step.project.slug])
