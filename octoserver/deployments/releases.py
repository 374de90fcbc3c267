"""Create releases and renew their variables: the one module that does."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from octoserver.deployments import changes, history, semver, snapshots
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Project, Release
from tasks import clock

FIRST = "0.0.1"
# As many releases, the newest, are asked for the highest version.
LOOKED_AT = 200


def create(project: Project, *, person: Any, version: str, notes: str = "") -> Release:
    """Take the process and the variables down as they are now. Raises ``Refused``."""
    try:
        semver.parse(version)
    except semver.NotAVersion as refusal:
        raise Refused(str(refusal), field="version") from None
    with changes.by(person, "deployments.add_release"):
        Project.objects.select_for_update().get(pk=project.pk)
        snapshot = snapshots.of(project)
        if not snapshot["steps"]:
            raise Refused(_("The process has no step yet, so there is nothing to release."))
        if Release.objects.filter(project=project, version=version).exists():
            raise Refused(
                _("There is already a release %(version)s.") % {"version": version}, field="version"
            )
        release = Release(
            project=project,
            version=version,
            notes=notes,
            snapshot=snapshot,
            created=clock.now(),
            person=person,
            person_name=history.name_of(person),
        )
        try:
            with transaction.atomic():
                release.save(force_insert=True)
        except IntegrityError:
            raise Refused(
                _("There is already a release %(version)s.") % {"version": version}, field="version"
            ) from None
        history.record(
            person,
            history.RELEASE % {"version": version},
            project=project,
            after=history.of_release(release),
        )
    return release


def update_variables(release: Release, *, person: Any) -> Release:
    """Put the project's variables of now into the snapshot; its process stays."""
    with changes.by(person, "deployments.change_release"):
        # As who changes a variable has it: half of a change would be taken down otherwise.
        Project.objects.select_for_update().get(pk=release.project_id)
        row = Release.objects.select_for_update().select_related("project").get(pk=release.pk)
        before = history.of_release(row)
        row.snapshot = {**row.snapshot, "variables": snapshots.of_variables(row.project)}
        row.variables_updated = clock.now()
        row.save(update_fields=["snapshot", "variables_updated"])
        history.record(
            person,
            history.RELEASE_VARIABLES % {"version": row.version},
            project=row.project,
            before=before | {"variables_updated": str(release.variables_updated or "")},
            after=history.of_release(row) | {"variables_updated": str(row.variables_updated)},
        )
    return row


def suggested(project: Project) -> str:
    """Return the version that would come next."""
    newest = Release.objects.filter(project=project).order_by("-pk")
    texts = newest.values_list("version", flat=True)[:LOOKED_AT]
    versions = [semver.parse(text) for text in texts]
    return max(versions).next if versions else FIRST
