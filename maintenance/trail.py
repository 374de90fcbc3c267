"""Write what switched the mode on and off: the trail, in the order in which it happened.

What the clock switched is written afterwards, by whoever comes first: a scheduler, or the next
switch by hand, which catches up before it writes its own entry. All of it under the lock on the
mode's row, in the caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from maintenance import signals
from maintenance.models import MaintenanceMode, ModeSwitch, Source, Window
from maintenance.notices import outbox

BY_ITSELF = "by itself"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who switches and from where; ``name`` is shown where there is no ``person``."""

    person: AbstractBaseUser | None = None
    name: str = ""
    source: str = Source.CODE
    address: str = ""

    @property
    def person_name(self) -> str:
        return self.person.get_username() if self.person is not None else self.name

    @property
    def person_id(self) -> Any:
        return self.person.pk if self.person is not None else None


@dataclass(frozen=True)
class Event:
    """Something that the clock did: ``window`` opened or closed, or the row's own end came."""

    time: datetime
    opens: bool
    window: Window | None


def now(using: str) -> datetime:
    """Return the database's time, which every host shares."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def lock(using: str) -> MaintenanceMode:
    """Return the mode's row, locked: whoever changes the mode or a window does so one by one."""
    rows = MaintenanceMode.objects.using(using)
    rows.get_or_create(pk=MaintenanceMode.SINGLETON)
    return rows.select_for_update().get(pk=MaintenanceMode.SINGLETON)


def is_behind(using: str) -> bool:
    """Whether the clock did something that is not written yet."""
    windows = Window.objects.using(using)
    unwritten = windows.unopened() | windows.overdue()
    return unwritten.exists() or MaintenanceMode.objects.using(using).over().exists()


def catch_up(row: MaintenanceMode, using: str) -> list[ModeSwitch]:
    """Write everything that the clock did until now; return the entries that this made."""
    held_by = {window.pk for window in Window.objects.using(using).recorded_open()}
    entries = []
    for event in _unrecorded(using):
        was_on = row.is_enabled or bool(held_by)
        _apply(event, row, held_by)
        if was_on != (row.is_enabled or bool(held_by)):
            entries.append(_by_the_clock(event, row, using))
        row.save(using=using)
    return entries


def is_on(row: MaintenanceMode, using: str) -> bool:
    """Whether the mode is on by what is written, once that is all."""
    return row.is_enabled or Window.objects.using(using).recorded_open().exists()


def note(
    row: MaintenanceMode,
    *,
    enabled: bool,
    origin: Origin,
    using: str,
    window: Window | None = None,
    time: datetime | None = None,
    reason: str = "",
    until: datetime | None = None,
) -> ModeSwitch:
    """Add an entry to the trail and count it in the row, which the caller saves; let it be told."""
    row.generation += 1
    entry = ModeSwitch.objects.using(using).create(
        enabled=enabled, generation=row.generation, person_id=origin.person_id,
        person_name=origin.person_name, source=origin.source, address=origin.address[:255],
        reason=reason, until=until, window=window, time=time or Now(),
    )  # fmt: skip
    outbox.of_switch(entry, using=using, window=window, time=time)
    return entry


def announce(entries: Sequence[ModeSwitch], row: MaintenanceMode) -> None:
    """Send the signals of switches that have committed; ``row`` is the mode as they left it."""
    for entry in entries:
        signal = signals.mode_enabled if entry.enabled else signals.mode_disabled
        signal.send_robust(sender=MaintenanceMode, mode=row, switch=entry)


def _unrecorded(using: str) -> list[Event]:
    """Return what the clock did, in order; of what falls on one moment, the ends come first."""
    moment = now(using)
    windows = Window.objects.using(using)
    events = [Event(window.starts, True, window) for window in windows.unopened(moment)]
    for window in windows.overdue(moment):
        same = next((e.window for e in events if e.window == window), window)
        if same is not None and same.ends is not None:
            events.append(Event(same.ends, False, same))
    over = MaintenanceMode.objects.using(using).over(moment).values_list("until", flat=True)
    events += [Event(until, False, None) for until in over if until is not None]
    return sorted(events, key=lambda event: (event.time, event.opens))


def _apply(event: Event, row: MaintenanceMode, held_by: set[int]) -> None:
    window = event.window
    if window is None:
        row.is_enabled = False
        row.since, row.person, row.person_name, row.reason = event.time, None, BY_ITSELF, ""
        return
    if event.opens:
        window.opened = event.time
        held_by.add(window.pk)
        window.save(update_fields=["opened"])
        return
    window.ended, window.ended_by = event.time, BY_ITSELF
    held_by.discard(window.pk)
    window.save(update_fields=["ended", "ended_by"])
    if not row.is_enabled:
        row.since, row.person, row.person_name, row.reason = event.time, None, BY_ITSELF, ""


def _by_the_clock(event: Event, row: MaintenanceMode, using: str) -> ModeSwitch:
    window = event.window
    if window is None:
        origin = Origin(name=BY_ITSELF, source=Source.CLOCK)
        return note(row, enabled=event.opens, origin=origin, using=using, time=event.time)
    origin = Origin(person=window.person, name=window.person_name, source=Source.WINDOW)
    return note(
        row,
        enabled=event.opens,
        origin=origin,
        using=using,
        window=window,
        time=event.time,
        reason=window.reason if event.opens else "",
        until=window.ends if event.opens else None,
    )
