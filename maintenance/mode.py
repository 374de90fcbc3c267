"""Read and switch the mode. With ``maintenance.trail`` and ``maintenance.windows``, its writer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import OperationalError, connections, router
from django.db.models import QuerySet
from django.db.models.functions import Now

from maintenance import barrier, conf, effective, refusals, trail
from maintenance.models import MaintenanceMode, ModeSwitch, Source, Window
from maintenance.trail import Origin


class SwitchInTransaction(Exception):  # noqa: N818 a state of the world
    """A switch was asked for inside somebody else's transaction, where it could not commit."""


@dataclass(frozen=True)
class Switch:
    """What a switch came to.

    ``changed``: it made a difference. ``settled``: every change let in before has committed or
    rolled back. ``in_flight``: the changes that had not; None where a change held the switch itself
    up, so that nothing was switched.
    ``waited``: seconds spent on them. ``enabled``: the mode as it was left.
    """

    enabled: bool
    changed: bool
    settled: bool
    in_flight: int | None
    waited: float
    mode: MaintenanceMode


def database() -> str:
    """Return the alias of the database that holds the mode."""
    return router.db_for_write(MaintenanceMode)


def current() -> MaintenanceMode:
    """Return the mode as its row, its windows and the database's clock have it now.

    Off if there is neither row nor window. Where a window holds it on, the row is overlaid by what
    the window says, and is not to be saved. Raises ``DatabaseError`` if it cannot be read: nobody
    may then be let in.
    """
    rows = MaintenanceMode.objects.using(database()).filter(pk=MaintenanceMode.SINGLETON)
    row = rows.first() or MaintenanceMode()
    if row.is_enabled and not (row.closes_itself and not rows.on().exists()):
        return row
    row.is_enabled = False
    window = Window.objects.using(database()).active().first()
    return row if window is None else held_on(row, window)


def held_on(row: MaintenanceMode, window: Window) -> MaintenanceMode:
    """Return the row as a window shows it. Not to be saved."""
    row.is_enabled, row.window = True, window
    row.since, row.until, row.closes_itself = window.starts, window.ends, window.closes_itself
    row.settled, row.reason = window.settled, window.reason
    row.person_id, row.person_name = window.person_id, window.person_name
    return row


def is_enabled() -> bool:
    """Read the one fact that decides, past the ORM, since every request may pay for it.

    Raises ``DatabaseError`` if it cannot be read.
    """
    return bool(_outlook() & effective.ON)


def outlook() -> int:
    """Read whether the mode is on and whether a window is announced: bits of ``effective``.

    Raises ``DatabaseError`` if that cannot be read.
    """
    return _outlook(ahead=conf.notice_ahead())


def _outlook(*, ahead: int = 0) -> int:
    connection = connections[database()]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {effective.outlook(connection.vendor, ahead=ahead)}")
        return int(cursor.fetchone()[0])


def enable(
    *,
    person: AbstractBaseUser | None = None,
    name: str = "",
    reason: str = "",
    until: datetime | None = None,
    closes_itself: bool = False,
    source: str = Source.CODE,
    address: str = "",
    timeout: float | None = None,
    settle_within: float | None = None,
) -> Switch:
    """Turn the mode on and wait until every change let in before is over.

    ``name`` is shown where there is no ``person``, as for a switch from a shell. ``until`` is the
    expected end, shown to people; with ``closes_itself`` the mode ends then. ``timeout`` is in
    seconds, by default ``MAINTENANCE_SWITCH_TIMEOUT``; past it PostgreSQL keeps the flag on and
    SQLite changes nothing, nor does PostgreSQL where a change holds a row that the switch itself
    needs. ``settle_within`` is for who waits afterwards: that much of it goes on changes. Enabling
    what is on already changes nothing and waits again. Raises ``SwitchInTransaction``.
    """
    timeout = float(conf.get("MAINTENANCE_SWITCH_TIMEOUT")) if timeout is None else timeout
    origin = Origin(person=person, name=name, source=source, address=address)
    if closes_itself and until is None:
        raise ValueError("What closes itself has an end.")
    if closes_itself and until is not None:
        until = until.replace(microsecond=0)

    def write(row: MaintenanceMode) -> ModeSwitch:
        row.is_enabled, row.settled = True, None
        row.reason, row.until, row.closes_itself = reason, until, closes_itself
        _sign(row, origin)
        return trail.note(
            row, enabled=True, origin=origin, using=database(), reason=reason, until=until
        )

    try:
        row, changed = _switch(write, enabled=True, timeout=timeout)
    except OperationalError as error:
        if not barrier.is_lock_timeout(error):
            raise
        return _unchanged(timeout)
    if changed:
        refusals.prune()
    return _settle(row, timeout=min(timeout, settle_within or timeout), changed=changed)


