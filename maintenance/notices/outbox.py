"""Write down what is to be told, in the transaction that makes it so: told later, never lost."""

from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from maintenance import wording
from maintenance.models import ModeSwitch, Window
from maintenance.notices.models import Event, Notice


def of_window(event: str, window: Window, *, using: str, by: str) -> Notice:
    """Note that a window was planned, edited or called off; ``by`` names who did it."""
    return _write(event, using=using, window=window, time=None, mode=None, by=by)


def of_switch(
    entry: ModeSwitch, *, using: str, window: Window | None, time: datetime | None
) -> Notice:
    """Note a switch of the mode; ``time`` is when it happened, None is now."""
    facts = {
        "is_enabled": entry.enabled,
        "reason": entry.reason,
        "until": entry.until.isoformat() if entry.until else None,
        "from": entry.source,
    }
    event = Event.ON if entry.enabled else Event.OFF
    by = entry.person_name
    return _write(event, using=using, window=window, time=time, mode=facts, by=by)


def _write(
    event: str,
    *,
    using: str,
    window: Window | None,
    time: datetime | None,
    mode: dict[str, Any] | None,
    by: str,
) -> Notice:
    shown = None
    if window is not None:
        shown = wording.as_json(window) | {"version": window.version}
    data = {"by": by, "window": shown, "mode": mode}
    moment: Any = time or Now()
    return Notice.objects.using(using).create(event=event, window=window, data=data, time=moment)
