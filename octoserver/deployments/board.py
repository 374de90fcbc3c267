"""Gather what the dashboard shows: the latest deployment in each place, and what may come next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from octoserver.deployments import deployments
from octoserver.deployments.models import Deployment, Environment, Project, Release, Step


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One project in one environment; ``offer`` is the release that one click would deploy."""

    environment: Environment
    deployment: Deployment | None
    offer: Release | None = None
    is_promotion: bool = False
    # Whether releases go there: the settings or the process may leave the environment out.
    is_used: bool = True

    @property
    def values(self) -> tuple[Any, ...]:
        """What the cell shows, to tell whether it changed."""
        it = self.deployment
        shown = (it.pk, it.state, it.completed_time) if it else None
        return shown, self.offer.pk if self.offer else None, self.is_promotion, self.is_used


@dataclass(frozen=True, kw_only=True)
class Row:
    project: Project
    latest: Release | None
    cells: Sequence[Cell]

    @property
    def values(self) -> tuple[Any, ...]:
        project = self.project
        latest = self.latest.version if self.latest else ""
        return project.pk, project.name, project.slug, latest, [each.values for each in self.cells]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """What was read for all rows at once."""

    environments: Sequence[Environment]
    # Where this person may deploy at all.
    open_to: Collection[int]
    used: Mapping[int, Collection[int]]
    latest: Mapping[int, Release]
    deployments: Mapping[tuple[int, int], Deployment]


def rows(projects: Sequence[Project], person: Any) -> list[Row]:
    """Return a row for each project, in a fixed number of queries."""
    environments = list(Environment.objects.in_order().prefetch_related("groups"))
    releases = Release.objects.newest_of_each(projects)
    newest = Deployment.objects.newest_in_each(projects, environments)
    found = _Found(
        environments=environments,
        open_to=_open_to(person, environments),
        used=_used(projects, environments),
        latest={release.project_id: release for release in releases},
        deployments={(each.release.project_id, each.environment_id): each for each in newest},
    )
    return [_row(project, found) for project in projects]


def _open_to(person: Any, environments: Sequence[Environment]) -> set[int]:
    if not person.has_perm("deployments.add_deployment"):
        return set()
    return {place.pk for place in deployments.open_to(person, environments)}


def _used(
    projects: Sequence[Project], environments: Sequence[Environment]
) -> dict[int, Collection[int]]:
    """Return, for each project, where its settings and its process of now let releases go."""
    named: dict[int, set[int]] = {}
    pairs = Project.environments.through.objects.filter(project__in=projects)
    for project, place in pairs.values_list("project_id", "environment_id"):
        named.setdefault(project, set()).add(place)
    scopes: dict[int, set[int | None]] = {}
    steps = Step.objects.filter(project__in=projects, runbook=None).order_by()
    for project, scope in steps.values_list("project_id", "environments").distinct():
        scopes.setdefault(project, set()).add(scope)
    everywhere = {place.pk for place in environments}
    return {
        project.pk: {
            place
            for place in named.get(project.pk) or everywhere
            if _runs(scopes.get(project.pk), place)
        }
        for project in projects
    }


def _runs(scopes: Collection[int | None] | None, place: int) -> bool:
    """Whether a process with steps of these scopes does anything there; None is everywhere."""
    return not scopes or None in scopes or place in scopes


def _row(project: Project, found: _Found) -> Row:
    cells: list[Cell] = []
    latest = coming = found.latest.get(project.pk)
    is_first = True
    for environment in found.environments:
        deployment = found.deployments.get((project.pk, environment.pk))
        if environment.pk not in found.used[project.pk]:
            cells.append(Cell(environment=environment, deployment=deployment, is_used=False))
            continue
        wanted = coming if environment.pk in found.open_to else None
        if wanted and deployment and deployment.release_id == wanted.pk and _is_settled(deployment):
            wanted = None
        cells.append(
            Cell(
                environment=environment,
                deployment=deployment,
                offer=wanted,
                is_promotion=not is_first,
            )
        )
        is_first = False
        if project.promotes_in_order:
            succeeded = deployment is not None and deployment.state == "Success"
            coming = deployment.release if deployment is not None and succeeded else None
    return Row(project=project, latest=latest, cells=cells)


def _is_settled(deployment: Deployment) -> bool:
    """Whether the release is there already, or on its way."""
    return deployment.state == "Success" or not deployment.is_completed
