"""The page of one deployment, or of one run of a runbook: its steps, their log, what to do next."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from octoserver.deployments import deployments, promotion, sections
from octoserver.deployments.errors import Refused
from octoserver.deployments.forms import WhereForm
from octoserver.deployments.models import Deployment, Environment, Release, RunbookRun
from octoserver.deployments.views import older
from octoserver.deployments.views.base import Button, Page
from tasks import offers, queue
from tasks.views import base as parts
from tasks.views.actions import SAME_TIME

DEPLOY = "deployments.add_deployment"
VIEW = ("deployments.view_deployment", "tasks.view_servertask")


class Deployments(Page):
    """All deployments of a project, newest first."""

    tab = "deployments"
    permission_required = ("deployments.view_project", "deployments.view_deployment")
    template_name = "deployments/deployments.html"

    def get(self, request: HttpRequest, project: str) -> HttpResponse:
        look = WhereForm(request.GET)
        rows = Deployment.objects.filter(project=self.project).newest()
        if look.is_valid() and look.cleaned_data["environment"]:
            rows = rows.filter(environment=look.cleaned_data["environment"])
        return self.show(look=look, page=older.cut(rows, request.GET))


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
        person = request.user
        may_again = person.has_perm(DEPLOY) and deployments.may_deploy_to(person, it.environment)
        return self.show(
            run=it,
            sections=sections.of(it),
            title=_("%(project)s %(version)s to %(environment)s")
            % {
                "project": release.project.name,
                "version": release.version,
                "environment": it.environment.name,
            },
            may_cancel=_may_cancel(person, it),
            may_again=may_again,
            may_keep_time=may_again and it.task is not None and offers.was_called_off(it.task),
            rollback=Deployment.objects.rollback_target(it) if may_again else None,
            following=self.following(),
            poll="deployments:deployment_steps",
        )

    def following(self) -> Environment | None:
        """Return where one click promotes to, for who may deploy there."""
        it, person = self.deployment, self.request.user
        if it.state != "Success" or not person.has_perm(DEPLOY):
            return None
        found = promotion.following(it.release, it.environment)
        return found if found and deployments.may_deploy_to(person, found) else None


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
            title=_("%(runbook)s in %(environment)s")
            % {"runbook": it.runbook.name, "environment": it.environment.name},
            may_cancel=_may_cancel(request.user, it),
            poll="deployments:runbook_run_steps",
        )


class RunbookRunSteps(RunbookRunView):
    def get(self, request: HttpRequest, runbook_run: int) -> HttpResponse:
        return _steps(request, self.run, "deployments:runbook_run_steps")


def _may_cancel(person: Any, run: Any) -> bool:
    return run.task is not None and offers.to(person, run.task).cancel


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
    permission_required = DEPLOY

    def act(self) -> tuple[str, Any]:
        it = self.deployment
        times = {}
        if SAME_TIME in self.request.POST and it.task is not None:
            names = ("queue_time", "queue_time_expiry")
            times = {name: getattr(it.task, name) for name in names}
        try:
            return self.deployed(it.release, **times)
        except queue.BadSchedule as refusal:
            raise Refused(str(refusal)) from refusal

    def deployed(self, release: Release, **times: Any) -> tuple[str, Any]:
        place = self.deployment.environment
        it = deployments.deploy(release, place, person=self.request.user, **times)
        return _("%(version)s is on its way to %(environment)s.") % {
            "version": release.version,
            "environment": it.environment.name,
        }, it

    def back(self) -> Any:
        return self.deployment


class RollBack(Redeploy):
    def act(self) -> tuple[str, Any]:
        target = Deployment.objects.rollback_target(self.deployment)
        if target is None:
            raise Refused(_("No other release succeeded here before."))
        return self.deployed(target.release)
