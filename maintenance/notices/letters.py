"""Word notices: as JSON for programs, as a letter for people."""

import json
from datetime import datetime
from typing import Any

from django.core.mail import EmailMessage
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from maintenance import conf
from maintenance.models import Activity
from maintenance.notices.models import Delivery, Event, Notice


def body(notice: Notice) -> bytes:
    """Return the message to a webhook: the same bytes at every attempt."""
    message = {
        "type": f"maintenance.{notice.event}",
        "timestamp": notice.time.isoformat(),
        "data": notice.data | {"url": address(notice)},
    }
    return json.dumps(message, separators=(",", ":"), sort_keys=True).encode()


def letter(delivery: Delivery, *, to: str) -> EmailMessage:
    """Return the letter to a person."""
    notice = delivery.notice
    return EmailMessage(
        subject=subject(notice),
        body=text(notice),
        to=[to],
        headers={
            # The same at every attempt, so that a letter that came twice is one.
            "Message-ID": f"<{delivery.key}@maintenance.invalid>",
            "Auto-Submitted": "auto-generated",
        },
    )


def subject(notice: Notice) -> str:
    window = notice.data.get("window") or {}
    starts = _time(window.get("starts"))
    if notice.is_edit:
        return _("Maintenance changed: %s") % starts
    subjects = {
        Event.PLANNED: _("Maintenance planned: %s") % starts,
        Event.CALLED_OFF: _("Maintenance called off: %s") % starts,
        Event.ON: _("Maintenance mode is on"),
        Event.OFF: _("Maintenance mode is off"),
        Event.TEST: _("Test of maintenance notices"),
    }
    return str(subjects[Event(notice.event)])


def text(notice: Notice) -> str:
    """Return the words of a letter."""
    facts = [(label, value) for label, value in _facts(notice) if value]
    lines = [_meaning(notice), "", *(f"{label}: {value}" for label, value in facts)]
    if link := address(notice):
        lines += ["", link]
    lines += [
        "",
        "-- ",
        _("You get this because you asked for it, on the page Maintenance notices."),
    ]
    return "\n".join(lines)


def address(notice: Notice) -> str | None:
    """Return the address of the page to look at, if ``MAINTENANCE_BASE_URL`` is set."""
    base = str(conf.get("MAINTENANCE_BASE_URL")).rstrip("/")
    if not base:
        return None
    window = (notice.data.get("window") or {}).get("window")
    try:
        if window is None:
            return base + reverse("maintenance:page")
        return base + reverse("maintenance:window", args=[window])
    except NoReverseMatch:
        return base


def _meaning(notice: Notice) -> str:
    meanings = {
        Event.PLANNED: _(
            "From its start, people without Administer System can look at everything and change"
            " nothing. Tasks go on."
        ),
        Event.CALLED_OFF: _("Nothing will be held back at that time."),
        Event.ON: _(
            "People without Administer System can look at everything and change nothing. Tasks"
            " go on."
        ),
        Event.OFF: _("Everybody can change things again."),
        Event.TEST: _("Nothing happened: somebody tries whether notices arrive."),
    }
    return str(meanings[Event(notice.event)])


def _facts(notice: Notice) -> list[tuple[str, Any]]:
    window: dict[str, Any] = notice.data.get("window") or {}
    found: dict[str, Any] = notice.data.get("mode") or {}
    activity = window.get("activity")
    return [
        (_("When"), _time(notice.time.isoformat()) if found else ""),
        (_("Start"), _time(window.get("starts"))),
        (_("Expected end"), _time(found.get("until") or window.get("ends"))),
        (_("Activity"), Activity(activity).label if activity in Activity.values else ""),
        (_("Reason"), found.get("reason") or window.get("reason")),
        (_("By"), notice.data.get("by")),
    ]


def _time(text: str | None) -> str:
    if not text:
        return ""
    return timezone.localtime(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M %Z")
