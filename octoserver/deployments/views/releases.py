"""Releases, and the form that deploys one."""

from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from octoserver.deployments import deployments, releases, snapshots
from octoserver.deployments.errors import Refused
from octoserver.deployments.forms import PlaceForm, ReleaseForm
from octoserver.deployments.models import Deployment, Environment, Release, Runbook, RunbookRun
from octoserver.deployments.views.base import Button, FormPage, Page
from octoserver.deployments.views.projects import RunbookView

SHOWN = 100


class Releases(Page):
    tab = "releases"
    template_name = "deployments/releases.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        return self.show(releases=Release.objects.filter(project=self.project).newest()[:SHOWN])


class NewRelease(FormPage):
    tab = "releases"
    permission_required = "deployments.add_release"
    template_name = "deployments/new_release.html"
    title, button = "New release", "Create release"

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
        return f"Release {written.version} is created."


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
        found = Deployment.objects.filter(release=self.release).newest()[:SHOWN]
        return self.show(
            release=self.release,
            steps=self.release.snapshot["steps"],
            deployments=found,
            environments=Environment.objects.in_order(),
        )


class UpdateVariables(ReleaseView, Button):
    permission_required = "deployments.change_release"

    def act(self) -> tuple[str, Any]:
        release = releases.update_variables(self.release, person=self.request.user)
        return f"Release {release.version} has the variables of now.", release

    def back(self) -> Any:
        return self.release


class Deploy(ReleaseView, FormPage):
    """Where and when, and what would run."""

    permission_required = "deployments.add_deployment"
    template_name = "deployments/deploy.html"
    button = "Deploy"

    def form(self, data: Any = None) -> Form:
        initial = {"environment": _number(self.request.GET.get("environment"))}
        return PlaceForm(data, person=self.request.user, initial=initial)

    def answer(self, form: Form) -> HttpResponse:
        environment = _place(form)
        found = _preview(self.release.snapshot["steps"], environment)
        found |= self.obstacle(environment)
        return self.show(form=form, release=self.release, place=environment, **found)

    def obstacle(self, environment: Environment | None) -> dict[str, Any]:
        """Say beforehand what would be refused."""
        if environment is None:
            return {}
        words = deployments.why_not(self.release, environment)
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
        return f"{written.release.version} is on its way to {written.environment.name}."


class RunRunbook(RunbookView, FormPage):
    permission_required = "deployments.add_runbookrun"
    template_name = "deployments/run_runbook.html"
    button = "Run"

    def form(self, data: Any = None) -> Form:
        return PlaceForm(data, person=self.request.user)

    def context(self) -> dict[str, Any]:
        return {"runbook": self.runbook}

    def write(self, form: Form) -> RunbookRun:
        runbook: Runbook = self.runbook
        place: Any = form
        return deployments.run_runbook(
            runbook, form.cleaned_data["environment"], person=self.request.user, **place.chosen
        )

    def said(self, written: Any) -> str:
        return f"{written.runbook.name} is queued."


def _place(form: Form) -> Environment | None:
    """Return the environment that a form names, or would at first."""
    field: Any = form.fields["environment"]
    wanted = form["environment"].value()
    found: Environment | None = None
    if str(wanted or "").isdigit():
        found = field.queryset.filter(pk=int(wanted)).first()
    return found or field.queryset.first()


def _preview(steps: list[dict[str, Any]], environment: Environment | None) -> dict[str, Any]:
    if environment is None:
        return {"runs": [], "left_out": []}
    runs = [step for step in steps if snapshots.applies(step["environments"], environment.pk)]
    return {"runs": runs, "left_out": [step for step in steps if step not in runs]}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
