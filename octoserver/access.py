"""Deny by default: every view says who may use it, and this is asked before anything else.

A view declares itself with Django's own means: ``PermissionRequiredMixin`` or an attribute
``permission_required`` on a function, ``LoginRequiredMixin``, or ``login_not_required``. The
declaration is read before the view and before maintenance mode's gate, so that a person who may
not do a thing at all is told that, whatever the mode is. The admin site declares its views by
``AdminSite.has_permission``; what its pages check beyond that, they check themselves.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.core import checks
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, get_resolver

from maintenance import kept

View = Callable[..., HttpResponseBase]


class SignInMiddleware(LoginRequiredMiddleware):
    """Send who is signed out to sign in; but show again what a refusal kept for them."""

    def handle_no_permission(self, request: HttpRequest, view_func: View) -> Any:
        form = kept.of_signed_out(request, view_func)
        if form is None:
            return super().handle_no_permission(request, view_func)
        return render(request, "octoserver/signed_out.html", {"kept": form}, status=403)


@dataclass(frozen=True)
class Declaration:
    """Who may use a view: anybody, or who holds the permissions and is let into the admin site."""

    is_public: bool = False
    permissions: tuple[str, ...] = ()
    site: AdminSite | None = None

    def admits(self, request: HttpRequest) -> bool:
        if self.is_public:
            return True
        if self.site is not None and not self.site.has_permission(request):
            return False
        return request.user.is_authenticated and request.user.has_perms(self.permissions)


def declaration(view: View) -> Declaration | None:
    """Return what a resolved view declares; None if it says nothing."""
    if not getattr(view, "login_required", True):
        return Declaration(is_public=True)
    permissions, site = _declared_permissions(view), _admin_site(view)
    if permissions is None and site is None:
        return None
    return Declaration(permissions=permissions or (), site=site)


def _admin_site(view: View) -> AdminSite | None:
    """Return the admin site that a view belongs to; Django marks the view with one of two names."""
    site: AdminSite | None = getattr(view, "admin_site", None)
    return site or getattr(getattr(view, "model_admin", None), "admin_site", None)


def _declared_permissions(view: View) -> tuple[str, ...] | None:
    """Return the permissions that a view asks for, none for any signed-in person."""
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return _as_tuple(getattr(view, "permission_required", None))
    if issubclass(view_class, PermissionRequiredMixin):
        given = getattr(view, "view_initkwargs", {})
        return _as_tuple(given.get("permission_required", view_class.permission_required))
    return () if issubclass(view_class, LoginRequiredMixin) else None


def _as_tuple(permissions: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if permissions is None:
        return None
    return (permissions,) if isinstance(permissions, str) else tuple(permissions)


class AccessMiddleware:
    """Answer 403 to a signed-in person whom the view does not admit.

    Stands after ``SignInMiddleware``, which sends the others to sign in, and before
    maintenance mode's gate.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        return _reload() if _sends_a_fragment_to_sign_in(request, response) else response

    def process_view(
        self, request: HttpRequest, view: View, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        declared = declaration(view)
        if declared is None or not declared.admits(request):
            raise PermissionDenied


def _sends_a_fragment_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether somebody's session ended behind a live page, which would show a sign-in within it."""
    if response.status_code != 302 or not getattr(request, "htmx", False):
        return False
    view = request.resolver_match.func if request.resolver_match else None
    return not request.user.is_authenticated and getattr(view, "login_required", True)


def _reload() -> HttpResponse:
    return HttpResponse(status=401, headers={"HX-Refresh": "true", "Cache-Control": "no-store"})


def url_patterns(
    resolver: URLResolver | None = None, *, prefix: str = "", namespace: str = ""
) -> Iterator[tuple[str, str, View]]:
    """Yield the route, the full name and the view of every entry of the URL table."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield route, f"{namespace}{entry.name or ''}", entry.callback
        else:
            below = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from url_patterns(entry, prefix=route, namespace=below)


def check_every_view_is_declared(**kwargs: Any) -> list[checks.CheckMessage]:
    """Name each view that does not say who may use it, and that is refused to everybody."""
    return [
        checks.Error(
            f"The view of '{route}' does not declare who may use it.",
            hint="Give it PermissionRequiredMixin, LoginRequiredMixin or login_not_required.",
            obj=view,
            id="octoserver.E001",
        )
        for route, _, view in url_patterns()
        if declaration(view) is None
    ]
