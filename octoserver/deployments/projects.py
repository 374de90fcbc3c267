"""Create, change and delete projects, environments and runbooks: the one module that does."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Max, Model, ProtectedError

from octoserver.deployments import changes, history
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Deployment, Environment, Project, Runbook, RunbookRun


def save(
    project: Project,
    *,
    person: Any,
    name: str,
    slug: str,
    description: str = "",
    promotes_in_order: bool = True,
) -> Project:
    """Store a new project, or change one. Raises ``Refused``."""
    permission = "deployments.change_project" if project.pk else "deployments.add_project"
    with changes.by(person, permission):
        before = history.of_project(Project.objects.get(pk=project.pk)) if project.pk else None
        be_free(Project, "name", name, but=project)
        be_free(Project, "slug", slug, but=project)
        project.name, project.slug = name, slug
        project.description, project.promotes_in_order = description, promotes_in_order
        store(project)
        history.record(
            person,
            f"Project {name}",
            project=project,
            before=before,
            after=history.of_project(project),
        )
    return project


def delete(project: Project, *, person: Any) -> None:
    """Delete a project with all that belongs to it; its tasks and their logs stay.

    Raises ``Refused`` while anything of it runs or waits.
    """
    with changes.by(person, "deployments.delete_project"):
        # Whoever queues a deployment holds this row, so none can come in between.
        Project.objects.select_for_update().get(pk=project.pk)
        busy = _unfinished(project)
        if busy:
            raise Refused(
                f"{project.name} cannot be deleted while {', '.join(busy)} "
                f"{'is' if len(busy) == 1 else 'are'} not completed: cancel first, or wait."
            )
        history.record(
            person, f"Project {project.name}", project=project, before=history.of_project(project)
        )
        project.delete()


def _unfinished(project: Project) -> list[str]:
    deployments = Deployment.objects.filter(release__project=project).unfinished()
    runs = RunbookRun.objects.filter(runbook__project=project).unfinished()
    tasks = [run.task for run in [*deployments.with_task()[:5], *runs.with_task()[:5]]]
    return [task.name for task in tasks if task]


def save_environment(
    environment: Environment, *, person: Any, name: str, groups: Iterable[Group] = ()
) -> Environment:
    """Store a new environment, as the last one, or change one. Raises ``Refused``."""
    kind = "change" if environment.pk else "add"
    with changes.by(person, f"deployments.{kind}_environment"):
        before = history.of_environment(environment) if environment.pk else None
        be_free(Environment, "name", name, but=environment)
        environment.name = name
        if not environment.pk:
            last = Environment.objects.aggregate(last=Max("position"))["last"]
            environment.position = 0 if last is None else last + 1
        store(environment)
        environment.groups.set(groups)
        after = history.of_environment(Environment.objects.get(pk=environment.pk))
        history.record(person, f"Environment {name}", project=None, before=before, after=after)
    return environment


def move_environment(environment: Environment, *, person: Any, up: bool) -> bool:
    """Change places with the neighbour; False where there is none."""
    with changes.by(person, "deployments.change_environment"):
        rows = list(Environment.objects.select_for_update().in_order())
        if not swap(rows, environment, up=up):
            return False
        history.record(
            person,
            "Order of environments",
            project=None,
            before={"order": [row.name for row in Environment.objects.in_order()]},
            after={"order": [row.name for row in rows]},
        )
        renumber(rows)
    return True


def delete_environment(environment: Environment, *, person: Any) -> None:
    """Delete an environment that nothing needs. Raises ``Refused``.

    A step or variable that is scoped to it alone would otherwise suddenly hold everywhere.
    """
    with changes.by(person, "deployments.delete_environment"):
        scoped: list[Any] = [
            *environment.steps.select_related("project")[:3],
            *environment.variables.select_related("project")[:3],
        ]
        if scoped:
            users = ", ".join(f"{row.name} of {row.project.name}" for row in scoped)
            raise Refused(f"{environment.name} is in the scope of {users}: change that first.")
        before = history.of_environment(environment)
        name = environment.name
        try:
            with transaction.atomic():
                environment.delete()
        except ProtectedError:
            raise Refused(
                f"{name} has deployments, runs or triggers, whose record would be lost."
            ) from None
        history.record(person, f"Environment {name}", project=None, before=before)


def save_runbook(runbook: Runbook, *, person: Any, name: str, description: str = "") -> Runbook:
    """Store a new runbook of ``runbook.project``, or change one. Raises ``Refused``."""
    with changes.by(person):
        before = history.of_runbook(Runbook.objects.get(pk=runbook.pk)) if runbook.pk else None
        be_free(Runbook, "name", name, but=runbook, project=runbook.project)
        runbook.name, runbook.description = name, description
        store(runbook)
        history.record(
            person,
            f"Runbook {name}",
            project=runbook.project,
            before=before,
            after=history.of_runbook(runbook),
        )
    return runbook


def delete_runbook(runbook: Runbook, *, person: Any) -> None:
    """Delete a runbook with its steps, triggers and runs. Raises ``Refused`` while it runs."""
    with changes.by(person):
        Project.objects.select_for_update().get(pk=runbook.project_id)
        if RunbookRun.objects.filter(runbook=runbook).unfinished().exists():
            raise Refused(f"{runbook.name} is running or queued: cancel it first, or wait.")
        scoped = runbook.steps.filter(variables__isnull=False).first()
        if scoped:
            raise Refused(f"A variable is scoped to the step {scoped.name}: change that first.")
        before = history.of_runbook(runbook)
        history.record(person, f"Runbook {runbook.name}", project=runbook.project, before=before)
        runbook.delete()


def renumber(rows: Iterable[Any]) -> None:
    """Store the order of rows that have a position."""
    for position, row in enumerate(rows):
        if row.position != position:
            type(row)._default_manager.filter(pk=row.pk).update(position=position)


def swap(rows: list[Any], row: Any, *, up: bool) -> bool:
    index = next((index for index, one in enumerate(rows) if one.pk == row.pk), None)
    if index is None:
        return False
    other = index - 1 if up else index + 1
    if not 0 <= other < len(rows):
        return False
    rows[index], rows[other] = rows[other], rows[index]
    return True


def be_free(model: type[Model], field: str, value: str, *, but: Model, **scope: Any) -> None:
    """Raise ``Refused`` if another row has the value already, in whatever capitals."""
    others = model._default_manager.filter(**{f"{field}__iexact": value}, **scope)
    if others.exclude(pk=but.pk).exists():
        raise Refused(f"There is already one called “{value}”.", field=field)


def store(row: Model) -> None:
    """Save a row; somebody else may take its name at this very moment."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused("Somebody else has just taken this name.", field="name") from None
