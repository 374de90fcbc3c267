"""Let a person's change in: one transaction, the gate asked, the permission held."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance import gate
from octoserver.deployments.errors import Refused

EDIT = "deployments.change_project"
# What to say of a row that is gone, by the column that names it.
GONE = {
    "environment_id": gettext_lazy("An environment that this names was deleted meanwhile."),
    "group_id": gettext_lazy("A group that this names was deleted meanwhile."),
    "person_id": gettext_lazy("Your account was deleted meanwhile."),
    "project_id": gettext_lazy("The project was deleted meanwhile."),
    "runbook_id": gettext_lazy("The runbook was deleted meanwhile."),
    "step_id": gettext_lazy("A step that this names was deleted meanwhile."),
}
COLUMN = re.compile(r"\((\w+)\)=\(")
# As PostgreSQL calls a foreign key that is broken, and SQLite.
BROKEN = ("23503", "FOREIGN KEY constraint failed")


@contextmanager
def by(person: Any, *permissions: str) -> Iterator[None]:
    """Run a change for ``person``; None is the server itself, which nobody needs to ask.

    Raises ``PermissionDenied``, ``gate.InMaintenanceMode``, and ``Refused`` if somebody deleted
    meanwhile what the change names; nothing is half made.
    """
    if person is not None and not person.has_perms(permissions or (EDIT,)):
        raise PermissionDenied(_("You may not change this."))
    try:
        with transaction.atomic():
            if person is not None:
                gate.check(person)
            yield
            _check_references()
    except IntegrityError as error:
        cause: Any = error.__cause__
        if getattr(cause, "sqlstate", str(error)) not in BROKEN:
            raise
        raise Refused(_gone(cause)) from None


def _check_references() -> None:
    """Look now whether all that was named is there, and keep it until the transaction ends.

    PostgreSQL would look at the end of a request's transaction, when nobody can answer any more.
    On SQLite nobody else writes as long as that is open.
    """
    if connection.vendor == "postgresql":
        connection.check_constraints()


def _gone(cause: Any) -> str:
    """Say what is not there any more, as far as the engine says which."""
    detail = getattr(getattr(cause, "diag", None), "message_detail", None) or ""
    column = COLUMN.search(detail)
    words = GONE.get(column[1]) if column else None
    return str(words or _("Something that this names was deleted meanwhile."))
