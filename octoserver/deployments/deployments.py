"""Queue deployments and runs of runbooks, and say what keeps one from being queued."""

from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied

from octoserver.deployments import changes, history, resolving, snapshots
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
from octoserver.deployments.snapshots import Snapshot
from tasks import clock, queue
from tasks.models import ServerTask

OneRun = TypeVar("OneRun", Deployment, RunbookRun)
ADMINISTER_SYSTEM = "maintenance.administer_system"


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
        obstacle = why_not(release, environment)
        if obstacle:
            raise Refused(obstacle, field="environment")
        check(release.snapshot, environment, given=facts(release, environment))
        deployment = Deployment.objects.create(
            release=release,
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
    if person is None or person.has_perm(ADMINISTER_SYSTEM):
        return True
    limits = {group.pk for group in environment.groups.all()}
    return not limits or bool(limits & set(person.groups.values_list("pk", flat=True)))


def why_not(release: Release, environment: Environment) -> str:
    """Return why the lifecycle keeps a release from an environment; nothing if it does not."""
    if not release.project.promotes_in_order:
        return ""
    before = Environment.objects.before(environment)
    successes = Deployment.objects.filter(release=release).successful()
    if before is None or successes.filter(environment__in=[before, environment]).exists():
        return ""
    return f"{release.version} must succeed in {before.name} before it goes to {environment.name}."


def check(
    snapshot: Snapshot, environment: Environment, *, given: dict[str, str], runbook: str = ""
) -> None:
    """Raise ``Refused`` if nothing would run, or a variable of a step cannot be worked out."""
    steps = snapshots.steps_in(snapshot, environment.pk)
    if not steps:
        raise Refused(f"No step runs in {environment.name}.", field="environment")
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
            raise Refused(f"In the step {step['name']}: {refusal}") from None


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
        raise PermissionDenied(f"You may not deploy to {environment.name}.")


def _joined(run: OneRun, task: ServerTask, runs: Any) -> OneRun:
    """Tie a run to its task; a form that was sent twice has its task, and its run, already."""
    first: OneRun | None = runs.filter(task=task).first()
    if first is not None:
        run.delete()
        return first
    run.task = task
    run.save(update_fields=["task"])
    return run
