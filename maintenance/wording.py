"""Say in sentences for a shell, and in JSON for scripts, how mode and windows stand."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from maintenance import mode
from maintenance.models import MaintenanceMode, Window


def outcome(switch: mode.Switch) -> str:
    """Say what enabling came to."""
    if not switch.settled and switch.in_flight is None:
        return (
            f"Maintenance mode is still {switch.mode}: a change in progress held the database for"
            " too long. Nothing was changed; try again."
        )
    if not switch.enabled:
        return "Maintenance mode is off: it was turned off while this was waiting."
    if not switch.settled:
        number = "1 change" if switch.in_flight == 1 else f"{switch.in_flight} changes"
        return (
            f"Maintenance mode is on, but {number} let in before"
            f" {'is' if switch.in_flight == 1 else 'are'} still in progress."
            " Run this again to look again."
        )
    was = "" if switch.changed else " already"
    return f"Maintenance mode is on{was}. No change let in before is still in progress."


def standing(row: MaintenanceMode) -> str:
    """Say whether the mode is on, since when, by whom, until when and why."""
    if not row.is_enabled:
        return "Maintenance mode is off."
    parts = [f"Maintenance mode is on since {_time(row.since, '%Y-%m-%d %H:%M:%S %Z')}"]
    if row.person_name:
        parts.append(f"by {row.person_name}")
    if row.until:
        parts.append(f"until {_time(row.until)}")
    return " ".join(parts) + (f": {row.reason}" if row.reason else ".")


def window(row: Window) -> str:
    """Name a window with its times and its reason."""
    end = f" to {_time(row.ends)}" if row.ends else ", without an end"
    closes = ", closing by itself" if row.closes_itself else ""
    return f"Window {row.pk}: {_time(row.starts)}{end}{closes}" + (
        f": {row.reason}" if row.reason else "."
    )


def as_json(row: Window) -> dict[str, Any]:
    """Return a window by the names that scripts rely on."""
    return {
        "window": row.pk,
        "starts": row.starts.isoformat(),
        "ends": row.ends.isoformat() if row.ends else None,
        "closes_itself": row.closes_itself,
        "activity": row.activity,
        "reason": row.reason,
        "by": row.person_name,
        "is_open": row.opened is not None and row.ended is None,
        "called_off": row.called_off is not None,
    }


def _time(moment: datetime | None, form: str = "%Y-%m-%d %H:%M %Z") -> str:
    return timezone.localtime(moment).strftime(form) if moment else "?"
