"""Answer a refused request in the form that whoever asked can use."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _

from maintenance import gate, kept
from maintenance.models import MaintenanceMode

HELP = _(
    "Users with the permission Administer System can turn maintenance mode off at"
    " Configuration → Maintenance. Until then everything can be looked at and nothing changed."
)
HELP_UNREADABLE = _(
    "An administrator should check the database. Pages can be looked at where it still answers."
)


def refusal(
    request: HttpRequest, view: Callable[..., Any] | None, row: MaintenanceMode | None
) -> HttpResponse:
    """Return the 503 for a refused request: a page, a fragment for htmx, or JSON."""
    is_fragment = request.headers.get("HX-Request") == "true"
    if wants_json(request) and not is_fragment:
        response: HttpResponse = _json(row)
    else:
        response = _html(request, view, row, is_fragment=is_fragment)
    add_never_cache_headers(response)
    response["Cache-Control"] = "no-store"
    # A refusal is an answer, not a fault: it must not be logged as an error or mailed to ADMINS.
    response._has_been_logged = True  # type: ignore[attr-defined]
    if row is not None and row.until is not None:
        response["Retry-After"] = str(_seconds_until(row.until))
    return response


def wants_json(request: HttpRequest) -> bool:
    """Whether JSON is asked for: by Accept where that names a type, else by what was sent."""
    accepted = [str(media) for media in request.accepted_types]
    if "application/json" in accepted or "text/html" in accepted:
        return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    return request.content_type == "application/json"


def _seconds_until(end: datetime) -> int:
    return max(1, int((end - timezone.now()).total_seconds()))


def _json(row: MaintenanceMode | None) -> JsonResponse:
    return JsonResponse(
        {
            "ErrorMessage": gate.describe(row),
            "Errors": [],
            "HelpText": HELP if row is not None else HELP_UNREADABLE,
            "InMaintenanceMode": True if row is not None else None,
            "Since": row.since if row is not None else None,
            "Until": row.until if row is not None else None,
            "Reason": row.reason if row is not None else None,
        },
        status=503,
    )


def _html(
    request: HttpRequest,
    view: Callable[..., Any] | None,
    row: MaintenanceMode | None,
    *,
    is_fragment: bool,
) -> HttpResponse:
    context = {
        "mode": row,
        "sentence": gate.describe(row),
        "help": HELP if row is not None else HELP_UNREADABLE,
        "kept": kept.form(request, view, gate.person_of(request)),
    }
    template = "maintenance/_refusal.html" if is_fragment else "maintenance/refusal.html"
    return render(request, template, context, status=503)
