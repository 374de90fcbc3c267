"""Pause the whole queue: the one module that writes it.

While it is paused nothing that people queued starts, on any node. What runs goes on, people go on
queuing, and system tasks keep their beat. Drain is about one node; maintenance mode about people.
"""

import logging
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tasks import admission, clock, wake
from tasks.models import QueuePause

PAUSE = "tasks.pause_queue"

logger = logging.getLogger(__name__)


def current() -> QueuePause:
    """Return the pause as its row says it now; none if there is no row."""
    return QueuePause.objects.filter(pk=QueuePause.SINGLETON).first() or QueuePause()


def describe(row: QueuePause) -> str:
    """Say in a sentence that the queue is paused, by whom and why."""
    if row.person_name and row.reason:
        words = _("The queue is paused by %(name)s: %(reason)s.")
    elif row.person_name:
        words = _("The queue is paused by %(name)s.")
    elif row.reason:
        words = _("The queue is paused: %(reason)s.")
    else:
        words = _("The queue is paused.")
    return words % {"name": row.person_name, "reason": row.reason.rstrip(".")}


def pause(*, person: Any = None, name: str = "", reason: str = "") -> bool:
    """Let nothing of people's start from the commit on; False if the queue is paused already.

    ``name`` is kept where there is no ``person``, as for a shell. A pause that is on keeps its who,
    when and why. Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    return _write(is_paused=True, person=person, name=name, reason=reason)


def resume(*, person: Any = None, name: str = "") -> bool:
    """Let tasks start again, and wake workers; False if the queue is not paused. Raises alike."""
    changed = _write(is_paused=False, person=person, name=name, reason="")
    if changed:
        transaction.on_commit(wake.request, robust=True)
    return changed


def _write(*, is_paused: bool, person: Any, name: str, reason: str) -> bool:
    with transaction.atomic():
        admission.admit(person, PAUSE)
        QueuePause.objects.get_or_create(pk=QueuePause.SINGLETON)
        who = name if person is None and name else admission.name_of(person)
        changed = QueuePause.objects.filter(is_paused=not is_paused).update(
            is_paused=is_paused,
            since=clock.moment(),
            reason=reason.replace("\0", ""),
            person_id=getattr(person, "pk", None),
            person_name=who[:150],
        )
    if changed:
        logger.info("The queue was %s by %s.", "paused" if is_paused else "resumed", who)
    return bool(changed)
