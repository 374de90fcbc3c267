"""Create, change, move and delete the steps of processes: the one module that does."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from octoserver.deployments import changes, history, names, projects, resolving
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project, Runbook, Step, Variable

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
    is_counted: bool = True,
) -> Step:
    """Store a new step, as the last one of its process, or change one. Raises ``Refused``.

    Who brings a whole process counts its steps: ``be_few`` does.
    """
    with changes.by(person):
        names.check("name", name)
        check_name(name)
        lock(step.project)
        siblings = of(step.project, step.runbook)
        before = history.of_step(Step.objects.get(pk=step.pk)) if step.pk else None
        if step.pk and before and before["name"] != name:
            _be_unused(step, before["name"])
        projects.be_free(Step, "name", name, but=step, project=step.project, runbook=step.runbook)
        if not step.pk:
            if is_counted:
                be_few(siblings.count() + 1)
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
        lock(step.project)
        rows = list(of(step.project, step.runbook))
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
        lock(step.project)
        step = Step.objects.select_related("project", "runbook").get(pk=step.pk)
        variable = step.variables.first()
        if variable:
            raise Refused(
                _("The variable %(variable)s is scoped to this step: change it first.")
                % {"variable": variable.name}
            )
        _be_unused(step, step.name)
        history.record(person, _what(step), project=step.project, before=history.of_step(step))
        step.delete()


def be_few(count: int) -> None:
    """Raise ``Refused`` for more steps than a process may have."""
    if count > MOST_STEPS:
        raise Refused(_("A process has %(most)s steps at most.") % {"most": MOST_STEPS})


def check_name(name: str) -> None:
    """Raise ``Refused`` for what would be read otherwise in a reference or a scope."""
    if set(name) & set("[]/#{}"):
        raise Refused(_("A step's name has no brackets, braces, slashes or #."), field="name")


def lock(project: Project) -> None:
    """Let one at a time change a process, and none while a release takes it down.

    A release reads the process by several statements: a change between them would be half in it.
    """
    Project.objects.select_for_update().get(pk=project.pk)


def _be_unused(step: Step, name: str) -> None:
    """Raise ``Refused`` if a variable refers to an output of a step that loses its name."""
    same = Step.objects.filter(project=step.project, name=name).exclude(pk=step.pk)
    if same.exists():
        return
    for variable in Variable.objects.filter(project=step.project, is_sensitive=False):
        if name in map(resolving.step_of, resolving.references(variable.value)):
            raise Refused(
                _("The variable %(variable)s refers to an output of %(name)s: change that first.")
                % {"variable": variable.name, "name": name},
                field="name",
            )


def of(project: Project, runbook: Runbook | None) -> Any:
    """Return the steps of a project's own process, or of a runbook's."""
    return Step.objects.filter(project=project, runbook=runbook)


def _what(step: Step) -> str:
    if step.runbook:
        return history.RUNBOOK_STEP % {"name": step.name, "runbook": step.runbook.name}
    return history.STEP % {"name": step.name}
