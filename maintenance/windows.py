"""Plan windows, edit them and call them off; the one module that does.

Writers come one by one, under the lock on the mode's row. What the clock does to a window is
written by ``maintenance.trail``.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from maintenance import activities, barrier, conf, mode, signals, trail
from maintenance.models import Activity, MaintenanceMode, ModeSwitch, Step, Window
from maintenance.notices import outbox
from maintenance.notices.models import Event
from maintenance.trail import Origin

LONGEST = timedelta(days=31)
FURTHEST_AHEAD = timedelta(days=366)
# Seconds for which a scheduler, each second, waits for the exclusive side.
GLANCE = 0.2

logger = logging.getLogger(__name__)


class WindowRefused(Exception):  # noqa: N818 a state of the world
    """The window cannot be so; ``field`` names what to change, None the whole of it."""

    def __init__(self, words: str, *, field: str | None = None) -> None:
        self.field = field
        super().__init__(words)


class Overlaps(WindowRefused):
    """Another window falls into the same time: ``clash``."""

    def __init__(self, clash: Window) -> None:
        self.clash = clash
        if clash.ends and clash.reason:
            words = _("Window %(number)d is planned then: %(start)s to %(end)s, %(reason)s.")
        elif clash.ends:
            words = _("Window %(number)d is planned then: %(start)s to %(end)s.")
        elif clash.reason:
            words = _("Window %(number)d is planned then: %(start)s to no end, %(reason)s.")
        else:
            words = _("Window %(number)d is planned then: %(start)s to no end.")
        start, end = _shown(clash.starts), _shown(clash.ends) if clash.ends else ""
        told = {"number": clash.pk, "start": start, "end": end, "reason": clash.reason}
        super().__init__(words % told, field="starts")


class EditedMeanwhile(WindowRefused):
    """Somebody else has edited the window since it was looked at."""

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else has edited this window meanwhile. Look at it again, then edit it.")
        )


class WindowOver(WindowRefused):
    """The window has ended or was called off."""

    def __init__(self) -> None:
        super().__init__(_("This window is over: it has ended or was called off."))


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an administrator says of a window."""

    starts: datetime
    ends: datetime | None = None
    closes_itself: bool = False
    activity: str = Activity.OTHER
    reason: str = ""


def plan(draft: Draft, *, origin: Origin) -> Window:
    """Plan a window. Raises ``WindowRefused`` with what is wrong, leaving nothing."""
    draft = _to_the_second(draft)
    with _writing():
        moment = trail.now(mode.database())
        _check_start(draft, moment)
        _check_end(draft, moment)
        _check_overlap(draft)
        window = Window.objects.using(mode.database()).create(
            starts=draft.starts, ends=draft.ends, closes_itself=draft.closes_itself,
            activity=draft.activity, reason=draft.reason, person_id=origin.person_id,
            person_name=origin.person_name,
        )  # fmt: skip
        _write_steps(window)
        _tell(Event.PLANNED, window, origin)
    signals.window_planned.send_robust(sender=Window, window=window)
    return window


def edit(window: Window, draft: Draft, *, version: int, origin: Origin) -> Window:
    """Change a window that is not over; one that is open keeps its start and its activity.

    ``version`` is the one that the editor saw. Raises ``WindowRefused``.
    """
    draft = _to_the_second(draft)
    with _writing():
        moment = trail.now(mode.database())
        row = _standing(window)
        if row.version != version:
            raise EditedMeanwhile
        if row.opened is not None:
            if draft.starts != row.starts or draft.activity != row.activity:
                raise WindowRefused(
                    _("The window is open: only its end and its reason can be changed."),
                    field="starts",
                )
        else:
            _check_start(draft, moment)
        if row.opened is None or (draft.ends, draft.closes_itself) != (row.ends, row.closes_itself):
            _check_end(draft, moment)
            _check_overlap(draft, besides=row)
            # Where its old end came while this is written, changes were let in: look again.
            row.settled = None
        is_other_work = row.activity != draft.activity
        row.starts, row.ends, row.closes_itself = draft.starts, draft.ends, draft.closes_itself
        row.activity, row.reason, row.version = draft.activity, draft.reason, row.version + 1
        row.edited = moment
        row.save()
        _tell(Event.PLANNED, row, origin)
        if is_other_work:
            row.steps.all().delete()
            _write_steps(row)
    signals.window_edited.send_robust(sender=Window, window=row)
    return row


