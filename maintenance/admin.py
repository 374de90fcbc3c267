"""The mode in the admin site: its row, trail and refusals, and URLs of our own to switch it.

The admin's change form runs inside a transaction, where a switch could not be a barrier.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maintenance import gate, views
from maintenance.models import (
    MaintenanceMode,
    ModeSwitch,
    Refusal,
    Source,
    Step,
    Window,
)
from maintenance.notices import webhooks
from maintenance.notices.forms import WebhookForm
from maintenance.notices.models import Webhook

# A number of more digits may be none that the engine takes.
LONGEST_NUMBER = 18
TEMPLATE = "admin/maintenance/maintenancemode/change_list.html"


if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


class OfferedLookups(ModelAdmin):
    """A list that is asked for nothing but what its own filters ask.

    What else can be typed into its address may be beyond the engine, such as a broken pattern, or
    find out a secret letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        if "\0" in value or (value.isdecimal() and len(value) > LONGEST_NUMBER):
            return False
        return any(
            lookup == name
            or (lookup.startswith(f"{name}__") and lookup.endswith(("__exact", "__isnull")))
            for name in self.list_filter
        )


class ReadOnlyAdmin(OfferedLookups):
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
    enable_url = "admin:maintenance_maintenancemode_enable"
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


class StepText:
    """The words of a step in the reader's language."""

    @admin.display(description=gettext_lazy("text"))
    def shown_text(self, step: Step) -> str:
        return _(step.text)


class StepInline(StepText, TabularInline):
    """The checklist of a window, to look at."""

    model = Step
    fields = ("position", "shown_text", "done", "done_by")
    readonly_fields = fields
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Window)
class WindowAdmin(ReadOnlyAdmin):
    """To look at; what changes a window is on its own page, which each one links to."""

    list_display = (
        "starts", "ends", "activity", "reason", "person_name", "opened", "ended", "called_off",
    )  # fmt: skip
    list_filter = ("activity",)
    # With what the clock and its writers put down, which is no form's to edit.
    readonly_fields = ("edited", "opened", "settled", "ended", "called_off")
    inlines = (StepInline,)


@admin.register(Step)
class StepAdmin(StepText, ReadOnlyAdmin):
    list_display = ("window", "position", "shown_text", "done", "done_by")
    list_filter = ("window",)
    list_select_related = ("window",)


@admin.register(Webhook)
class WebhookAdmin(OfferedLookups):
    """For those who hold Administer System; a new one is made on a page that shows its secret."""

    list_display = ("name", "url", "is_enabled")
    fields = ("name", "url", "is_enabled", "secret")
    form = WebhookForm

    def has_module_permission(self, request: HttpRequest) -> bool:
        return gate.is_administrator(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return gate.is_administrator(request.user)

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest) -> bool:
        return gate.is_administrator(request.user)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return redirect("maintenance:new_webhook")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = form.cleaned_data.get("secret", "")
        webhooks.save(obj, secret=given, by=request.user.get_username())
