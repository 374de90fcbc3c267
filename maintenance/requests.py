"""What one request knows of the mode and of who sent it."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _

from maintenance import conf, effective, mode
from maintenance.models import MaintenanceMode, Window

SENDER_FIELD = "maintenance_sender"
_SALT = "maintenance.sender"
# Set on a user by maintenance.backends, which reads it in the query that reads the user.
USER_ATTRIBUTE = "maintenance_outlook"


class AnotherSender(PermissionDenied):
    """What was typed by one person is being sent by another."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This form was filled in by somebody else, so it was not sent."
                " Open the page again and fill it in yourself."
            )
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
    return not _outlook(request) & effective.ON


def announced_to(request: HttpRequest) -> Window | None:
    """Return the next window, if it begins so soon that pages announce it.

    Where there is none, costs what ``is_off`` costs, once for both. Raises ``DatabaseError``.
    """
    if not _outlook(request) & effective.ANNOUNCED:
        return None
    return Window.objects.announced(ahead=timedelta(seconds=conf.notice_ahead())).first()


def _outlook(request: HttpRequest) -> int:
    """Return whether the mode is on, and a window announced, as of this request."""
    found: int | None = getattr(request, "_maintenance_outlook", None)
    if found is None:
        found = getattr(getattr(request, "user", None), USER_ATTRIBUTE, None)
        found = mode.outlook() if found is None else found
        request._maintenance_outlook = found  # type: ignore[attr-defined]
    return found


def sign_sender(person: Any) -> str:
    """Return a proof of who typed a form, to be sent with it."""
    return signing.dumps(str(getattr(person, "pk", None)), salt=_SALT)


def is_proof(proof: str) -> bool:
    """Whether somebody typed the form that it came with here."""
    try:
        signing.loads(proof, salt=_SALT)
    except signing.BadSignature:
        return False
    return True


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
