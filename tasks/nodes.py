"""Change server nodes for people: their task cap, their drain, and that they are forgotten.

What a worker says of its own node is written by ``tasks.node``.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from tasks import admission, wake
from tasks.models import ServerNode, ServerTask

CHANGE = "tasks.change_servernode"
DELETE = "tasks.delete_servernode"
# A task is a thread of the worker: more than these would be a slip of the keyboard.
LARGEST_CAP = 500

logger = logging.getLogger(__name__)


def overview() -> list[ServerNode]:
    """Return every node with its state and the tasks that it runs, in two queries."""
    found = list(ServerNode.objects.with_state())
    running: dict[int | None, list[ServerTask]] = {}
    for task in ServerTask.objects.on_nodes(found).defer("arguments"):
        running.setdefault(task.node_id, []).append(task)
    for node in found:
        node.running_tasks = running.get(node.pk, [])
    return found


class BadCap(Exception):  # noqa: N818 a state of the world
    """The number is no task cap."""

    def __init__(self) -> None:
        super().__init__(
            _("A task cap is a whole number from 1 to %(most)d.") % {"most": LARGEST_CAP}
        )


def set_cap(node: ServerNode, cap: int, *, person: Any = None) -> bool:
    """Change how many tasks of people the node runs at once; False if its row is gone.

    Its worker learns it within a second; what runs beyond a lower cap finishes. Raises ``BadCap``,
    ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    if not 1 <= cap <= LARGEST_CAP:
        raise BadCap
    changed = _update(node, person=person, task_cap=cap)
    _wake()
    return changed


def drain(node: ServerNode, *, person: Any = None) -> bool:
    """Let the node start nothing more and finish what it runs; False if it drains already.

    Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    return _update(node, person=person, was={"is_draining": False}, is_draining=True)


def resume(node: ServerNode, *, person: Any = None) -> bool:
    """Let the node start tasks again; False if it does not drain. Raises as ``drain``."""
    changed = _update(node, person=person, was={"is_draining": True}, is_draining=False)
    _wake()
    return changed


def delete(node: ServerNode, *, person: Any = None, now: datetime | None = None) -> bool:
    """Forget a node that is offline; False if it lives, or is gone.

    Its tasks keep its name. Should its worker start again, the node is there again, with the cap of
    its settings. Raises ``PermissionDenied`` and ``maintenance.gate.InMaintenanceMode``.
    """
    with transaction.atomic():
        admission.admit(person, DELETE)
        row = ServerNode.objects.silent(now).select_for_update().filter(pk=node.pk).first()
        if row is None:
            return False
        row.delete()
    logger.info("Server node %s was deleted by %s.", node, admission.name_of(person))
    return True


def _update(
    node: ServerNode, *, person: Any, was: dict[str, Any] | None = None, **change: Any
) -> bool:
    with transaction.atomic():
        admission.admit(person, CHANGE)
        changed = ServerNode.objects.filter(pk=node.pk, **(was or {})).update(**change)
    if changed:
        logger.info("Server node %s: %s, by %s.", node, change, admission.name_of(person))
    return bool(changed)


def _wake() -> None:
    transaction.on_commit(wake.request, robust=True)
