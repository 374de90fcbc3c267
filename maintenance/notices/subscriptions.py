"""Write what each person wants to be told; the one module that does."""

import secrets
from typing import Any

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from maintenance.notices.models import Subscription

SALT = "maintenance.calendar"


def of(person: Any) -> Subscription:
    """Return what a person wants; a row that is not stored where that is nothing."""
    found = Subscription.objects.filter(person=person).first()
    return found or Subscription(person=person)


def set_email(person: Any, *, wanted: bool) -> None:
    """Send letters to a person from now on, or none any more."""
    Subscription.objects.update_or_create(person=person, defaults={"by_email": wanted})


def renew_calendar(person: Any) -> str:
    """Give a person a new link to the calendar and return its token; the old link is void."""
    nonce = secrets.token_urlsafe(32)
    Subscription.objects.update_or_create(person=person, defaults={"calendar": nonce})
    return _signer().sign(nonce)


def revoke_calendar(person: Any) -> None:
    """Make a person's link to the calendar void."""
    Subscription.objects.filter(person=person).update(calendar=None)


def calendar_path(subscription: Subscription) -> str | None:
    """Return the private link of a person; None where there is none."""
    if not subscription.calendar:
        return None
    return reverse("maintenance:calendar", args=[_signer().sign(subscription.calendar)])


def whose(token: str) -> Subscription | None:
    """Return whose link a token is; None if it is nobody's who may still sign in.

    It is signed, so that what the database holds is of no use without this server's key.
    """
    try:
        nonce = _signer().unsign(token)
    except BadSignature:
        return None
    return Subscription.objects.filter(calendar=nonce, person__is_active=True).first()


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")
