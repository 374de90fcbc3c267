"""The settings of the mode, each with its default.

``MAINTENANCE_SWITCH_TIMEOUT``
    Seconds for which *enable* waits for changes still in progress. 30.
``MAINTENANCE_PERSON``
    Dotted path of a callable that takes the request and returns the person behind it, for projects
    whose clients sign in by token. The request's ``user`` unless set.
``MAINTENANCE_NOTICE_AHEAD``
    Hours before a window from which every page announces it. 24.
``MAINTENANCE_REFUSAL_DAYS``
    Days for which refusals are kept. 90.
``MAINTENANCE_REFUSAL_INTERVAL``
    Seconds for which a process gathers refusals of the same kind before it counts them. 1.
``MAINTENANCE_SENDS_EMAIL``
    Whether Django is set up to send mail, and notices go by it. True.
``MAINTENANCE_BASE_URL``
    The address of the server, such as ``https://octoserver.example.com``, for links in notices and
    in the calendar, which no request says it for. Empty: no links.
``MAINTENANCE_NOTICE_DELAYS``
    Seconds between one attempt to deliver a notice and the next; one more attempt than there are
    delays. Those of ``maintenance.notices.deliveries`` unless set.
``MAINTENANCE_NOTICE_DAYS``
    Days for which notices and their deliveries are kept. 365.
``MAINTENANCE_VAULT``
    Dotted path of a module with ``seal`` and ``unseal``, by which the secrets of webhooks are kept.
    As they are unless set.
"""

from typing import Any

from django.conf import settings

ADMINISTER_SYSTEM = "maintenance.administer_system"

DEFAULTS: dict[str, Any] = {
    "MAINTENANCE_SWITCH_TIMEOUT": 30.0,
    "MAINTENANCE_PERSON": None,
    "MAINTENANCE_NOTICE_AHEAD": 24,
    "MAINTENANCE_REFUSAL_DAYS": 90,
    "MAINTENANCE_REFUSAL_INTERVAL": 1.0,
    "MAINTENANCE_SENDS_EMAIL": True,
    "MAINTENANCE_BASE_URL": "",
    "MAINTENANCE_NOTICE_DELAYS": None,
    "MAINTENANCE_NOTICE_DAYS": 365,
    "MAINTENANCE_VAULT": None,
}


def get(name: str) -> Any:
    """Return the project's value of a setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def notice_ahead() -> int:
    """Return the seconds before a window from which pages announce it."""
    return int(float(get("MAINTENANCE_NOTICE_AHEAD")) * 3600)
