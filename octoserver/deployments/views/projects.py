"""The dashboard, and projects, environments and runbooks as such."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from octoserver.deployments import board, history, projects
from octoserver.deployments.forms import EnvironmentForm, ProjectForm, RunbookForm
from octoserver.deployments.models import Change, Environment, Project, Release, Runbook, RunbookRun
from octoserver.deployments.views import older
from octoserver.deployments.views.base import Button, FormPage, Page
from tasks import sentences
from tasks.views import live

RECENT = 10


class Dashboard(Page):
    """Answer the page; to its poll only the board."""

    template_name = "deployments/dashboard.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = board.rows(list(Project.objects.all()), request.user)
        environments = list(Environment.objects.in_order())
        seen = live.print_of(environments, [row.values for row in rows])
        context: dict[str, Any] = {"environments": environments, "rows": rows, "seen": seen}
        if live.is_poll(request):
            return live.answer(request, "deployments/_board.html", context, seen=seen)
        response = self.show(**context)
        patch_vary_headers(response, ["HX-Request"])
        return response


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
    title, button = gettext_lazy("New project"), gettext_lazy("Create project")

    def form(self, data: Any = None) -> Form:
        return ProjectForm(data)

    def write(self, form: Form) -> Project:
        return projects.save(Project(), person=self.request.user, **form.cleaned_data)

    def said(self, written: Any) -> str:
        return _("%(name)s is created. Give it steps next, under Process.") % {"name": written.name}


class ProjectSettings(FormPage):
    tab = "settings"
    permission_required = "deployments.change_project"
    template_name = "deployments/settings.html"
    edits = True
    title = gettext_lazy("Settings")

    def form(self, data: Any = None) -> Form:
        initial = history.of_project(self.project)
        return ProjectForm(
            data, initial=initial | {"environments": self.project.environments.all()}
        )

    def write(self, form: Form) -> Project:
        row = Project.objects.get(pk=self.project.pk)
        return projects.save(row, person=self.request.user, **form.cleaned_data)


class DeleteProject(Button):
    permission_required = "deployments.delete_project"

    def act(self) -> tuple[str, Any]:
        name = self.project.name
        projects.delete(self.project, person=self.request.user)
        return _("%(name)s is deleted.") % {"name": name}, "deployments:dashboard"

    def back(self) -> Any:
        return self.project


class History(Page):
    tab = "history"
    permission_required = ("deployments.view_project", "deployments.view_change")
    template_name = "deployments/history.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        rows = Change.objects.filter(project=self.project)
        return self.show(page=older.cut(rows, request.GET))


class Environments(Page):
    permission_required = "deployments.view_environment"
    template_name = "deployments/environments.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(environments=Environment.objects.in_order().prefetch_related("groups"))


class EnvironmentsHistory(Page):
    """What belongs to no project: changes of environments, and of projects that are gone."""

    permission_required = ("deployments.view_environment", "deployments.view_change")
    template_name = "deployments/environments_history.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = older.cut(Change.objects.filter(project=None), request.GET)
        for change in page.rows:
            # Not stored: on a project's own page it goes without saying.
            if change.project_name not in change.what:
                change.what = f"{sentences.translated(change.what)} ({change.project_name})"
        return self.show(page=page)


class NewEnvironment(FormPage):
    permission_required = "deployments.add_environment"
    title, button = gettext_lazy("New environment"), gettext_lazy("Create environment")

    def form(self, data: Any = None) -> Form:
        return EnvironmentForm(data)

    def write(self, form: Form) -> str:
        projects.save_environment(Environment(), person=self.request.user, **form.cleaned_data)
        return "deployments:environments"


class EnvironmentPage(FormPage):
    permission_required = "deployments.change_environment"
    template_name = "deployments/environment.html"
    edits = True

    def hold(self) -> None:
        list(Environment.objects.select_for_update().filter(pk=self.kwargs["environment"]))

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
        words = _("%(name)s is moved.") if moved else _("%(name)s is there already.")
        return words % {"name": row.name}, "deployments:environments"


class DeleteEnvironment(EnvironmentButton):
    permission_required = "deployments.delete_environment"

    def act(self) -> tuple[str, Any]:
        row = self.environment()
        projects.delete_environment(row, person=self.request.user)
        return _("%(name)s is deleted.") % {"name": row.name}, "deployments:environments"


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
    title, button = gettext_lazy("New runbook"), gettext_lazy("Create runbook")

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
    edits = True
    permission_required = "deployments.change_project"
    template_name = "deployments/form.html"
    title = gettext_lazy("Runbook")

    def form(self, data: Any = None) -> Form:
        return RunbookForm(data, initial=history.of_runbook(self.runbook))

    def write(self, form: Form) -> Runbook:
        row = Runbook.objects.select_related("project").get(pk=self.runbook.pk)
        return projects.save_runbook(row, person=self.request.user, **form.cleaned_data)


class DeleteRunbook(RunbookView, Button):
    permission_required = "deployments.change_project"

    def act(self) -> tuple[str, Any]:
        projects.delete_runbook(self.runbook, person=self.request.user)
        return _("The runbook is deleted."), reverse(
            "deployments:runbooks", args=[self.project.slug]
        )

    def back(self) -> Any:
        return self.runbook
