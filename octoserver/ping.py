"""Tell a load balancer whether to send people to this node, as Octopus Deploy's nodes do.

Maintenance mode and a pause of the queue change nothing about it: pages are to be looked at, and
administrators work. Neither does a worker that is offline, since somebody has to see why.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from octoserver import health
from tasks.models import NodeState, ServerNode

OK, DRAINING, UNKNOWN = 200, 418, 503


@login_not_required
@never_cache
@require_safe
def ping(request: HttpRequest) -> JsonResponse:
    """Answer 200, 418 while this node is draining or drained, 503 if the database cannot say."""
    try:
        facts, status = _facts()
    except DatabaseError:
        connection.close()
        facts, status = {"reason": "The database cannot be reached."}, UNKNOWN
    mode = None if status == UNKNOWN else health.in_maintenance_mode()
    content = {"name": settings.NODE_NAME, **facts, "in_maintenance_mode": mode}
    response = JsonResponse(content, status=status)
    # An answer, not a fault: as an error of ours it would be mailed at every probe.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _facts() -> tuple[dict[str, Any], int]:
    """Return what is known of this node; one whose worker never started is offline."""
    with health.promptly():
        node = ServerNode.objects.with_state().filter(name=settings.NODE_NAME).first()
    if node is None:
        return {"state": NodeState.OFFLINE, "is_draining": False, "running_tasks": 0}, OK
    facts = {
        "state": node.state,
        "is_draining": node.is_draining,
        "running_tasks": node.running,
        "task_cap": node.task_cap,
        "version": node.version,
    }
    return facts, DRAINING if node.is_draining else OK
