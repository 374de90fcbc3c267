"""Decide who may change things, in one place, and let changes in.

``check`` is for code that changes something for a person outside a request, or inside one on behalf
of somebody else; ``Passage`` is the transaction that the middleware puts around a view.
"""

import time
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from maintenance import barrier, conf, mode
from maintenance.models import MaintenanceMode

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# How often, and how far apart in seconds, a change looks again when a switch was overtaken.
LOOKS, PAUSE = 40, 0.05


class InMaintenanceMode(Exception):  # noqa: N818 a state of the world
    """The mode is on and the person may not change anything.

    ``mode`` is the row that said so; None if it could not be read.
    """

    def __init__(self, mode: MaintenanceMode | None) -> None:
        self.mode = mode
        super().__init__(describe(mode))


def describe(row: MaintenanceMode | None) -> str:
    """Say in one sentence why a change is refused."""
    if row is None:
        return _("The server cannot tell whether it is in maintenance mode, so it changes nothing.")
    if row.person_name and row.reason:
        words = _("The server is in maintenance mode, turned on by %(name)s: %(reason)s.")
    elif row.person_name:
        words = _("The server is in maintenance mode, turned on by %(name)s.")
    elif row.reason:
        words = _("The server is in maintenance mode: %(reason)s.")
    else:
        words = _("The server is in maintenance mode.")
    return words % {"name": row.person_name, "reason": row.reason.rstrip(".")}


def person_of(request: HttpRequest) -> Any:
    """Return the person behind a request: its user, or whom ``MAINTENANCE_PERSON`` names."""
    path = conf.get("MAINTENANCE_PERSON")
    if path:
        return import_string(path)(request) or AnonymousUser()
    return getattr(request, "user", None) or AnonymousUser()


def is_administrator(person: Any) -> bool:
    """Whether a person holds Administer System; nobody does not."""
    return person is not None and bool(person.has_perm(conf.ADMINISTER_SYSTEM))


def admits(*, enabled: bool, administrator: bool, method: str, exempt: bool) -> bool:
    """Decide on a request: the whole truth table of the gate."""
    return not enabled or administrator or method in SAFE_METHODS or exempt


def check(person: Any) -> None:
    """Let a person's change into the transaction that is open on the mode's database.

    Call it before the first write. Raises ``InMaintenanceMode`` if the person must wait, and
    ``TransactionManagementError`` where no transaction is open: the barrier would not hold.
    """
    connection = connections[mode.database()]
    passage = _passage.get()
    if passage is not None and passage.covers(person, connection):
        return
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "gate.check() needs the transaction that the change will be written in."
        )
    admit(person)


def admit(person: Any) -> bool:
    """Take the shared side, then read the mode, in this order and as two statements.

    Returns whether the shared side is held; an administrator passes without it. Raises
    ``InMaintenanceMode``.
    """
    side = barrier.of(mode.database())
    for _look in range(LOOKS):
        entered = side.enter()
        enabled = mode.is_enabled()
        if entered and not enabled:
            return True
        if is_administrator(person):
            return entered
        if enabled:
            raise InMaintenanceMode(mode.current())
        time.sleep(PAUSE)  # a switch was overtaken: its exclusive side is about to go
    raise InMaintenanceMode(None)


class Passage:
    """A transaction on the mode's database that spans a view, opened here and ended later."""

    def __init__(self, block: AbstractContextManager[None], *, person: Any = None) -> None:
        self.person = person
        self.failed = False
        self._block = block
        block.__enter__()
        self._connection: BaseDatabaseWrapper | None = connections[mode.database()]

    def covers(self, person: Any, connection: BaseDatabaseWrapper) -> bool:
        """Whether the person was let into the very transaction that is open on ``connection``.

        A context may be copied into another thread, and may outlive the transaction.
        """
        return (
            connection is self._connection
            and connection.in_atomic_block
            and person is not None
            and getattr(self.person, "pk", None) is not None
            and self.person.pk == getattr(person, "pk", None)
        )

    def close(self, *, failed: bool = False) -> None:
        """Commit, or roll back where anything failed. Raises what committing raises."""
        _passage.set(None)
        self._connection = None
        if failed or self.failed:
            connection = connections[mode.database()]
            if connection.in_atomic_block:
                transaction.set_rollback(True, using=mode.database())
        self._block.__exit__(None, None, None)


def admitted(person: Any) -> Passage:
    """Begin the transaction of a person's change.

    Raises ``InMaintenanceMode``, leaving no transaction open.
    """
    passage = unchecked(person)
    try:
        admit(person)
    except BaseException:
        passage.close(failed=True)
        raise
    return passage


def unchecked(person: Any) -> Passage:
    """Begin the transaction of a change without asking: for whom the mode could not refuse."""
    passage = Passage(barrier.of(mode.database()).change(), person=person)
    _passage.set(passage)
    return passage


_passage: ContextVar[Passage | None] = ContextVar("maintenance_passage", default=None)
