"""What one request knows of the mode and of who sent it."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from maintenance import mode
from maintenance.models import MaintenanceMode

SENDER_FIELD = "maintenance_sender"
_SALT = "maintenance.sender"
# Set on a user by maintenance.backends, which reads it in the query that reads the user.
USER_ATTRIBUTE = "maintenance_is_enabled"


class AnotherSender(PermissionDenied):
    """What was typed by one person is being sent by another."""

    def __init__(self) -> None:
        super().__init__(
            "This form was filled in by somebody else, so it was not sent."
            " Open the page again and fill it in yourself."
        )


def mode_of(request: HttpRequest) -> MaintenanceMode:
    """Return the mode as it was when first asked for in this request.

    Raises ``DatabaseError`` if the row cannot be read.
    """
    row: MaintenanceMode | None = getattr(request, "_maintenance_mode", None)
    if row is None:
        row = MaintenanceMode() if is_off(request) else mode.current()
        request._maintenance_mode = row  # type: ignore[attr-defined]
    return row


def is_off(request: HttpRequest) -> bool:
    """Whether the mode is off, as cheaply as that can be told.

    Costs no statement where ``maintenance.backends`` has loaded the person, else a small one.
    Raises ``DatabaseError`` if the row cannot be read.
    """
    known = getattr(getattr(request, "user", None), USER_ATTRIBUTE, None)
    return known is False if known is not None else not mode.is_enabled()


def sign_sender(person: Any) -> str:
    """Return a proof of who typed a form, to be sent with it."""
    return signing.dumps(str(getattr(person, "pk", None)), salt=_SALT)


def check_sender(request: HttpRequest, person: Any) -> None:
    """Raise ``AnotherSender`` if a kept form is sent by somebody else than who typed it."""
    proof = request.POST.get(SENDER_FIELD)
    if proof is None:
        return
    try:
        sender = signing.loads(proof, salt=_SALT)
    except signing.BadSignature:
        raise AnotherSender from None
    if sender != str(getattr(person or AnonymousUser(), "pk", None)):
        raise AnotherSender
