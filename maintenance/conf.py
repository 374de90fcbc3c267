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
}


def get(name: str) -> Any:
    """Return the project's value of a setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def notice_ahead() -> int:
    """Return the seconds before a window from which pages announce it."""
    return int(float(get("MAINTENANCE_NOTICE_AHEAD")) * 3600)