def call_off(window: Window, *, origin: Origin) -> Window:
    """Call a window off; one that is open ends now, and with it the mode that it held on.

    Raises ``WindowOver``.
    """
    entries: list[ModeSwitch] = []
    with _writing() as row:
        found = _standing(window)
        found.called_off, found.called_off_by = trail.now(mode.database()), origin.person_name
        was_open = found.opened is not None
        if was_open:
            found.ended, found.ended_by = found.called_off, origin.person_name
        found.save()
        _tell(Event.CALLED_OFF, found, origin)
        if was_open and not trail.is_on(row, mode.database()):
            entries.append(_closed_by_hand(row, found, origin))
    signals.window_called_off.send_robust(sender=Window, window=found)
    if entries:
        trail.announce(entries, mode.current())
    return found


def to_come() -> list[Window]:
    """Return the windows that are open or planned, in the order of their time."""
    return sorted(
        {*Window.objects.active(), *Window.objects.planned()}, key=lambda window: window.starts
    )


def tick(step: Step, *, done: bool, origin: Origin) -> bool:
    """Tick a step off, or take that back; False if it is so already, or the window called off."""
    steps = Step.objects.filter(pk=step.pk, done__isnull=done, window__called_off__isnull=True)
    by = origin.person_name if done else ""
    return bool(steps.update(done=Now() if done else None, done_by=by))


def tend() -> None:
    """Do what a scheduler does for windows each second: write the record, and look if settled."""
    try:
        mode.record(timeout=GLANCE)
        if mode.is_enabled() and mode.current().settled is None:
            mode.settle(timeout=GLANCE)
    except OperationalError as error:
        if not barrier.is_lock_timeout(error):
            raise
        logger.info("The database is busy; what windows did is recorded a little later.")


@contextmanager
def _writing() -> Iterator[MaintenanceMode]:
    """Open the transaction of a writer, in which everything that happened before is on record."""
    using = mode.database()
    timeout = float(conf.get("MAINTENANCE_SWITCH_TIMEOUT"))
    with mode.outermost().switching(timeout=timeout):
        row = trail.lock(using)
        entries = trail.catch_up(row, using)
        yield row
    if entries:
        trail.announce(entries, mode.current())


def _standing(window: Window) -> Window:
    """Return the window as it is now. Raises ``WindowOver``."""
    row = Window.objects.using(mode.database()).standing().filter(pk=window.pk).first()
    if row is None:
        raise WindowOver
    return row


def _closed_by_hand(row: MaintenanceMode, window: Window, origin: Origin) -> ModeSwitch:
    """Write in row and trail that the mode went off with a window that was called off."""
    row.since, row.reason = window.ended, ""
    row.person_id, row.person_name = origin.person_id, origin.person_name
    using = mode.database()
    entry = trail.note(
        row, enabled=False, origin=origin, using=using, window=window, time=window.ended
    )
    row.save()
    return entry


def _tell(event: str, window: Window, origin: Origin) -> None:
    outbox.of_window(event, window, using=mode.database(), by=origin.person_name)


def _to_the_second(draft: Draft) -> Draft:
    ends = draft.ends.replace(microsecond=0) if draft.ends else None
    values = {"starts": draft.starts.replace(microsecond=0), "ends": ends}
    return Draft(**{**draft.__dict__, **values})


def _check_start(draft: Draft, now: datetime) -> None:
    if draft.starts <= now:
        raise WindowRefused(
            _("The start lies in the past. To begin now, turn maintenance mode on."),
            field="starts",
        )
    if draft.starts > now + FURTHEST_AHEAD:
        raise WindowRefused(_("The start lies more than a year ahead."), field="starts")


def _check_end(draft: Draft, now: datetime) -> None:
    if draft.ends is None:
        if draft.closes_itself:
            raise WindowRefused(_("A window that closes by itself needs an end."), field="ends")
        return
    if draft.ends <= draft.starts:
        raise WindowRefused(_("The end does not come after the start."), field="ends")
    if draft.ends - draft.starts > LONGEST:
        raise WindowRefused(
            _("A window lasts at most %(days)d days.") % {"days": LONGEST.days}, field="ends"
        )
    if draft.ends <= now:
        raise WindowRefused(_("The end lies in the past."), field="ends")


def _check_overlap(draft: Draft, *, besides: Window | None = None) -> None:
    windows = Window.objects.using(mode.database())
    clashing = windows.overlapping(starts=draft.starts, ends=draft.ends).order_by("starts")
    clash = (clashing.exclude(pk=besides.pk) if besides else clashing).first()
    if clash is not None:
        raise Overlaps(clash)


def _shown(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


def _write_steps(window: Window) -> None:
    steps = activities.plan_for(window.activity).steps
    Step.objects.using(mode.database()).bulk_create(
        Step(window=window, position=number, text=text) for number, text in enumerate(steps, 1)
    )
