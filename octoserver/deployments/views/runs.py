"""The page of one deployment, or of one run of a runbook: its steps, their log, what to do next."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from octoserver.deployments import deployments, sections
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Deployment, Environment, Release, RunbookRun
from octoserver.deployments.views.base import Button, Page
from tasks.views import base as parts

VIEW = ("deployments.view_deployment", "tasks.view_servertask")


class DeploymentView(Page):
    permission_required: str | tuple[str, ...] = VIEW

    @cached_property
    def deployment(self) -> Deployment:
        rows = Deployment.objects.with_all()
        found: Deployment = get_object_or_404(rows, pk=self.kwargs["deployment"])
        return found


class DeploymentPage(DeploymentView):
    template_name = "deployments/deployment.html"

    def get(self, request: HttpRequest, deployment: int) -> HttpResponse:
        it = self.deployment
        release = it.release
        following = Environment.objects.after(it.environment) if it.state == "Success" else None
        return self.show(
            run=it,
            sections=sections.of(it),
            title=f"{release.project.name} {release.version} to {it.environment.name}",
            rollback=Deployment.objects.rollback_target(it),
            following=following,
            poll="deployments:deployment_steps",
        )


class DeploymentSteps(DeploymentView):
    """Answer the poll of a deployment's page."""

    def get(self, request: HttpRequest, deployment: int) -> HttpResponse:
        return _steps(request, self.deployment, "deployments:deployment_steps")


class RunbookRunView(Page):
    permission_required: str | tuple[str, ...] = (
        "deployments.view_runbookrun",
        "tasks.view_servertask",
    )

    @cached_property
    def run(self) -> RunbookRun:
        rows = RunbookRun.objects.with_task().select_related("runbook__project")
        found: RunbookRun = get_object_or_404(rows, pk=self.kwargs["runbook_run"])
        return found


class RunbookRunPage(RunbookRunView):
    template_name = "deployments/deployment.html"

    def get(self, request: HttpRequest, runbook_run: int) -> HttpResponse:
        it = self.run
        return self.show(
            run=it,
            sections=sections.of(it),
            title=f"{it.runbook.name} in {it.environment.name}",
            poll="deployments:runbook_run_steps",
        )


class RunbookRunSteps(RunbookRunView):
    def get(self, request: HttpRequest, runbook_run: int) -> HttpResponse:
        return _steps(request, self.run, "deployments:runbook_run_steps")


def _steps(request: HttpRequest, run: Any, poll: str) -> HttpResponse:
    context = {"run": run, "sections": sections.of(run), "poll": poll}
    text, seen = parts.fragment(request, "deployments/_steps.html", context)
    if run.is_completed:
        # The buttons of the page depend on how it ended.
        response = parts.partial(text, status=parts.STOP_POLLING)
        response.headers["HX-Refresh"] = "true"
        return response
    if request.GET.get("seen") == seen:
        return parts.partial("", status=parts.NOTHING_NEW)
    return parts.partial(text)


class Redeploy(DeploymentView, Button):
    permission_required = "deployments.add_deployment"

    def act(self) -> tuple[str, Any]:
        it = self.deployment
        return self.deployed(it.release)

    def deployed(self, release: Release) -> tuple[str, Any]:
        it = deployments.deploy(release, self.deployment.environment, person=self.request.user)
        return f"{release.version} is on its way to {it.environment.name}.", it

    def back(self) -> Any:
        return self.deployment


class RollBack(Redeploy):
    def act(self) -> tuple[str, Any]:
        target = Deployment.objects.rollback_target(self.deployment)
        if target is None:
            raise Refused("No other release succeeded here before.")
        return self.deployed(target.release)
