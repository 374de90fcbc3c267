"""Create, change and delete projects, environments and runbooks: the one module that does."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Max, Model
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from octoserver.deployments import changes, deployments, history, names
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import (
    Deployment,
    Environment,
    Project,
    Runbook,
    RunbookRun,
    Trigger,
)

Row = TypeVar("Row", bound=Model)
SLUG = re.compile(r"[a-z0-9_-]{1,60}", re.ASCII)
# The first parts of the other addresses below /projects/.
TAKEN_SLUGS = frozenset({"new", "environments", "deployments", "runs"})


def save(
    project: Project,
    *,
    person: Any,
    name: str,
    slug: str,
    description: str = "",
    promotes_in_order: bool = True,
    environments: Iterable[Environment] = (),
) -> Project:
    """Store a new project, or change one; it uses all environments if none are given.

    Raises ``Refused``.
    """
    permission = "deployments.change_project" if project.pk else "deployments.add_project"
    with changes.by(person, permission):
        before = history.of_project(_held(project)) if project.pk else None
        names.check("name", name)
        check_slug(slug)
        be_free(Project, "name", name, but=project)
        be_free(Project, "slug", slug, but=project)
        project.name, project.slug = name, slug
        project.description, project.promotes_in_order = description, promotes_in_order
        store(project)
        project.environments.set(environments)
        history.record(
            person,
            history.PROJECT % {"name": name},
            project=project,
            before=before,
            after=history.of_project(project),
        )
    return project


def check_slug(slug: str) -> None:
    """Raise ``Refused`` for what cannot stand in an address, or is another page's."""
    if not SLUG.fullmatch(slug):
        raise Refused(
            _("A slug is made of small letters, digits and dashes, 60 at most."), field="slug"
        )
    if slug in TAKEN_SLUGS:
        raise Refused(_("“%(slug)s” is the name of another page.") % {"slug": slug}, field="slug")


def delete(project: Project, *, person: Any) -> None:
    """Delete a project with all that belongs to it; its tasks and their logs stay.

    Raises ``Refused`` while anything of it runs or waits.
    """
    with changes.by(person, "deployments.delete_project"):
        # Whoever queues a deployment holds this row, so none can come in between.
        Project.objects.select_for_update().get(pk=project.pk)
        busy = _unfinished(project)
        if busy:
            words = ngettext(
                "%(project)s cannot be deleted while %(busy)s is not completed:"
                " cancel first, or wait.",
                "%(project)s cannot be deleted while %(busy)s are not completed:"
                " cancel first, or wait.",
                len(busy),
            )
            raise Refused(words % {"project": project.name, "busy": ", ".join(busy)})
        history.record(
            person,
            history.PROJECT % {"name": project.name},
            project=project,
            before=history.of_project(project),
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
        before = history.of_environment(_held(environment)) if environment.pk else None
        groups = list(groups)
        _may_limit(environment, groups, person=person)
        names.check("name", name)
        be_free(Environment, "name", name, but=environment)
        environment.name = name
        if not environment.pk:
            last = Environment.objects.aggregate(last=Max("position"))["last"]
            environment.position = 0 if last is None else last + 1
        store(environment)
        environment.groups.set(groups)
        after = history.of_environment(Environment.objects.get(pk=environment.pk))
        history.record(
            person, history.ENVIRONMENT % {"name": name}, project=None, before=before, after=after
        )
    return environment


def _held(row: Row) -> Row:
    """Return a row as it is stored, which nobody deletes before this change is done.

    One that is gone would otherwise be stored anew.
    """
    found: Row = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
    return found


def _may_limit(environment: Environment, groups: list[Group], *, person: Any) -> None:
    """Raise ``Refused`` if somebody who may not deploy there would say who may."""
    if not environment.pk:
        return
    is_other = set(groups) != set(environment.groups.all())
    if is_other and not deployments.may_deploy_to(person, environment):
        raise Refused(
            _("Only who may deploy to %(environment)s can change who may.")
            % {"environment": environment.name},
            field="groups",
        )


def move_environment(environment: Environment, *, person: Any, up: bool) -> bool:
    """Change places with the neighbour; False where there is none."""
    with changes.by(person, "deployments.change_environment"):
        rows = list(Environment.objects.select_for_update().in_order())
        if not swap(rows, environment, up=up):
            return False
        history.record(
            person,
            history.ORDER,
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
        # Nobody can put it into a scope from here on, which would be gone with it.
        Environment.objects.select_for_update().get(pk=environment.pk)
        scoped: list[Any] = [
            *environment.steps.select_related("project")[:3],
            *environment.variables.select_related("project")[:3],
        ]
        named = Project.objects.filter(environments=environment)[:3]
        if named:
            found = ", ".join(project.name for project in named)
            raise Refused(
                _("%(environment)s is named in the settings of %(found)s.")
                % {"environment": environment.name, "found": found}
            )
        if scoped:
            users = ", ".join(
                _("%(name)s of %(project)s") % {"name": row.name, "project": row.project.name}
                for row in scoped
            )
            raise Refused(
                _("%(environment)s is in the scope of %(users)s: change that first.")
                % {"environment": environment.name, "users": users}
            )
        before = history.of_environment(environment)
        name = environment.name
        if environment.groups.exists() and not deployments.may_deploy_to(person, environment):
            raise Refused(_("Only who may deploy to %(name)s can delete it.") % {"name": name})
        # Django would read all of them to refuse the same.
        if any(
            model._default_manager.filter(environment=environment).exists()
            for model in (Deployment, RunbookRun, Trigger)
        ):
            raise Refused(
                _("%(name)s has deployments, runs or triggers, whose record would be lost.")
                % {"name": name}
            )
        environment.delete()
        history.record(person, history.ENVIRONMENT % {"name": name}, project=None, before=before)


def save_runbook(runbook: Runbook, *, person: Any, name: str, description: str = "") -> Runbook:
    """Store a new runbook of ``runbook.project``, or change one. Raises ``Refused``."""
    with changes.by(person):
        Project.objects.select_for_update().get(pk=runbook.project_id)
        before = history.of_runbook(Runbook.objects.get(pk=runbook.pk)) if runbook.pk else None
        names.check("name", name)
        be_free(Runbook, "name", name, but=runbook, project=runbook.project)
        runbook.name, runbook.description = name, description
        store(runbook)
        history.record(
            person,
            history.RUNBOOK % {"name": name},
            project=runbook.project,
            before=before,
            after=history.of_runbook(runbook),
        )
    return runbook


def delete_runbook(runbook: Runbook, *, person: Any) -> None:
    """Delete a runbook with its steps, triggers and runs. Raises ``Refused`` while it runs."""
    with changes.by(person):
        Project.objects.select_for_update().get(pk=runbook.project_id)
        runbook = Runbook.objects.select_related("project").get(pk=runbook.pk)
        if RunbookRun.objects.filter(runbook=runbook).unfinished().exists():
            raise Refused(
                _("%(runbook)s is running or queued: cancel it first, or wait.")
                % {"runbook": runbook.name}
            )
        scoped = runbook.steps.filter(variables__isnull=False).first()
        if scoped:
            raise Refused(
                _("A variable is scoped to the step %(scoped)s: change that first.")
                % {"scoped": scoped.name}
            )
        before = history.of_runbook(runbook)
        history.record(
            person, history.RUNBOOK % {"name": runbook.name}, project=runbook.project, before=before
        )
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
        raise Refused(_("There is already one called “%(value)s”.") % {"value": value}, field=field)


def store(row: Model) -> None:
    """Save a row; somebody else may take its name at this very moment."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Refused(_("Somebody else has just taken this name."), field="name") from None
