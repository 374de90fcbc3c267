"""What a window came to: who and when, its checklist, what ran and what was refused meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maintenance import wording, work
from maintenance.conflicts import InTheWay, within
from maintenance.models import ModeSwitch, Refusal, Step, Window
from maintenance.notices.models import Notice
from maintenance.work import Ran

REFUSALS_LISTED = 500
NOTICES_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class Report:
    """A window and everything that is on record about its time."""

    window: Window
    steps: Sequence[Step]
    switches: Sequence[ModeSwitch]
    ran: Sequence[Ran]
    refusals: Sequence[Refusal]
    notices: Sequence[Notice]


def of(window: Window) -> Report:
    """Return the report of a window, up to now where it is not over."""
    begun = window.opened is not None
    notices = window.notices.order_by("pk").with_deliveries()
    return Report(
        window=window,
        steps=list(window.steps.all()),
        switches=list(window.switches.order_by("generation")),
        ran=work.ran(window.starts, window.ended) if begun else [],
        refusals=_refusals(window.starts, window.ended) if begun else [],
        notices=list(notices[:NOTICES_LISTED]),
    )


def conflicts(window: Window) -> InTheWay:
    """Return what is scheduled within a window or recurs in it, and what would expire."""
    return within(window.starts, window.ends)


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as what JSON can hold."""
    window = report.window
    times = ("planned", "opened", "settled", "ended", "called_off")
    return {
        **wording.as_json(window),
        **{name: _iso(getattr(window, name)) for name in times},
        "ended_by": window.ended_by,
        "called_off_by": window.called_off_by,
        "checklist": [
            {"step": step.text, "done": _iso(step.done), "by": step.done_by}
            for step in report.steps
        ],
        "switches": [
            {
                "time": _iso(entry.time),
                "enabled": entry.enabled,
                "by": entry.person_name,
                "from": entry.source,
            }
            for entry in report.switches
        ],
        "tasks": [
            {"task": ran.name, "description": ran.description, "state": ran.state,
             "started": _iso(ran.started), "completed": _iso(ran.completed)}
            for ran in report.ran
        ],
        "tasks_complete": len(report.ran) < work.LISTED,
        "refusals": [
            {"by": row.person_name, "method": row.method, "path": row.path, "count": row.count,
             "first": _iso(row.first_time), "last": _iso(row.last_time)}
            for row in report.refusals
        ],
        "refusals_complete": len(report.refusals) < REFUSALS_LISTED,
        "notices": [
            {"event": notice.event, "time": _iso(notice.time), "to": each.recipient,
             "by": "email" if each.is_email else "webhook", "state": each.state,
             "completed": _iso(each.completed),
             "attempts": [
                 {"began": _iso(attempt.began), "ended": _iso(attempt.ended),
                  "succeeded": attempt.succeeded, "outcome": attempt.outcome}
                 for attempt in each.attempts.all()
             ]}
            for notice in report.notices
            for each in notice.deliveries.all()
        ],
    }  # fmt: skip


def _refusals(begin: datetime, end: datetime | None) -> list[Refusal]:
    return list(Refusal.objects.during(begin, end)[:REFUSALS_LISTED])


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
