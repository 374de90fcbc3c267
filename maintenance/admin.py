"""The mode in the admin site: its row, trail and refusals, and URLs of our own to switch it.

The admin's change form runs inside a transaction, where a switch could not be a barrier.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from maintenance import views
from maintenance.models import MaintenanceMode, ModeSwitch, Refusal, Source

TEMPLATE = "admin/maintenance/maintenancemode/change_list.html"


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only the mode itself writes."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AdminSwitch(views.SwitchView):
    """A switch that shows the admin site's own page."""

    source = Source.ADMIN
    page = "admin:maintenance_maintenancemode_changelist"
    template_name = TEMPLATE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return admin_context(self.request) | super().get_context_data(**kwargs)


class AdminEnable(AdminSwitch, views.Enable):
    pass


class AdminDisable(AdminSwitch, views.Disable):
    pass


def admin_context(request: HttpRequest) -> dict[str, Any]:
    """Return what every page of the admin site shows, with this page's title."""
    title = {"opts": MaintenanceMode._meta, "title": _("Maintenance mode")}
    return admin.site.each_context(request) | title


@admin.register(MaintenanceMode)
class MaintenanceModeAdmin(ReadOnlyAdmin):
    """There is one row or none, so its list is the page that switches."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "maintenance_maintenancemode_"
        return [
            path("enable/", wrap(AdminEnable.as_view()), name=f"{name}enable"),
            path("disable/", wrap(AdminDisable.as_view()), name=f"{name}disable"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = admin_context(request) | views.overview(request) | (extra_context or {})
        return TemplateResponse(request, TEMPLATE, context)


@admin.register(ModeSwitch)
class ModeSwitchAdmin(ReadOnlyAdmin):
    list_display = ("time", "enabled", "person_name", "source", "address", "reason", "until")
    list_filter = ("enabled", "source")


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    list_display = ("last_time", "person_name", "method", "path", "view", "count")
    list_filter = ("method",)
