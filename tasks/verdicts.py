"""Why a task ended, or waits again, in the words that are kept with it."""

from django.utils.translation import gettext_noop as _

from tasks.sentences import kept

THE_SERVER = kept(_("the server"))
THE_TASK = kept(_("the task itself"))

CANCELED = kept(_("Canceled."))
CANCELED_EARLY = kept(_("Canceled by %(by)s before it started."))
CANCELED_LOST = kept(_("Canceled by %(by)s. %(why)s"))
CANCELED_BY = kept(_("Canceled by %(by)s."))
ASKED = kept(_("%(by)s asked to cancel."))

STARTS_AGAIN = kept(_("%(why)s It starts again."))
RERUN = kept(_("%(why)s Rerun it if that is safe."))
LOST = kept(_("Server node %(node)s stopped answering while it ran this task."))
LOST_UNKNOWN = kept(
    _(
        "Server node %(node)s stopped answering while it ran this task: nobody knows how far it"
        " came. Rerun it if that is safe."
    )
)
LOST_AGAIN = kept(
    _(
        "Server node %(node)s stopped answering while it ran this task, for the %(attempt)sth"
        " time: it is not started again."
    )
)
STOPS = kept(_("Server node %(node)s stops."))
STOPS_AFTER_1 = kept(_("Server node %(node)s stops, and has waited 1 second for this task."))
STOPS_AFTER = kept(
    _("Server node %(node)s stops, and has waited %(seconds)s seconds for this task.")
)

NOT_STARTED = kept(_("Not started by %(time)s, its expiry."))
NOT_STARTED_IN_OUTAGE = kept(
    _(
        "Not started by %(time)s, its expiry: no scheduler ran then. It was held for a decision"
        " until %(until)s."
    )
)
LET_EXPIRE = kept(_("%(why)s %(by)s let it expire."))

NOT_STARTABLE = kept(_("The script could not be started: %(error)s."))
WORKER_STOPPED = kept(_("The script was ended: the worker itself was stopped for too long."))
TOO_LONG_1 = kept(_("The script ran longer than its time limit of 1 second."))
TOO_LONG = kept(_("The script ran longer than its time limit of %(seconds)s seconds."))
WATCHER_KILLED = kept(_("The process that watched over the script was killed."))
EXIT_CODE = kept(_("The script ended with exit code %(code)s."))
SIGNAL = kept(_("The script ended by signal %(signal)s."))


def stops_after(seconds: float, *, node: str) -> str:
    """Say that a node stops, and for how long it has waited for a task."""
    words = STOPS_AFTER_1 if seconds == 1 else STOPS_AFTER
    return words % {"node": node, "seconds": f"{seconds:g}"}


def too_long(seconds: float) -> str:
    """Say that a script ran longer than it may."""
    return (TOO_LONG_1 if seconds == 1 else TOO_LONG) % {"seconds": f"{seconds:,g}"}
