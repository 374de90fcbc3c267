"""Make projects and what belongs to them, by the writers that the pages call."""

from typing import Any

from django.utils import timezone

from octoserver.deployments import (
    deployments,
    processes,
    projects,
    releases,
    triggers,
    variables,
)
from octoserver.deployments.models import (
    Environment,
    Project,
    Release,
    Runbook,
    Step,
    Trigger,
    Variable,
)
from tasks.models import ServerTask, State

MODELS = (
    "environment",
    "project",
    "runbook",
    "step",
    "variable",
    "release",
    "deployment",
    "runbookrun",
    "trigger",
    "change",
)


def environment(name: str = "Development", **fields: Any) -> Environment:
    return projects.save_environment(Environment(), person=None, name=name, **fields)


def project(name: str = "Shop", **fields: Any) -> Project:
    return projects.save(Project(), person=None, name=name, slug=name.lower(), **fields)


def step(of: Project, name: str = "Build", script: str = "echo built", **fields: Any) -> Step:
    values = {"shell": "sh", "time_limit": 30, "condition": "success", "retries": 0} | fields
    runbook = values.pop("runbook", None)
    return processes.save(
        Step(project=of, runbook=runbook), person=None, name=name, script=script, **values
    )


def variable(of: Project, name: str, value: str, **fields: Any) -> Variable:
    values = {"is_sensitive": False} | fields
    return variables.save(Variable(project=of), person=None, name=name, value=value, **values)


def release(of: Project, version: str = "1.0.0") -> Release:
    return releases.create(of, person=None, version=version)


def runbook(of: Project, name: str = "Clean up") -> Runbook:
    return projects.save_runbook(Runbook(project=of), person=None, name=name)


def trigger(of: Project, place: Environment, name: str = "Nightly", **fields: Any) -> Trigger:
    values = {"cron": "0 2 * * *", "time_zone": "UTC"} | fields
    return triggers.save(Trigger(project=of), person=None, name=name, environment=place, **values)


def complete(task: ServerTask | None, state: str = State.SUCCESS) -> None:
    """Let a task have ended, as its worker would."""
    assert task is not None
    ServerTask.objects.filter(pk=task.pk).update(state=state, completed_time=timezone.now())
    task.refresh_from_db()


def one_of_each() -> dict[str, int | str]:
    """Make a row of each model; return their ids, and the words of addresses that name them."""
    place, it = environment(), project()
    first = step(it)
    value = variable(it, "Greeting", "hello")
    version = release(it)
    chore = runbook(it)
    step(it, "Sweep", runbook=chore)
    deployment = deployments.deploy(version, place, person=None)
    run = deployments.run_runbook(chore, place, person=None)
    complete(deployment.task)
    complete(run.task)
    beat = trigger(it, place)
    change = it.changes.first()
    assert change is not None
    made = (place, it, chore, first, value, version, deployment, run, beat, change)
    ids = {f"deployments/{model}": row.pk for model, row in zip(MODELS, made, strict=True)}
    return {
        **ids,
        "project": it.slug,
        "version": version.version,
        "environment": place.pk,
        "step": first.pk,
        "variable": value.pk,
        "runbook": chore.pk,
        "trigger": beat.pk,
        "deployment": deployment.pk,
        "runbook_run": run.pk,
    }
