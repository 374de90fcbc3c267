"""The task kinds of deployments: deploy a release, run a runbook."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db import DatabaseError, connection
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from octoserver.deployments import deployments, running
from octoserver.deployments.models import Deployment, RunbookRun
from tasks import kinds
from tasks.execution import Execution
from tasks.models import ServerTask
from tasks.sections import Section
from tasks.sentences import kept

DEPLOY = kept(gettext_noop("Deploy %(project)s %(version)s to %(environment)s"))
RUN = kept(gettext_noop("Run %(runbook)s of %(project)s in %(environment)s"))
DEPLOYMENT_GONE = kept(gettext_noop("The deployment is there no longer: its project is gone."))
RUN_GONE = kept(gettext_noop("The run is there no longer: its runbook is gone."))


class RunForm(forms.Form):
    """Names one run that has no task yet: each is run once, and queued by its own pages."""

    model: Any = None

    def waiting(self, name: str) -> int:
        pk: int = self.cleaned_data[name]
        run = self.model.objects.filter(pk=pk).first()
        if run is None:
            raise forms.ValidationError(_("There is none of this number."))
        # Also one whose task was removed since.
        if run.task_id is not None or run.final_state:
            raise forms.ValidationError(
                _("%(run)s was queued already: deploy or run it anew."), params={"run": run.name}
            )
        return pk


class DeploymentForm(RunForm):
    model = Deployment
    deployment = forms.IntegerField(min_value=1)

    def clean_deployment(self) -> int:
        return self.waiting("deployment")


class RunbookRunForm(RunForm):
    model = RunbookRun
    runbook_run = forms.IntegerField(min_value=1)

    def clean_runbook_run(self) -> int:
        return self.waiting("runbook_run")


@kinds.register
class Deploy(kinds.TaskKind):
    """One deployment; a project in an environment has one at a time."""

    name = "Deploy"
    label = _("Deploy a release")
    permission = "deployments.add_deployment"
    is_offered = False
    form_class = DeploymentForm

    def description(self, arguments: Mapping[str, Any]) -> str:
        it = _deployment(arguments)
        release = it.release
        return DEPLOY % {
            "project": release.project.name,
            "version": release.version,
            "environment": it.environment.name,
        }

    def concurrency_key(self, arguments: Mapping[str, Any]) -> str | None:
        it = _deployment(arguments)
        return f"project:{it.release.project_id}:environment:{it.environment_id}"

    def sections(self, task: ServerTask) -> Sequence[Section]:
        return _sections(Deployment, task.argument("deployment"))

    def page(self, task: ServerTask) -> tuple[str, str] | None:
        return _page(Deployment, task.argument("deployment"))

    def withheld(self, person: Any, tasks: Sequence[ServerTask]) -> Mapping[int, str]:
        return deployments.withheld(Deployment.objects.all(), person, tasks)

    def execute(self, run: Execution) -> None:
        try:
            it = _deployment(run.arguments)
        except Deployment.DoesNotExist:
            raise kinds.Failure(DEPLOYMENT_GONE) from None
        facts = deployments.facts(it.release, it.environment)
        plan = running.Plan(
            snapshot=it.release.snapshot,
            environment=it.environment_id,
            facts=facts | {"Octopus.Deployment.Id": it.name},
            record=lambda progress: _record(run, Deployment, it.pk, progress),
        )
        running.carry_out(run, plan)


@kinds.register
class RunRunbook(kinds.TaskKind):
    """One run of a runbook; the same one runs once at a time in an environment."""

    name = "RunRunbook"
    label = _("Run a runbook")
    permission = "deployments.add_runbookrun"
    is_offered = False
    form_class = RunbookRunForm

    def description(self, arguments: Mapping[str, Any]) -> str:
        it = _runbook_run(arguments)
        return RUN % {
            "runbook": it.runbook.name,
            "project": it.runbook.project.name,
            "environment": it.environment.name,
        }

    def concurrency_key(self, arguments: Mapping[str, Any]) -> str | None:
        it = _runbook_run(arguments)
        return f"runbook:{it.runbook_id}:environment:{it.environment_id}"

    def sections(self, task: ServerTask) -> Sequence[Section]:
        return _sections(RunbookRun, task.argument("runbook_run"))

    def page(self, task: ServerTask) -> tuple[str, str] | None:
        return _page(RunbookRun, task.argument("runbook_run"))

    def withheld(self, person: Any, tasks: Sequence[ServerTask]) -> Mapping[int, str]:
        return deployments.withheld(RunbookRun.objects.all(), person, tasks)

    def execute(self, run: Execution) -> None:
        try:
            it = _runbook_run(run.arguments)
        except RunbookRun.DoesNotExist:
            raise kinds.Failure(RUN_GONE) from None
        plan = running.Plan(
            snapshot=it.snapshot,
            environment=it.environment_id,
            facts=deployments.runbook_facts(it.runbook, it.environment),
            record=lambda progress: _record(run, RunbookRun, it.pk, progress),
            runbook=it.runbook.name,
        )
        running.carry_out(run, plan)


def _deployment(arguments: Mapping[str, Any]) -> Deployment:
    rows = Deployment.objects.select_related("release__project", "environment")
    found: Deployment = rows.get(pk=arguments["deployment"])
    return found


def _runbook_run(arguments: Mapping[str, Any]) -> RunbookRun:
    rows = RunbookRun.objects.select_related("runbook__project", "environment")
    found: RunbookRun = rows.get(pk=arguments["runbook_run"])
    return found


def _page(model: Any, pk: int) -> tuple[str, str] | None:
    it = model.objects.filter(pk=pk).only("pk").first()
    return (it.name, it.get_absolute_url()) if it else None


def _sections(model: Any, pk: int) -> Sequence[Section]:
    progress = model.objects.filter(pk=pk).values_list("progress", flat=True).first()
    return [
        Section(
            name=entry["name"],
            state=entry["state"],
            first_line=entry.get("first_line"),
            last_line=entry.get("last_line"),
            seconds=entry.get("seconds"),
        )
        for entry in progress or []
    ]


def _record(run: Execution, model: Any, pk: int, progress: list[dict[str, Any]]) -> None:
    """Store how far a run came; what the pages show must not make the work fail."""
    try:
        model.objects.filter(pk=pk).update(progress=progress)
    except DatabaseError as error:
        connection.close()
        run.log.warning(f"The page of this run is not up to date: {type(error).__name__}.")
