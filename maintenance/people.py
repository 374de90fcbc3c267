"""Count the people whom a switch concerns: those with a session, and those it would refuse."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from maintenance import conf

# Sessions looked into; each has to be decoded.
LOOKED_AT = 2000
IN_THE_DATABASE = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
)


@dataclass(frozen=True)
class Audience:
    """How many people are signed in, and how many of them may not administer the system."""

    signed_in: int
    refused: int


def audience() -> Audience | None:
    """Count the people with a session that has not run out; None where sessions lie elsewhere."""
    if settings.SESSION_ENGINE not in IN_THE_DATABASE:
        return None
    people = _signed_in()
    administrators = ModelBackend().with_perm(conf.ADMINISTER_SYSTEM).filter(pk__in=people)
    return Audience(len(people), len(people) - administrators.count())


def _signed_in() -> set[str]:
    model: Any = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class()
    living = model.objects.filter(expire_date__gt=timezone.now()).order_by("-expire_date")
    keys = (session.get_decoded().get(SESSION_KEY) for session in living[:LOOKED_AT])
    return {key for key in keys if key is not None}
