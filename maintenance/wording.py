"""Say in sentences for a shell, and in JSON for scripts, how mode and windows stand."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from maintenance import work
from maintenance.models import MaintenanceMode, Window
from maintenance.work import Foreseen

if TYPE_CHECKING:
    from maintenance import conflicts, mode

# Characters: it stands on every page.
LONGEST_REASON = 1000


def outcome(switch: "mode.Switch") -> str:
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
    if not switch.changed and switch.mode.closes_itself:
        was += f", and ends by itself at {_time(switch.mode.until)}"
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


def in_the_way(found: "conflicts.InTheWay") -> list[str]:
    """Name what is scheduled in a time in which the server may be stopped, a line each."""
    return [*_scheduled(found.tasks), *_foreseen(found.foreseen)]


def _scheduled(found: "Sequence[conflicts.Conflict]") -> list[str]:
    if not found:
        return []
    one = len(found) == 1
    lines = [f"{len(found)} scheduled task{' falls' if one else 's fall'} into it:"]
    for each in found:
        late = ", would expire in it" if each.expires else ""
        task = each.task
        lines.append(f"  {task.name} {task.description}: {_time(task.time)}{late}")
    return lines + _cut(found)


def _foreseen(found: Sequence[Foreseen]) -> list[str]:
    """Name what recurs; what is still to come of it has no task, and cannot be moved."""
    if not found:
        return []
    lines = [f"Recurring in it, with no task yet: {len(found)}"]
    for each in found:
        line = f"  {each.name}, {each.description}: {each.interval}, {_times(each)}"
        lines.append(f"{line}, first at {_time(each.first)}")
    return lines + _cut(found)


def _times(found: Foreseen) -> str:
    number = "once" if found.count == 1 else f"{found.count} times"
    return f"{number} or more" if found.is_more else number


def _cut(found: Sequence[Any]) -> list[str]:
    if len(found) < work.LISTED:
        return []
    return [f"There may be more than these {len(found)}: only these are looked at."]


def conflict(found: "conflicts.Conflict") -> dict[str, Any]:
    """Return something that is in the way, for scripts."""
    task = found.task
    return {
        "task": task.name,
        "description": task.description,
        "by": task.person_name,
        "time": task.time.isoformat(),
        "expiry": task.expiry.isoformat(),
        "expires": found.expires,
    }


def foreseen(found: Foreseen) -> dict[str, Any]:
    """Return something that recurs, for scripts."""
    return {
        "name": found.name,
        "description": found.description,
        "url": found.url,
        "interval": found.interval,
        "first": found.first.isoformat(),
        "times": found.count,
        "times_complete": not found.is_more,
    }


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
