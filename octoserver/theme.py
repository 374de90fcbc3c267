"""Light or dark: by what the reader chose, kept in a cookie, else by the reader's system."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from maintenance.decorators import maintenance_exempt

COOKIE = "theme"
CHOICES = ("light", "dark")
# Seconds; browsers keep a cookie for no longer than 400 days.
KEPT = 400 * 24 * 3600


def of(request: HttpRequest) -> str:
    """Return the theme that the reader chose; empty where it follows the reader's system."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in CHOICES else ""


@maintenance_exempt
@login_not_required
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep a choice, or forget it for any other value, and go back to where it was made."""
    response = redirect(_back(request))
    chosen = request.POST.get("theme", "")
    if chosen in CHOICES:
        response.set_cookie(
            COOKIE, chosen, max_age=KEPT, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response


def _back(request: HttpRequest) -> str:
    """Return the address that the form names, if it is one of this server."""
    wanted = request.POST.get("next", "")
    allowed = {request.get_host()}
    if url_has_allowed_host_and_scheme(wanted, allowed, require_https=request.is_secure()):
        return wanted
    return resolve_url("home")
