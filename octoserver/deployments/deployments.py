"""Queue deployments and runs of runbooks, and say what keeps one from being queued."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from octoserver.deployments import changes, history, promotion, resolving, snapshots
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import (
    Deployment,
    Environment,
    Project,
    Release,
    Runbook,
    RunbookRun,
    Trigger,
)
from octoserver.deployments.querysets import RunQuerySet
from octoserver.deployments.snapshots import Snapshot
from tasks import clock, queue
from tasks.models import ServerTask
from tasks.sentences import kept

OneRun = TypeVar("OneRun", Deployment, RunbookRun)
ADMINISTER_SYSTEM = "maintenance.administer_system"
NO_STEP = kept(gettext_noop("No step runs in %(environment)s."))
IN_STEP = kept(gettext_noop("In the step %(step)s: %(why)s"))


def deploy(
    release: Release,
    environment: Environment,
    *,
    person: Any,
    queue_time: datetime | None = None,
    queue_time_expiry: datetime | None = None,
    token: str | None = None,
    trigger: Trigger | None = None,
) -> Deployment:
    """Queue the deployment of a release to an environment, now or for later.

    Raises ``Refused``, ``PermissionDenied``, ``queue.BadSchedule`` and
    ``maintenance.gate.InMaintenanceMode``; then nothing was made.
    """
    with changes.by(person, "deployments.add_deployment"):
        _admit(person, environment)
        # Whoever deletes the project waits for this row, and then finds the deployment.
        Project.objects.select_for_update().get(pk=release.project_id)
        obstacle = promotion.why_not(release, environment)
        if obstacle:
            raise Refused(obstacle, field="environment")
        check(release.snapshot, environment, given=facts(release, environment))
        deployment = Deployment.objects.create(
            release=release,
            project_id=release.project_id,
            environment=environment,
            created=clock.now(),
            person_name=history.name_of(person),
            trigger=trigger,
        )
        task = queue.enqueue(
            "Deploy",
            {"deployment": deployment.pk},
            person=person,
            queue_time=queue_time,
            queue_time_expiry=queue_time_expiry,
            token=token,
        )
        return _joined(deployment, task, Deployment.objects)


def run_runbook(
    runbook: Runbook,
    environment: Environment,
    *,
    person: Any,
    queue_time: datetime | None = None,
    queue_time_expiry: datetime | None = None,
    token: str | None = None,
    trigger: Trigger | None = None,
) -> RunbookRun:
    """Queue a run of a runbook, by its process and variables of now. Raises as ``deploy``."""
    with changes.by(person, "deployments.add_runbookrun"):
        _admit(person, environment)
        Project.objects.select_for_update().get(pk=runbook.project_id)
        unused = promotion.why_unused(runbook.project, environment)
        if unused:
            raise Refused(unused, field="environment")
        snapshot = snapshots.of(runbook.project, runbook)
        given = runbook_facts(runbook, environment)
        check(snapshot, environment, given=given, runbook=runbook.name)
        run = RunbookRun.objects.create(
            runbook=runbook,
            environment=environment,
            snapshot=snapshot,
            created=clock.now(),
            person_name=history.name_of(person),
            trigger=trigger,
        )
        task = queue.enqueue(
            "RunRunbook",
            {"runbook_run": run.pk},
            person=person,
            queue_time=queue_time,
            queue_time_expiry=queue_time_expiry,
            token=token,
        )
        return _joined(run, task, RunbookRun.objects)


def may_deploy_to(person: Any, environment: Environment) -> bool:
    """Whether the groups of an environment let a person in; the permission is asked elsewhere."""
    return bool(open_to(person, [environment]))


def open_to(person: Any, environments: Iterable[Environment]) -> list[Environment]:
    """Return those of some environments whose groups let a person in, in one query for all."""
    if person is None or person.has_perm(ADMINISTER_SYSTEM):
        return list(environments)
    own = set(person.groups.values_list("pk", flat=True))
    limits = [(place, {group.pk for group in place.groups.all()}) for place in environments]
    return [place for place, groups in limits if not groups or groups & own]


def withheld(runs: RunQuerySet, person: Any, tasks: Iterable[ServerTask]) -> dict[int, str]:
    """Return why a person may not change the tasks of some runs, by the tasks' numbers.

    Who may not deploy to an environment may not stop, hurry or put off what others do there.
    """
    if person.has_perm(ADMINISTER_SYSTEM):
        return {}
    found = runs.filter(task__in=[task.pk for task in tasks]).out_of_reach_of(person)
    words = _("You may not deploy to %(environment)s.")
    return {
        pk: words % {"environment": name}
        for pk, name in found.values_list("task", "environment__name")
    }


def check(
    snapshot: Snapshot, environment: Environment, *, given: dict[str, str], runbook: str = ""
) -> None:
    """Raise ``Refused`` if nothing would run, or a variable of a step cannot be worked out."""
    steps = snapshots.steps_in(snapshot, environment.pk)
    if not steps:
        raise Refused(
            _(NO_STEP) % {"environment": environment.name},
            field="environment",
        )
    for step in steps:
        try:
            resolving.resolve(
                snapshot["variables"],
                environment=environment.pk,
                step=snapshots.path_of(step["name"], runbook),
                given=given | {"Octopus.Step.Name": step["name"]},
                reveal=True,
            )
        except resolving.BadReference as refusal:
            raise Refused(_(IN_STEP) % {"step": step["name"], "why": refusal}) from None


def facts(release: Release, environment: Environment) -> dict[str, str]:
    """Return what the server says to the steps of a deployment, as far as known before it."""
    return {
        "Octopus.Project.Name": release.project.name,
        "Octopus.Project.Slug": release.project.slug,
        "Octopus.Environment.Name": environment.name,
        "Octopus.Release.Number": release.version,
    }


def runbook_facts(runbook: Runbook, environment: Environment) -> dict[str, str]:
    return {
        "Octopus.Project.Name": runbook.project.name,
        "Octopus.Project.Slug": runbook.project.slug,
        "Octopus.Environment.Name": environment.name,
        "Octopus.Runbook.Name": runbook.name,
    }


def _admit(person: Any, environment: Environment) -> None:
    if not may_deploy_to(person, environment):
        raise PermissionDenied(
            _("You may not deploy to %(environment)s.") % {"environment": environment.name}
        )


def _joined(run: OneRun, task: ServerTask, runs: Any) -> OneRun:
    """Tie a run to its task; a form that was sent twice has its task, and its run, already."""
    first: OneRun | None = runs.filter(task=task).first()
    if first is not None:
        run.delete()
        return first
    run.task = task
    run.save(update_fields=["task"])
    return run
