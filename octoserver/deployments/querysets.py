"""The reads of deployments, as verbs that read like the domain."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

from tasks.states import RUNNING, State

if TYPE_CHECKING:
    from octoserver.deployments.models import (  # noqa: F401 named in strings
        Deployment,
        Environment,
        Project,
        Release,
        RunbookRun,
        Trigger,
    )

SUCCESS = "Success"


def _of_outer_project() -> dict[str, OuterRef]:
    """Say which project a row is of in words that PostgreSQL takes for rare.

    It knows how many rows a project has on the average only, and would look for the newest one of
    a project that sleeps among all rows from the newest on. The bounds let it use the index.
    """
    return {name: OuterRef("pk") for name in ("project", "project__gte", "project__lte")}


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    """Environments in their order."""

    def in_order(self) -> "EnvironmentQuerySet":
        return self.order_by("position", "pk")

    def used_by(self, project: "Project") -> "EnvironmentQuerySet":
        """Those that a project's settings name; all of them if they name none."""
        named = project.environments.order_by().values("pk")
        return self.filter(Q(pk__in=named) | ~Exists(named))


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Releases of a project, without the snapshot where it is not needed."""

    def newest(self) -> "ReleaseQuerySet":
        return self.select_related("project").defer("snapshot").order_by("-pk")

    def newest_of_each(self, projects: Sequence["Project"]) -> "ReleaseQuerySet":
        """The newest release of each of these projects, each found by an index."""
        newest = self.filter(**_of_outer_project()).order_by("-pk").values("pk")[:1]
        rows: Any = self.model._meta.get_field("project").related_model
        found = rows._default_manager.filter(pk__in=[project.pk for project in projects])
        pks = found.order_by().values_list(Subquery(newest), flat=True)
        return self.filter(pk__in=[pk for pk in pks if pk]).defer("snapshot")


class RunQuerySet(models.QuerySet[Any]):
    """Deployments, or runs of runbooks, by where their task stands."""

    def newest(self) -> "RunQuerySet":
        return self.with_task().order_by("-pk")

    def with_task(self) -> "RunQuerySet":
        return self.select_related("task", "environment", "trigger")

    def out_of_reach_of(self, person: Any) -> "RunQuerySet":
        """Those in environments that are limited to groups of which a person is in none."""
        place: Any = self.model._meta.get_field("environment").related_model
        limits = place.groups.through.objects.filter(environment=OuterRef("environment"))
        own = limits.filter(group__in=person.groups.order_by().values("pk"))
        return self.filter(Exists(limits), ~Exists(own))

    def unfinished(self) -> "RunQuerySet":
        return self.filter(task__state__in=(State.QUEUED, *RUNNING))

    def finished(self) -> "RunQuerySet":
        return self.exclude(task__state__in=(State.QUEUED, *RUNNING))

    def successful(self) -> "RunQuerySet":
        return self.filter(Q(task__state=SUCCESS) | Q(task__isnull=True, final_state=SUCCESS))


class DeploymentQuerySet(RunQuerySet):
    """Deployments."""

    def newest(self) -> "DeploymentQuerySet":
        return self.with_all().order_by("-pk")

    def with_all(self) -> "DeploymentQuerySet":
        return self.select_related("task", "environment", "trigger", "release__project").defer(
            "release__snapshot"
        )

    def newest_in_each(
        self, projects: Sequence["Project"], environments: Sequence["Environment"]
    ) -> "DeploymentQuerySet":
        """The newest deployment of each of these projects in each environment.

        Each is found by an index: to group the deployments would read all that there ever were.
        """
        here = self.filter(**_of_outer_project()).order_by("-pk").values("pk")
        newest = [Subquery(here.filter(environment=place.pk)[:1]) for place in environments]
        if not newest:
            return self.none()
        rows: Any = self.model._meta.get_field("project").related_model
        found = rows._default_manager.filter(pk__in=[project.pk for project in projects])
        pks = {pk for row in found.order_by().values_list(*newest) for pk in row if pk}
        return self.filter(pk__in=pks).with_all()

    def in_place_of(self, deployment: "Deployment") -> "DeploymentQuerySet":
        """Those of the same project in the same environment."""
        return self.filter(
            project=deployment.release.project_id, environment=deployment.environment_id
        )

    def rollback_target(self, deployment: "Deployment") -> "Deployment | None":
        """Return the last success of another release before ``deployment``, in the same place."""
        return (
            self.in_place_of(deployment)
            .successful()
            .filter(pk__lt=deployment.pk)
            .exclude(release=deployment.release_id)
            .newest()
            .first()
        )


class TriggerQuerySet(models.QuerySet["Trigger"]):
    """Triggers by when they fire."""

    def due(self, now: Any) -> "TriggerQuerySet":
        return self.filter(is_enabled=True, next_due__lte=now).order_by("next_due")

    def to_come(self, end: Any) -> "TriggerQuerySet":
        """Those that come due before ``end``; None is for ever."""
        coming = self.filter(is_enabled=True, next_due__isnull=False).order_by("next_due", "pk")
        return coming if end is None else coming.filter(next_due__lt=end)
