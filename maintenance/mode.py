"""Read and switch the mode. The one module that writes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import OperationalError, connections, router
from django.db.models.functions import Now

from maintenance import barrier, conf, refusals, signals
from maintenance.models import MaintenanceMode, ModeSwitch, Source


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
    """Return the mode as its row says it now; off if there is no row.

    Raises ``DatabaseError`` if the row cannot be read: nobody may then be let in.
    """
    row = MaintenanceMode.objects.using(database()).filter(pk=MaintenanceMode.SINGLETON).first()
    return row or MaintenanceMode()


def is_enabled() -> bool:
    """Read the one fact that decides, past the ORM, since every request may pay for it.

    Raises ``DatabaseError`` if it cannot be read.
    """
    with connections[database()].cursor() as cursor:
        cursor.execute(_SELECT_ENABLED, [MaintenanceMode.SINGLETON])
        row = cursor.fetchone()
    return row is not None and bool(row[0])


_SELECT_ENABLED = "SELECT is_enabled FROM maintenance_maintenancemode WHERE id = %s"


def enable(
    *,
    person: AbstractBaseUser | None = None,
    name: str = "",
    reason: str = "",
    until: datetime | None = None,
    source: str = Source.CODE,
    address: str = "",
    timeout: float | None = None,
) -> Switch:
    """Turn the mode on and wait until every change let in before is over.

    ``name`` is shown where there is no ``person``, as for a switch from a shell. ``until`` is the
    expected end, shown to people. ``timeout`` is in seconds, by default
    ``MAINTENANCE_SWITCH_TIMEOUT``; past it PostgreSQL keeps the flag on and SQLite changes nothing,
    nor does PostgreSQL where a change holds a row that the switch itself needs.
    Enabling what is on already changes nothing and waits again. Raises ``SwitchInTransaction``.
    """
    timeout = float(conf.get("MAINTENANCE_SWITCH_TIMEOUT")) if timeout is None else timeout
    side = _barrier()
    try:
        with side.switching(timeout=timeout):
            row, changed = _write(
                {"is_enabled": True, "reason": reason, "until": until},
                person=person,
                name=name,
                source=source,
                address=address,
            )
    except OperationalError as error:
        if not barrier.is_lock_timeout(error):
            raise
        row = current()
        return Switch(row.is_enabled, False, False, None, timeout, row)
    if changed:
        signals.mode_enabled.send_robust(sender=MaintenanceMode, mode=row)
        refusals.prune()
    wait = side.settle(timeout=timeout, wanted=lambda: current().generation == row.generation)
    if not wait.settled:
        row = current()
    return Switch(row.is_enabled, changed, wait.settled, wait.in_flight, wait.waited, row)


def disable(
    *,
    person: AbstractBaseUser | None = None,
    name: str = "",
    reason: str = "",
    source: str = Source.CODE,
    address: str = "",
) -> Switch:
    """Turn the mode off. Needs no barrier; disabling what is off already changes nothing.

    Raises ``SwitchInTransaction``, and ``OperationalError`` if a change holds it up for too long.
    """
    timeout = float(conf.get("MAINTENANCE_SWITCH_TIMEOUT"))
    with _barrier().switching(timeout=timeout):
        row, changed = _write(
            {"is_enabled": False, "reason": reason, "until": None},
            person=person,
            name=name,
            source=source,
            address=address,
        )
    if changed:
        signals.mode_disabled.send_robust(sender=MaintenanceMode, mode=row)
    return Switch(row.is_enabled, changed, True, 0, 0.0, row)


def in_flight() -> int | None:
    """Count the changes still in progress on every host; None where that cannot be known."""
    return barrier.of(database()).in_flight()


def _barrier() -> barrier.Barrier:
    connection = connections[database()]
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise SwitchInTransaction(
            "The mode cannot be switched inside a transaction: it would not be on before that ends."
        )
    return barrier.of(database())


def _write(
    values: Mapping[str, Any],
    *,
    person: AbstractBaseUser | None,
    name: str,
    source: str,
    address: str,
) -> tuple[MaintenanceMode, bool]:
    """Write the row and its trail, inside a transaction; False if the mode is so already."""
    rows = MaintenanceMode.objects.using(database())
    rows.get_or_create(pk=MaintenanceMode.SINGLETON)
    row = rows.select_for_update().get(pk=MaintenanceMode.SINGLETON)
    if row.is_enabled == values["is_enabled"]:
        return row, False
    row.is_enabled = values["is_enabled"]
    row.reason, row.until = values["reason"], values["until"]
    row.generation += 1
    row.person_id = person.pk if person is not None else None
    row.person_name = person.get_username() if person is not None else name
    row.since = Now()  # the database's clock: the hosts' clocks may differ
    row.save()
    row.refresh_from_db(fields=["since"])
    ModeSwitch.objects.using(database()).create(
        enabled=row.is_enabled, generation=row.generation, person_id=row.person_id,
        person_name=row.person_name, source=source, address=address[:255], reason=row.reason,
        until=row.until,
    )  # fmt: skip
    return row, True
