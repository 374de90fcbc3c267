"""The admin site of this server: its words, and doors that stay open in maintenance mode."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from maintenance.decorators import maintenance_exempt

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class AdminSite(admin.AdminSite):
    site_title = _("Octoserver")
    site_header = _("Octoserver administration")
    index_title = _("Administration")

    @method_decorator([maintenance_exempt, login_not_required, never_cache])
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().login(request, extra_context)

    @method_decorator([maintenance_exempt, login_not_required])
    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        return super().logout(request, extra_context)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Mark each view of the site, and let everybody sign out, who may use the site or not."""
        if view == self.logout:
            return never_cache(csrf_protect(view))
        wrapped: Any = super().admin_view(view, cacheable)
        wrapped.admin_site = self
        return wrapped  # type: ignore[no-any-return]
