"""Tell load balancers and supervisors whether this process lives and may get work.

Neither answer depends on the mode, which only rides along, and neither names a host or a folder:
anybody may ask. The log has the whole sentence.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from maintenance import idle, mode
from octoserver import preflight

logger = logging.getLogger(__name__)


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process lives, whatever its database does."""
    return JsonResponse({"status": "ok", "in_maintenance_mode": in_maintenance_mode()})


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if requests can be served: the database answers and has every migration."""
    reasons = []
    if problem := preflight.database():
        reasons.append("The database cannot be reached.")
    elif problem := preflight.migrations():
        reasons.append("Migrations are not applied.")
    if problem:
        logger.warning("Not ready: %s", problem)
    content = {
        "status": "not ready" if reasons else "ready",
        "reasons": reasons,
        "in_maintenance_mode": None if reasons else in_maintenance_mode(),
        "idle": None if reasons else is_idle(),
    }
    response = JsonResponse(content, status=503 if reasons else 200)
    # Said above; as an error of ours it would be mailed at every probe.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def in_maintenance_mode() -> bool | None:
    """Return the mode; nothing if it cannot be read, or not soon enough."""
    try:
        with promptly():
            return mode.current().is_enabled
    except DatabaseError:
        return None


def is_idle() -> bool | None:
    """Return whether the server may be stopped now; nothing if that cannot be read soon enough."""
    try:
        with promptly():
            return idle.look().idle
    except DatabaseError:
        return None


@contextmanager
def promptly() -> Iterator[None]:
    """Read within two seconds or not at all.

    A table locked by a migration would hold an answer back until the process is killed.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '2s'")
        yield
