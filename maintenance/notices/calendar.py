"""The windows as an iCalendar feed, by the library that other programs rely on for escaping it."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.utils.translation import gettext as _
from icalendar import Calendar
from icalendar import Event as CalendarEvent

from maintenance import conf
from maintenance.models import Window

# How long windows stay in it, and how often programs are to look again.
KEPT = timedelta(days=90)
REFRESH = timedelta(minutes=30)
MOST = 500


def feed(windows: Iterable[Window]) -> bytes:
    """Return the feed: the same bytes as long as the windows are the same."""
    calendar = Calendar()
    calendar.add("prodid", "-//Octoserver//Maintenance windows//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Maintenance"))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT30M")
    for window in windows:
        calendar.add_component(entry(window))
    return bytes(calendar.to_ical())


def entry(window: Window) -> CalendarEvent:
    """Return one window, all its times in UTC."""
    event = CalendarEvent()
    event.add("uid", f"{uuid5(NAMESPACE_URL, f'{window.pk}/{window.planned.isoformat()}')}")
    event.add("sequence", window.version - 1 + bool(window.called_off))
    changed = window.called_off or window.edited or window.planned
    event.add("dtstamp", changed.astimezone(UTC))
    event.add("last-modified", changed.astimezone(UTC))
    event.add("dtstart", window.starts.astimezone(UTC))
    ends = window.ends or window.ended
    if ends is not None:
        event.add("dtend", ends.astimezone(UTC))
    event.add("summary", _("Maintenance: %s") % window.get_activity_display())
    event.add("description", _description(window))
    # One that was open when it was called off has taken place.
    is_off = window.called_off is not None and window.opened is None
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    base = str(conf.get("MAINTENANCE_BASE_URL")).rstrip("/")
    if base:
        event.add("url", base + window.get_absolute_url())
    return event


def _description(window: Window) -> str:
    parts = [window.reason] if window.reason else []
    if window.ends is None:
        parts.append(_("No end is given."))
    elif not window.closes_itself:
        parts.append(_("The end is expected: an administrator ends it."))
    return "\n".join(parts)
