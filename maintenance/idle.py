"""Say whether the server may be stopped now, and if not, what it is waiting for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from maintenance import mode, trail, work
from maintenance.models import MaintenanceMode, Window
from maintenance.work import Work


@dataclass(frozen=True, kw_only=True)
class Facts:
    """How the server stands at one moment.

    ``in_flight`` counts the changes in progress, None where the engine cannot; ``window`` is the
    one that is open, else the next; ``scheduled`` counts what is to start within it.
    """

    mode: MaintenanceMode
    in_flight: int | None
    work: Work
    window: Window | None
    scheduled: int

    @property
    def is_quiet(self) -> bool:
        """Whether the mode is on and every change let in before is known to be over."""
        return self.mode.is_enabled and self.mode.settled is not None and not self.in_flight

    @property
    def idle(self) -> bool:
        """Whether the server may be stopped with nothing of people's lost."""
        return self.is_quiet and not (self.work.executing or self.work.startable)

    @cached_property
    def sentence(self) -> str:
        """Say whether the server may be stopped now, or why not yet."""
        if self.idle:
            return _("You may stop the server now.")
        return _("Not yet: %(reason)s.") % {"reason": self._reason()}

    @property
    def loss(self) -> str:
        """Say what stopping the server now would lose."""
        told = []
        if self.work.executing:
            told.append(_would_fail(self.work.executing))
        else:
            told.append(_("No task of people's would be lost."))
        if self.work.executing_system:
            told.append(_("System tasks start again by themselves: nothing of theirs is lost."))
        if waiting := self.work.queued + self.scheduled:
            told.append(_would_wait(waiting))
        return " ".join(told)

    def _reason(self) -> str:
        if not self.mode.is_enabled:
            return _("maintenance mode is off, so people may change things and queue tasks")
        if self.in_flight:
            return _in_progress(self.in_flight)
        if self.mode.settled is None:
            return _("it is not known yet that every change let in before is over")
        parts = []
        if self.work.executing:
            parts.append(_executing(self.work.executing))
        if self.work.startable:
            parts.append(_about_to_start(self.work.startable))
        return _(" and ").join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return the facts by the names that scripts rely on."""
        row = self.mode
        return {
            "in_maintenance_mode": row.is_enabled,
            "reason": row.reason,
            "since": row.since.isoformat() if row.since else None,
            "until": row.until.isoformat() if row.until else None,
            "closes_itself": row.closes_itself,
            "by": row.person_name,
            "settled": row.settled.isoformat() if row.is_enabled and row.settled else None,
            "idle": self.idle,
            "executing": self.work.executing,
            "executing_system": self.work.executing_system,
            "queued": self.work.queued,
            "startable": self.work.startable,
            "scheduled": self.work.scheduled,
            "scheduled_in_window": self.scheduled,
            "changes_in_flight": self.in_flight,
        }


def look() -> Facts:
    """Look at everything, in this order: what comes later can only have become less.

    The mode first, because nothing of people's begins once it is settled.
    """
    row = mode.current()
    in_flight = mode.in_flight()
    window = row.window or (None if row.is_enabled else Window.objects.planned().first())
    found = work.survey() or Work()
    return Facts(
        mode=row, in_flight=in_flight, work=found, window=window, scheduled=_scheduled(row, window)
    )


def _scheduled(row: MaintenanceMode, window: Window | None) -> int:
    if row.is_enabled:
        return work.scheduled_count(trail.now(mode.database()), row.until)
    return work.scheduled_count(window.starts, window.ends) if window else 0


def _would_fail(count: int) -> str:
    return ngettext(
        "%(count)d executing task would fail: nobody could know how far it came.",
        "%(count)d executing tasks would fail: nobody could know how far they came.",
        count,
    ) % {"count": count}


def _would_wait(count: int) -> str:
    return ngettext(
        "%(count)d task waits in the queue until the server runs again, or expires.",
        "%(count)d tasks wait in the queue until the server runs again, or expire.",
        count,
    ) % {"count": count}


def _in_progress(count: int) -> str:
    return ngettext(
        "%(count)d change is still in progress", "%(count)d changes are still in progress", count
    ) % {"count": count}


def _executing(count: int) -> str:
    return ngettext(
        "%(count)d task is executing", "%(count)d tasks are executing", count
    ) % {"count": count}  # fmt: skip


def _about_to_start(count: int) -> str:
    return ngettext(
        "%(count)d task is about to start", "%(count)d tasks are about to start", count
    ) % {"count": count}
