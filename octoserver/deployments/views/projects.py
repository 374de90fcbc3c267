"""The dashboard, and projects, environments and runbooks as such."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property

from octoserver.deployments import board, history, projects
from octoserver.deployments.forms import EnvironmentForm, ProjectForm, RunbookForm
from octoserver.deployments.models import Change, Environment, Project, Release, Runbook, RunbookRun
from octoserver.deployments.views.base import Button, FormPage, Page

RECENT = 10
CHANGES = 100


class Dashboard(Page):
    template_name = "deployments/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = list(Project.objects.all())
        return self.show(
            environments=Environment.objects.in_order(), rows=board.rows(rows, request.user)
        )


class ProjectPage(Page):
    tab = "overview"
    template_name = "deployments/project.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.show(
            environments=Environment.objects.in_order(),
            row=board.rows([self.project], request.user)[0],
            releases=Release.objects.filter(project=self.project).newest()[:RECENT],
            runbooks=self.project.runbooks.all(),
            steps=self.project.steps.filter(runbook=None),
        )


class NewProject(FormPage):
    permission_required = "deployments.add_project"
    title, button = "New project", "Create project"

    def form(self, data: Any = None) -> Form:
        return ProjectForm(data)

    def write(self, form: Form) -> Project:
        return projects.save(Project(), person=self.request.user, **form.cleaned_data)

    def said(self, written: Any) -> str:
        return f"{written.name} is created. Give it steps next, under Process."


class ProjectSettings(FormPage):
    tab = "settings"
    permission_required = "deployments.change_project"
    template_name = "deployments/settings.html"
    title = "Settings"

    def form(self, data: Any = None) -> Form:
        return ProjectForm(data, initial=history.of_project(self.project))

    def write(self, form: Form) -> Project:
        row = Project.objects.get(pk=self.project.pk)
        return projects.save(row, person=self.request.user, **form.cleaned_data)


class DeleteProject(Button):
    permission_required = "deployments.delete_project"

    def act(self) -> tuple[str, Any]:
        name = self.project.name
        projects.delete(self.project, person=self.request.user)
        return f"{name} is deleted.", "deployments:dashboard"

    def back(self) -> Any:
        return self.project


class History(Page):
    tab = "history"
    permission_required = ("deployments.view_project", "deployments.view_change")
    template_name = "deployments/history.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.show(changes=Change.objects.filter(project=self.project)[:CHANGES])


class Environments(Page):
    permission_required = "deployments.view_environment"
    template_name = "deployments/environments.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(environments=Environment.objects.in_order().prefetch_related("groups"))


class NewEnvironment(FormPage):
    permission_required = "deployments.add_environment"
    title, button = "New environment", "Create environment"

    def form(self, data: Any = None) -> Form:
        return EnvironmentForm(data)

    def write(self, form: Form) -> str:
        projects.save_environment(Environment(), person=self.request.user, **form.cleaned_data)
        return "deployments:environments"


class EnvironmentPage(FormPage):
    permission_required = "deployments.change_environment"
    template_name = "deployments/environment.html"

    @cached_property
    def environment(self) -> Environment:
        return get_object_or_404(Environment, pk=self.kwargs["environment"])

    def form(self, data: Any = None) -> Form:
        row = self.environment
        return EnvironmentForm(data, initial={"name": row.name, "groups": row.groups.all()})

    def context(self) -> dict[str, Any]:
        return {"environment": self.environment}

    def write(self, form: Form) -> str:
        row = Environment.objects.get(pk=self.environment.pk)
        projects.save_environment(row, person=self.request.user, **form.cleaned_data)
        return "deployments:environments"


class EnvironmentButton(Button):
    permission_required = "deployments.change_environment"

    def environment(self) -> Environment:
        return get_object_or_404(Environment, pk=self.kwargs["environment"])

    def back(self) -> Any:
        return "deployments:environments"


class MoveEnvironment(EnvironmentButton):
    def act(self) -> tuple[str, Any]:
        row, up = self.environment(), self.request.POST.get("direction") == "up"
        moved = projects.move_environment(row, person=self.request.user, up=up)
        words = f"{row.name} is moved." if moved else f"{row.name} is there already."
        return words, "deployments:environments"


class DeleteEnvironment(EnvironmentButton):
    permission_required = "deployments.delete_environment"

    def act(self) -> tuple[str, Any]:
        row = self.environment()
        projects.delete_environment(row, person=self.request.user)
        return f"{row.name} is deleted.", "deployments:environments"


class Runbooks(Page):
    tab = "runbooks"
    template_name = "deployments/runbooks.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.show(runbooks=self.project.runbooks.all())


class RunbookView(Page):
    """What has a runbook in its address."""

    tab = "runbooks"

    @cached_property
    def runbook(self) -> Runbook:
        return get_object_or_404(
            Runbook.objects.select_related("project"),
            project=self.project,
            pk=self.kwargs["runbook"],
        )


class NewRunbook(FormPage):
    tab = "runbooks"
    permission_required = "deployments.change_project"
    title, button = "New runbook", "Create runbook"

    def form(self, data: Any = None) -> Form:
        return RunbookForm(data)

    def write(self, form: Form) -> Runbook:
        runbook = Runbook(project=self.project)
        return projects.save_runbook(runbook, person=self.request.user, **form.cleaned_data)


class RunbookPage(RunbookView):
    template_name = "deployments/runbook.html"

    def get(self, request: HttpRequest, project: str, runbook: int) -> HttpResponse:
        return self.show(
            runbook=self.runbook,
            steps=self.runbook.steps.prefetch_related("environments"),
            runs=RunbookRun.objects.filter(runbook=self.runbook).newest()[:RECENT],
        )


class RunbookSettings(RunbookView, FormPage):
    permission_required = "deployments.change_project"
    template_name = "deployments/form.html"
    title = "Runbook"

    def form(self, data: Any = None) -> Form:
        return RunbookForm(data, initial=history.of_runbook(self.runbook))

    def write(self, form: Form) -> Runbook:
        row = Runbook.objects.select_related("project").get(pk=self.runbook.pk)
        return projects.save_runbook(row, person=self.request.user, **form.cleaned_data)


class DeleteRunbook(RunbookView, Button):
    permission_required = "deployments.change_project"

    def act(self) -> tuple[str, Any]:
        projects.delete_runbook(self.runbook, person=self.request.user)
        return "The runbook is deleted.", reverse("deployments:runbooks", args=[self.project.slug])

    def back(self) -> Any:
        return self.runbook
