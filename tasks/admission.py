"""Ask whether a person may change the queue: first their permission, then the gate."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from maintenance import gate
from tasks import kinds, verdicts
from tasks.models import ServerTask


class Withheld(PermissionDenied):
    """A kind keeps one of its tasks from a person who holds the permission."""


def admit(person: Any, permission: str, *tasks: ServerTask) -> None:
    """Let a person's change of tasks into the transaction that is open; None is the server itself.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    if person is None:
        return
    if not person.has_perm(permission):
        raise PermissionDenied(_("You may not do this to the queue."))
    be_open(person, *tasks)
    gate.check(person)


def be_open(person: Any, *tasks: ServerTask) -> None:
    """Raise ``Withheld`` if the kind of one of the tasks keeps it from a person."""
    for pk, why in kinds.withheld(person, tasks).items():
        raise Withheld(f"ServerTasks-{pk}: {why}")


def name_of(person: Any) -> str:
    """Return the name under which a change is kept."""
    return str(person.get_username()) if person is not None else verdicts.THE_SERVER
