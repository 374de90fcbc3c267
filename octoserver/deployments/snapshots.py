"""Take a process and its variables down as they are at a moment, as plain data.

Variables are resolved and steps are run from snapshots only, so that what a page foretells is what
a deployment does. Sensitive values stay sealed in them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from octoserver.deployments.models import Project, Runbook, Step, Variable

FORMAT = 1
Snapshot = dict[str, Any]


def of(project: Project, runbook: Runbook | None = None) -> Snapshot:
    """Return the project's process, or a runbook's, with the project's variables."""
    steps = Step.objects.filter(project=project, runbook=runbook)
    return {
        "format": FORMAT,
        "steps": [of_step(step) for step in steps.prefetch_related("environments")],
        "variables": of_variables(project),
    }


def of_variables(project: Project) -> list[dict[str, Any]]:
    variables = Variable.objects.filter(project=project)
    return [
        of_variable(variable)
        for variable in variables.prefetch_related("environments", "steps__runbook")
    ]


def of_step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "shell": step.shell,
        "script": step.script,
        "time_limit": step.time_limit,
        "condition": step.condition,
        "retries": step.retries,
        "environments": sorted(environment.pk for environment in step.environments.all()),
    }


def of_variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "value": variable.value,
        "is_sensitive": variable.is_sensitive,
        "environments": sorted(environment.pk for environment in variable.environments.all()),
        "steps": sorted(map(step_path, variable.steps.all())),
    }


def step_path(step: Step) -> str:
    """Name a step across all processes of its project."""
    return f"{step.runbook.name}/{step.name}" if step.runbook else step.name


def path_of(name: str, runbook: str) -> str:
    return f"{runbook}/{name}" if runbook else name


def steps_in(snapshot: Snapshot, environment: int) -> list[dict[str, Any]]:
    """Return the steps that run in an environment, in order."""
    return [step for step in snapshot["steps"] if applies(step["environments"], environment)]


def applies(scope: Sequence[Any], one: Any) -> bool:
    """Whether a scope, empty for everywhere, holds one."""
    return not scope or one in scope


def sealed(snapshot: Snapshot) -> Iterable[str]:
    """Return every sealed value that is set."""
    return [row["value"] for row in snapshot["variables"] if row["is_sensitive"] and row["value"]]
