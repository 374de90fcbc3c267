"""Gather what the dashboard shows: the latest deployment in each place, and what may come next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from octoserver.deployments import deployments
from octoserver.deployments.models import Deployment, Environment, Project, Release


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One project in one environment; ``offer`` is the release that one click would deploy."""

    environment: Environment
    deployment: Deployment | None
    offer: Release | None

    @property
    def is_promotion(self) -> bool:
        return self.offer is not None and self.environment.position > 0


@dataclass(frozen=True, kw_only=True)
class Row:
    project: Project
    latest: Release | None
    cells: Sequence[Cell]


def rows(projects: Sequence[Project], person: Any) -> list[Row]:
    """Return a row for each project, in a fixed number of queries."""
    environments = list(Environment.objects.in_order().prefetch_related("groups"))
    may = person.has_perm("deployments.add_deployment")
    open_to = {
        environment.pk
        for environment in environments
        if may and deployments.may_deploy_to(person, environment)
    }
    latest = {
        release.project_id: release
        for release in Release.objects.filter(project__in=projects).newest_of_each()
    }
    found = Deployment.objects.filter(release__project__in=projects).latest_of_each_place()
    at = {(each.release.project_id, each.environment_id): each for each in found}
    return [
        _row(project, environments, latest.get(project.pk), at, open_to) for project in projects
    ]


def _row(
    project: Project,
    environments: Sequence[Environment],
    latest: Release | None,
    at: dict[tuple[int, int], Deployment],
    open_to: set[int],
) -> Row:
    cells: list[Cell] = []
    coming = latest
    for environment in environments:
        deployment = at.get((project.pk, environment.pk))
        wanted = coming if environment.pk in open_to else None
        if wanted and deployment and deployment.release_id == wanted.pk and _is_settled(deployment):
            wanted = None
        cells.append(Cell(environment=environment, deployment=deployment, offer=wanted))
        if project.promotes_in_order:
            succeeded = deployment is not None and deployment.state == "Success"
            coming = deployment.release if deployment is not None and succeeded else None
    return Row(project=project, latest=latest, cells=cells)


def _is_settled(deployment: Deployment) -> bool:
    """Whether the release is there already, or on its way."""
    return deployment.state == "Success" or not deployment.is_completed
