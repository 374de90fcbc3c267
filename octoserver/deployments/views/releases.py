"""Releases, and the form that deploys one."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from octoserver.deployments import deployments, promotion, releases, snapshots
from octoserver.deployments.errors import Refused
from octoserver.deployments.forms import PlaceForm, ReleaseForm
from octoserver.deployments.models import Deployment, Environment, Release, Runbook, RunbookRun
from octoserver.deployments.views import older
from octoserver.deployments.views.base import Button, FormPage, Page
from octoserver.deployments.views.projects import RunbookView


class Releases(Page):
    tab = "releases"
    template_name = "deployments/releases.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        rows = Release.objects.filter(project=self.project).newest()
        return self.show(page=older.cut(rows, request.GET))


class NewRelease(FormPage):
    tab = "releases"
    permission_required = "deployments.add_release"
    template_name = "deployments/new_release.html"
    title, button = gettext_lazy("New release"), gettext_lazy("Create release")

    def form(self, data: Any = None) -> Form:
        return ReleaseForm(data, initial={"version": releases.suggested(self.project)})

    def context(self) -> dict[str, Any]:
        return {
            "steps": self.project.steps.filter(runbook=None).count(),
            "variables": self.project.variables.count(),
        }

    def write(self, form: Form) -> Release:
        return releases.create(self.project, person=self.request.user, **form.cleaned_data)

    def said(self, written: Any) -> str:
        return _("Release %(version)s is created.") % {"version": written.version}


class ReleaseView(Page):
    tab = "releases"

    @cached_property
    def release(self) -> Release:
        return get_object_or_404(
            Release.objects.select_related("project"),
            project=self.project,
            version=self.kwargs["version"],
        )


class ReleasePage(ReleaseView):
    template_name = "deployments/release.html"

    def get(self, request: HttpRequest, project: str, version: str) -> HttpResponse:
        rows = Deployment.objects.filter(release=self.release).newest()
        return self.show(
            release=self.release,
            steps=self.release.snapshot["steps"],
            page=older.cut(rows, request.GET),
        )


class UpdateVariables(ReleaseView, Button):
    permission_required = "deployments.change_release"

    def act(self) -> tuple[str, Any]:
        release = releases.update_variables(self.release, person=self.request.user)
        return _("Release %(version)s has the variables of now.") % {
            "version": release.version
        }, release

    def back(self) -> Any:
        return self.release


class Deploy(ReleaseView, FormPage):
    """Where and when, and what would run."""

    permission_required = "deployments.add_deployment"
    template_name = "deployments/deploy.html"
    button = gettext_lazy("Deploy")

    def form(self, data: Any = None) -> Form:
        initial = {"environment": older.number(self.request.GET.get("environment"))}
        return PlaceForm(data, project=self.project, person=self.request.user, initial=initial)

    def answer(self, form: Form, *, status: int = 200) -> HttpResponse:
        environment = _place(form)
        found = _preview(self.release.snapshot["steps"], environment)
        found |= self.obstacle(environment)
        return self.show(status=status, form=form, release=self.release, place=environment, **found)

    def obstacle(self, environment: Environment | None) -> dict[str, Any]:
        """Say beforehand what would be refused."""
        if environment is None:
            return {}
        words = promotion.why_not(self.release, environment)
        if not words:
            try:
                deployments.check(
                    self.release.snapshot,
                    environment,
                    given=deployments.facts(self.release, environment),
                )
            except Refused as refusal:
                words = str(refusal)
        return {"obstacle": words}

    def write(self, form: Form) -> Deployment:
        place: Any = form
        return deployments.deploy(
            self.release,
            form.cleaned_data["environment"],
            person=self.request.user,
            **place.chosen,
        )

    def said(self, written: Any) -> str:
        return _("%(version)s is on its way to %(environment)s.") % {
            "version": written.release.version,
            "environment": written.environment.name,
        }


class RunRunbook(RunbookView, FormPage):
    permission_required = "deployments.add_runbookrun"
    template_name = "deployments/run_runbook.html"
    button = gettext_lazy("Run")

    def form(self, data: Any = None) -> Form:
        return PlaceForm(data, project=self.project, person=self.request.user)

    def context(self) -> dict[str, Any]:
        return {"runbook": self.runbook}

    def write(self, form: Form) -> RunbookRun:
        runbook: Runbook = self.runbook
        place: Any = form
        return deployments.run_runbook(
            runbook, form.cleaned_data["environment"], person=self.request.user, **place.chosen
        )

    def said(self, written: Any) -> str:
        return _("%(name)s is queued.") % {"name": written.runbook.name}


def _place(form: Form) -> Environment | None:
    """Return the environment that a form names, or would at first."""
    field: Any = form.fields["environment"]
    wanted = form["environment"].value()
    found: Environment | None = None
    number = older.number(str(wanted or ""))
    if number is not None:
        found = field.queryset.filter(pk=number).first()
    return found or field.queryset.first()


def _preview(steps: list[dict[str, Any]], environment: Environment | None) -> dict[str, Any]:
    if environment is None:
        return {"runs": [], "left_out": []}
    runs = [step for step in steps if snapshots.applies(step["environments"], environment.pk)]
    return {"runs": runs, "left_out": [step for step in steps if step not in runs]}
