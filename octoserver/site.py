"""The admin site of this server: its words, and doors that stay open in maintenance mode."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from maintenance.decorators import maintenance_exempt


class AdminSite(admin.AdminSite):
    site_title = _("Octoserver administration")
    site_header = _("Octoserver administration")
    index_title = _("Administration")

    @method_decorator(maintenance_exempt)
    @method_decorator(never_cache)
    @login_not_required
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().login(request, extra_context)

    @method_decorator(maintenance_exempt)
    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().logout(request, extra_context)
