"""Say along which environments the releases of a project go, and what keeps one from the next.

A project uses the environments that its settings name, or all. One in which no step of a release
runs is passed over, so that a project without a Staging goes from Development to Production.
"""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from octoserver.deployments import snapshots
from octoserver.deployments.models import Deployment, Environment, Project, Release
from tasks.sentences import kept

NOT_YET = kept(
    gettext_noop("%(version)s must succeed in %(before)s before it goes to %(environment)s.")
)
UNUSED = kept(
    gettext_noop("%(project)s does not use %(environment)s: its settings say where it goes.")
)


def places(project: Project) -> list[Environment]:
    """Return the environments that a project uses, in their order."""
    return list(Environment.objects.used_by(project).in_order())


def way(release: Release) -> list[Environment]:
    """Return the environments that a release goes through, in their order."""
    steps = release.snapshot["steps"]
    return [place for place in places(release.project) if runs(steps, place)]


def runs(steps: Sequence[snapshots.Snapshot], place: Environment) -> bool:
    """Whether any of these steps runs in an environment."""
    return any(snapshots.applies(step["environments"], place.pk) for step in steps)


def following(release: Release, environment: Environment) -> Environment | None:
    """Return the environment that a release goes to next; None from the last."""
    later = [place for place in way(release) if _order(place) > _order(environment)]
    return later[0] if later else None


def why_not(release: Release, environment: Environment) -> str:
    """Return why a release may not enter an environment; nothing if it may."""
    project = release.project
    unused = why_unused(project, environment)
    if unused or not project.promotes_in_order:
        return unused
    earlier = [place for place in way(release) if _order(place) < _order(environment)]
    if not earlier:
        return ""
    successes = Deployment.objects.filter(release=release).successful()
    if successes.filter(environment__in=[earlier[-1], environment]).exists():
        return ""
    before = earlier[-1].name
    return _(NOT_YET) % {
        "version": release.version,
        "before": before,
        "environment": environment.name,
    }


def why_unused(project: Project, environment: Environment) -> str:
    """Return that a project does not use an environment, if so."""
    if Environment.objects.used_by(project).filter(pk=environment.pk).exists():
        return ""
    return _(UNUSED) % {
        "project": project.name,
        "environment": environment.name,
    }


def _order(place: Environment) -> tuple[int, int]:
    return place.position, place.pk
