"""The reads of deployments, as verbs that read like the domain."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Max, Q

from tasks.querysets import QUEUED, RUNNING

if TYPE_CHECKING:
    from octoserver.deployments.models import (  # noqa: F401 named in strings
        Deployment,
        Environment,
        Release,
        RunbookRun,
        Trigger,
    )

SUCCESS = "Success"


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    """Environments in their order."""

    def in_order(self) -> "EnvironmentQuerySet":
        return self.order_by("position", "pk")

    def before(self, environment: "Environment") -> "Environment | None":
        """Return the environment right before another; None for the first."""
        earlier = Q(position__lt=environment.position) | Q(
            position=environment.position, pk__lt=environment.pk
        )
        return self.filter(earlier).order_by("-position", "-pk").first()

    def after(self, environment: "Environment") -> "Environment | None":
        later = Q(position__gt=environment.position) | Q(
            position=environment.position, pk__gt=environment.pk
        )
        return self.filter(later).in_order().first()


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Releases of a project, without the snapshot where it is not needed."""

    def newest(self) -> "ReleaseQuerySet":
        return self.defer("snapshot").order_by("-pk")

    def newest_of_each(self) -> "ReleaseQuerySet":
        """The newest release of each project."""
        newest = self.order_by().values("project").annotate(newest=Max("pk")).values("newest")
        return self.filter(pk__in=newest).defer("snapshot")


class RunQuerySet(models.QuerySet[Any]):
    """Deployments, or runs of runbooks, by where their task stands."""

    def newest(self) -> "RunQuerySet":
        return self.with_task().order_by("-pk")

    def with_task(self) -> "RunQuerySet":
        return self.select_related("task", "environment")

    def unfinished(self) -> "RunQuerySet":
        return self.filter(task__state__in=(QUEUED, *RUNNING))

    def finished(self) -> "RunQuerySet":
        return self.exclude(task__state__in=(QUEUED, *RUNNING))

    def successful(self) -> "RunQuerySet":
        return self.filter(Q(task__state=SUCCESS) | Q(task__isnull=True, final_state=SUCCESS))


class DeploymentQuerySet(RunQuerySet):
    """Deployments."""

    def newest(self) -> "DeploymentQuerySet":
        return self.with_all().order_by("-pk")

    def with_all(self) -> "DeploymentQuerySet":
        return self.select_related("task", "environment", "release__project").defer(
            "release__snapshot"
        )

    def latest_of_each_place(self) -> "DeploymentQuerySet":
        """The newest deployment of each project in each environment."""
        newest = (
            self.order_by()
            .values("release__project", "environment")
            .annotate(newest=Max("pk"))
            .values("newest")
        )
        return self.filter(pk__in=newest).with_all()

    def in_place_of(self, deployment: "Deployment") -> "DeploymentQuerySet":
        """Those of the same project in the same environment."""
        return self.filter(
            release__project=deployment.release.project_id, environment=deployment.environment_id
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
