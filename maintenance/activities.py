"""What a window is for: the advice that Octopus Deploy gives for it, and a checklist of steps.

The advice follows Octopus Deploy's documentation on maintenance mode and on upgrading: a cluster
is patched node by node by draining, without the mode; a patch upgrade keeps the database; a minor
or major upgrade changes it, so every node stops; a move takes the master key along.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_noop as _

from maintenance.models import Activity

BACKUP = _("Back up the database, and note where the backup is")
STOP = _("Stop the server once the Maintenance page says that you may")
VERIFY = _("Sign in, look at Tasks, and run a small task to the end")
OFF = _("Turn maintenance mode off")


@dataclass(frozen=True)
class Plan:
    """Advice for an activity, and its steps in order."""

    advice: str
    steps: tuple[str, ...]


PLANS: dict[str, Plan] = {
    Activity.OS_PATCHES: Plan(
        _(
            "In a cluster, maintenance mode is not needed: drain one node, wait until it runs"
            " nothing, patch and restart it, let it take work again, then go on with the next. A"
            " single server needs a window, as it is away while it restarts."
        ),
        (
            _("Wait until the server is idle"),
            STOP,
            _("Install the patches and restart the machine"),
            _("Start the server"),
            VERIFY,
            OFF,
        ),
    ),
    Activity.PATCH_UPGRADE: Plan(
        _(
            "A patch upgrade changes no database. In a cluster, stop and upgrade one node after"
            " another within the window; all of them before the mode is turned off."
        ),
        (
            BACKUP,
            _("Wait until the server is idle"),
            STOP,
            _("Install the new version on every node"),
            _("Start the server"),
            VERIFY,
            OFF,
        ),
    ),
    Activity.UPGRADE: Plan(
        _(
            "A minor or major upgrade changes the database, and two versions must not use it at"
            " the same time: stop every node, upgrade, migrate once, then start them. Try it on"
            " a copy of the database before."
        ),
        (
            _("Read the release notes of every version in between"),
            BACKUP,
            _("Wait until the server is idle"),
            _("Stop the server on every node"),
            _("Install the new version on every node"),
            _("Apply the migrations once"),
            _("Start the server on every node"),
            VERIFY,
            OFF,
        ),
    ),
    Activity.MOVE: Plan(
        _(
            "Moving takes the database, the files of VAR_DIR and the SECRET_KEY along; the mode"
            " moves with the database and stays on. The old server must not be started again."
        ),
        (
            _("Note SECRET_KEY and the other settings"),
            _("Wait until the server is idle"),
            _("Stop the server on every node"),
            BACKUP,
            _("Restore the database and the files in the new place"),
            _("Start the server there with the same settings"),
            VERIFY,
            _("Point the name that people use to the new place"),
            OFF,
        ),
    ),
    Activity.OTHER: Plan(
        _("Say in the reason what will be done, and until when: everybody reads it."),
        (_("Wait until the server is idle"), _("Do the work"), VERIFY, OFF),
    ),
}


def plan_for(activity: str) -> Plan:
    """Return the advice and steps of an activity; those of Other where it is not known."""
    return PLANS.get(activity, PLANS[Activity.OTHER])
