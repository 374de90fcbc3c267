"""Write what people changed, with before and after, in the transaction that changes it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

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
from tasks.sentences import kept

Fields = dict[str, Any]

# What was changed.
ENVIRONMENT = kept(_("Environment %(name)s"))
ORDER = kept(_("Order of environments"))
PROJECT = kept(_("Project %(name)s"))
RELEASE = kept(_("Release %(version)s"))
RELEASE_VARIABLES = kept(_("Variables of release %(version)s"))
RUNBOOK = kept(_("Runbook %(name)s"))
STEP = kept(_("Step %(name)s"))
RUNBOOK_STEP = kept(_("Step %(name)s of %(runbook)s"))
TRIGGER = kept(_("Trigger %(name)s"))
VARIABLE = kept(_("Variable %(name)s"))
VARIABLES = kept(_("Variables"))


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
        "environments": [place.name for place in project.environments.in_order()],
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
    return {
        "version": release.version,
        "notes": release.notes,
        "variables": of_variables(release.snapshot["variables"]),
    }


def of_variables(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each variable of a snapshot, with its scope and no sensitive value."""
    places = dict(Environment.objects.values_list("pk", "name"))
    return sorted(_line(row, places) for row in rows)


def _line(row: Mapping[str, Any], places: Mapping[int, str]) -> str:
    scope = [*(places.get(pk, "?") for pk in row["environments"]), *row["steps"]]
    value = MASK if row["is_sensitive"] else row["value"]
    return f"{row['name']} = {value}" + (f" ({', '.join(scope)})" if scope else "")


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