def disable(
    *,
    person: AbstractBaseUser | None = None,
    name: str = "",
    reason: str = "",
    source: str = Source.CODE,
    address: str = "",
) -> Switch:
    """Turn the mode off, ending the window that holds it on; what is off already stays as it is.

    Needs no barrier. Raises ``SwitchInTransaction``, and ``OperationalError`` if a change holds it
    up for too long.
    """
    origin = Origin(person=person, name=name, source=source, address=address)

    def write(row: MaintenanceMode) -> ModeSwitch:
        row.is_enabled, row.closes_itself = False, False
        row.reason, row.until, row.settled = reason, None, None
        _sign(row, origin)
        windows = Window.objects.using(database()).recorded_open()
        window = windows.first()
        windows.update(ended=Now(), ended_by=origin.person_name)
        return trail.note(
            row, enabled=False, origin=origin, using=database(), reason=reason, window=window
        )

    timeout = float(conf.get("MAINTENANCE_SWITCH_TIMEOUT"))
    row, changed = _switch(write, enabled=False, timeout=timeout)
    return Switch(row.is_enabled, changed, True, 0, 0.0, row)


def settle(*, timeout: float) -> Switch:
    """Wait, for at most ``timeout`` seconds, until every change let in before is over.

    Puts it on record, for the row or for the window that holds the mode on. Raises
    ``SwitchInTransaction``.
    """
    try:
        record(timeout=timeout)
    except OperationalError as error:
        if not barrier.is_lock_timeout(error):
            raise
        return _unchanged(timeout)
    row = current()
    if not row.is_enabled or row.settled is not None:
        return Switch(row.is_enabled, False, row.settled is not None, in_flight(), 0.0, row)
    return _settle(row, timeout=timeout, changed=False)


def record(*, timeout: float = barrier.SLICE) -> bool:
    """Write what windows and the clock did since anybody last did; False if that was nothing.

    Any number of processes may do it at any time: one of them does.
    """
    if not trail.is_behind(database()):
        return False
    _, changed = _switch(None, enabled=None, timeout=timeout)
    return changed


def in_flight() -> int | None:
    """Count the changes still in progress on every host; None where that cannot be known."""
    return barrier.of(database()).in_flight()


def outermost() -> barrier.Barrier:
    """Return the barrier of the mode's database for a transaction of our own.

    Raises ``SwitchInTransaction``.
    """
    connection = connections[database()]
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise SwitchInTransaction(
            "The mode cannot be switched inside a transaction: it would not be on before that ends."
        )
    return barrier.of(database())


def _switch(
    write: Callable[[MaintenanceMode], ModeSwitch] | None, *, enabled: bool | None, timeout: float
) -> tuple[MaintenanceMode, bool]:
    """Catch up with the clock, then write, in one transaction; False if nothing was written.

    Signals what happened once it has committed.
    """
    using = database()
    with outermost().switching(timeout=timeout):
        row = trail.lock(using)
        entries = caught = trail.catch_up(row, using)
        changed = bool(entries)
        if write is not None:
            changed = trail.is_on(row, using) != enabled
            if changed:
                entries = [*caught, write(row)]
                row.save(using=using)
                row.refresh_from_db(using=using, fields=["since"])
    shown = current()
    trail.announce(entries, shown)
    return shown if shown.window else row, changed


def _sign(row: MaintenanceMode, origin: Origin) -> None:
    row.person_id, row.person_name = origin.person_id, origin.person_name
    since: Any = Now()  # the database's clock: the hosts' clocks may differ
    row.since = since


def _settle(row: MaintenanceMode, *, timeout: float, changed: bool) -> Switch:
    """Take the exclusive side for as long as the mode stays as ``row`` has it."""
    mark = _mark_of(row)
    wait = outermost().settle(timeout=timeout, wanted=lambda: _mark_of(current()) == mark)
    if wait.settled:
        _write_settled(row, timeout=max(timeout - wait.waited, 0.1))
    found = current()
    settled = wait.settled and found.settled is not None and _mark_of(found) == mark
    in_flight = None if wait.settled and not settled and found.is_enabled else wait.in_flight
    return Switch(found.is_enabled, changed, settled, in_flight, wait.waited, found)


def _mark_of(row: MaintenanceMode) -> tuple[int, int | None]:
    return row.generation, row.window.pk if row.window else None


def _write_settled(row: MaintenanceMode, *, timeout: float) -> None:
    """Record it, unless the mode was switched or the window edited meanwhile.

    On SQLite this transaction is the exclusive side; where it cannot begin, nothing is settled.
    """
    try:
        with outermost().switching(timeout=timeout):
            _standing(row).filter(settled__isnull=True).update(settled=Now())
    except OperationalError as error:
        if not barrier.is_lock_timeout(error):
            raise


def _standing(row: MaintenanceMode) -> QuerySet[Any]:
    """Return what holds the mode on as ``row`` has it, if that is still so."""
    if row.window is None:
        modes = MaintenanceMode.objects.using(database()).on()
        return modes.filter(generation=row.generation)
    windows = Window.objects.using(database()).recorded_open()
    return windows.filter(pk=row.window.pk, version=row.window.version)


def _unchanged(waited: float) -> Switch:
    """Return what came of a wait for a lock that was in vain."""
    row = current()
    return Switch(row.is_enabled, False, False, None, waited, row)
