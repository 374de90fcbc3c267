"""Ask whether a person may change the queue: first their permission, then the gate."""

from typing import Any

from django.core.exceptions import PermissionDenied

from maintenance import gate


def admit(person: Any, permission: str) -> None:
    """Let a person's change into the transaction that is open; None is the server itself.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    if person is None:
        return
    if not person.has_perm(permission):
        raise PermissionDenied("You may not do this to the queue.")
    gate.check(person)


def name_of(person: Any) -> str:
    """Return the name under which a change is kept."""
    return str(person.get_username()) if person is not None else "the server"
