"""Triggers of a project."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from octoserver.deployments import triggers
from octoserver.deployments.forms import TriggerForm
from octoserver.deployments.models import Trigger
from octoserver.deployments.views.base import Button, FormPage, Page


class Triggers(Page):
    tab = "triggers"
    template_name = "deployments/triggers.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        rows = self.project.triggers.select_related("environment", "runbook", "last_task")
        return self.show(triggers=rows)


class TriggerEditor(FormPage):
    tab = "triggers"
    permission_required = "deployments.change_project"
    title, button = gettext_lazy("New trigger"), gettext_lazy("Save trigger")

    def form(self, data: Any = None) -> Form:
        return TriggerForm(
            data, project=self.project, person=self.request.user, initial=self.initial()
        )

    def initial(self) -> dict[str, Any]:
        return {}

    def trigger(self) -> Trigger:
        return Trigger(project=self.project)

    def write(self, form: Form) -> str:
        triggers.save(self.trigger(), person=self.request.user, **form.cleaned_data)
        return reverse("deployments:triggers", args=[self.project.slug])


class TriggerView(Page):
    @cached_property
    def row(self) -> Trigger:
        rows = Trigger.objects.select_related("project", "environment", "runbook")
        return get_object_or_404(rows, project=self.project, pk=self.kwargs["trigger"])


class EditTrigger(TriggerView, TriggerEditor):
    edits = True
    title = gettext_lazy("Trigger")

    def initial(self) -> dict[str, Any]:
        names = ("name", "cron", "time_zone", "environment", "runbook", "is_enabled")
        return {name: getattr(self.row, name) for name in names}

    def trigger(self) -> Trigger:
        return Trigger.objects.select_related("project").get(pk=self.row.pk)


class DeleteTrigger(TriggerView, Button):
    permission_required = "deployments.change_project"

    def act(self) -> tuple[str, Any]:
        triggers.delete(self.row, person=self.request.user)
        return _("The trigger is deleted."), self.back()

    def back(self) -> Any:
        return reverse("deployments:triggers", args=[self.project.slug])
