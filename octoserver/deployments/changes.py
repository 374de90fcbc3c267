"""Let a person's change in: one transaction, the gate asked, the permission held."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction

from maintenance import gate

EDIT = "deployments.change_project"


@contextmanager
def by(person: Any, *permissions: str) -> Iterator[None]:
    """Run a change for ``person``; None is the server itself, which nobody needs to ask.

    Raises ``PermissionDenied`` and ``gate.InMaintenanceMode``; nothing is half made.
    """
    if person is not None and not person.has_perms(permissions or (EDIT,)):
        raise PermissionDenied("You may not change this.")
    with transaction.atomic():
        if person is not None:
            gate.check(person)
        yield
