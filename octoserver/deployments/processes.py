"""Create, change, move and delete the steps of processes: the one module that does."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Max

from octoserver.deployments import changes, history, projects
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Runbook, Step

MOST_STEPS = 200


def save(
    step: Step,
    *,
    person: Any,
    name: str,
    shell: str,
    script: str,
    time_limit: int,
    condition: str,
    retries: int,
    environments: Iterable[Environment] = (),
) -> Step:
    """Store a new step, as the last one of its process, or change one. Raises ``Refused``."""
    with changes.by(person):
        siblings = of(step.project, step.runbook)
        before = history.of_step(Step.objects.get(pk=step.pk)) if step.pk else None
        projects.be_free(Step, "name", name, but=step, project=step.project, runbook=step.runbook)
        if not step.pk:
            if siblings.count() >= MOST_STEPS:
                raise Refused(f"A process has {MOST_STEPS} steps at most.")
            last = siblings.aggregate(last=Max("position"))["last"]
            step.position = 0 if last is None else last + 1
        step.name, step.shell, step.script = name, shell, script
        step.time_limit, step.condition, step.retries = time_limit, condition, retries
        projects.store(step)
        step.environments.set(environments)
        after = history.of_step(Step.objects.get(pk=step.pk))
        history.record(person, _what(step), project=step.project, before=before, after=after)
    return step


def move(step: Step, *, person: Any, up: bool) -> bool:
    """Change places with the neighbour; False where there is none."""
    with changes.by(person):
        rows = list(of(step.project, step.runbook).select_for_update())
        if not projects.swap(rows, step, up=up):
            return False
        history.record(
            person,
            "Order of steps",
            project=step.project,
            before={"order": [row.name for row in of(step.project, step.runbook)]},
            after={"order": [row.name for row in rows]},
        )
        projects.renumber(rows)
    return True


def delete(step: Step, *, person: Any) -> None:
    """Delete a step. Raises ``Refused`` if a variable's scope would lose its last step by it."""
    with changes.by(person):
        variable = step.variables.first()
        if variable:
            raise Refused(f"The variable {variable.name} is scoped to this step: change it first.")
        history.record(person, _what(step), project=step.project, before=history.of_step(step))
        step.delete()


def of(project: Project, runbook: Runbook | None) -> Any:
    """Return the steps of a project's own process, or of a runbook's."""
    return Step.objects.filter(project=project, runbook=runbook)


def _what(step: Step) -> str:
    return f"Step {step.name}" + (f" of {step.runbook.name}" if step.runbook else "")
