"""Write what people changed, with before and after, in the transaction that changes it."""

from typing import Any

from octoserver.deployments.models import (
    Change,
    Environment,
    Project,
    Release,
    Runbook,
    Step,
    Trigger,
    Variable,
)
from tasks import clock
from tasks.masking import MASK

Fields = dict[str, Any]


def record(
    person: Any,
    what: str,
    *,
    project: Project | None,
    before: Fields | None = None,
    after: Fields | None = None,
) -> Change | None:
    """Write one change; nothing where nothing differs."""
    if before == after:
        return None
    return Change.objects.create(
        time=clock.now(),
        person=person,
        person_name=name_of(person),
        project=project if project is not None and project.pk else None,
        project_name=project.name if project else "",
        what=what[:200],
        before=before,
        after=after,
    )


def name_of(person: Any) -> str:
    return str(person.get_username()) if person is not None else ""


def of_environment(environment: Environment) -> Fields:
    return {
        "name": environment.name,
        "position": environment.position,
        "groups": sorted(group.name for group in environment.groups.all()),
    }


def of_project(project: Project) -> Fields:
    return {
        "name": project.name,
        "slug": project.slug,
        "description": project.description,
        "promotes_in_order": project.promotes_in_order,
    }


def of_step(step: Step) -> Fields:
    return {
        "name": step.name,
        "position": step.position,
        "shell": step.shell,
        "script": step.script,
        "time_limit": step.time_limit,
        "condition": step.condition,
        "retries": step.retries,
        "environments": _names(step.environments),
    }


def of_variable(variable: Variable) -> Fields:
    return {
        "name": variable.name,
        "value": MASK if variable.is_sensitive else variable.value,
        "is_sensitive": variable.is_sensitive,
        "environments": _names(variable.environments),
        "steps": _names(variable.steps),
    }


def of_runbook(runbook: Runbook) -> Fields:
    return {"name": runbook.name, "description": runbook.description}


def of_release(release: Release) -> Fields:
    """Return what a release says of itself, and which variables it holds, without their values."""
    variables = release.snapshot["variables"]
    return {
        "version": release.version,
        "notes": release.notes,
        "variables": sorted(
            f"{row['name']} = {MASK if row['is_sensitive'] else row['value']}" for row in variables
        ),
    }


def of_trigger(trigger: Trigger) -> Fields:
    return {
        "name": trigger.name,
        "cron": trigger.cron,
        "time_zone": trigger.time_zone,
        "environment": trigger.environment.name,
        "runbook": trigger.runbook.name if trigger.runbook else "",
        "is_enabled": trigger.is_enabled,
    }


def _names(rows: Any) -> list[str]:
    return sorted(row.name for row in rows.all())
