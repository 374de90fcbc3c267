"""Accounts and groups in the admin site, where nobody grants what they do not hold (G9)."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ManyToManyField, Model
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from octoserver import authority
from octoserver.forms import LAST_ADMINISTRATOR, GroupForm, PermissionField, UserForm
from tasks.admin import OfferedLookups

if TYPE_CHECKING:
    StockUserAdmin = auth_admin.UserAdmin[User]
else:
    StockUserAdmin = auth_admin.UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


class GuardedAdmin(OfferedLookups):
    """What accounts and groups have in common: rows that some editors may only look at."""

    def may_change(self, editor: User, obj: Any) -> bool:
        raise NotImplementedError

    def is_last(self, obj: Any) -> bool:
        """Whether nobody would be left to administer the server without this row."""
        raise NotImplementedError

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._admits(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._admits(request, obj)

    def _admits(self, request: HttpRequest, obj: Model | None) -> bool:
        if obj is None:
            return True
        return request.user.is_authenticated and self.may_change(request.user, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer no deletion in bulk, which would ask about all rows at once."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def formfield_for_manytomany(
        self,
        db_field: "ManyToManyField[Any, Any]",
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Offer, and accept, only what the editor holds."""
        if request is None or not request.user.is_authenticated:
            raise PermissionDenied
        if db_field.name == "groups":
            kwargs["queryset"] = authority.grantable_groups(request.user)
        else:
            kwargs["queryset"] = authority.grantable_permissions(request.user)
            kwargs["form_class"] = PermissionField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if not self._admits(request, kwargs.get("obj")):
            messages.warning(
                request,
                _("This holds permissions that you do not hold, so you can only look at it."),
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            obj = self.get_object(request, unquote(object_id))
            if obj and self.has_delete_permission(request, obj) and self.is_last(obj):
                messages.error(request, LAST_ADMINISTRATOR)
                return HttpResponseRedirect("../change/")
            if obj:
                _hold(obj)
        return super().delete_view(request, object_id, extra_context)


def _hold(obj: Model) -> None:
    """Wait for whoever names this row just now, before it is asked what goes with it.

    After the question whether it is the last one, in the order in which a change waits, too.
    """
    with transaction.atomic():
        list(type(obj)._default_manager.select_for_update().filter(pk=obj.pk).values_list("pk"))


@admin.register(User)
class UserAdmin(GuardedAdmin, StockUserAdmin):
    form = UserForm
    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_staff")

    def may_change(self, editor: User, obj: User) -> bool:
        return authority.may_change_user(editor, obj)

    def is_last(self, obj: User) -> bool:
        return authority.is_last_administrator(obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave the password and its button out where only looking is possible."""
        fieldsets = super().get_fieldsets(request, obj)
        if self._admits(request, obj):
            return fieldsets
        return [(None, {"fields": ("username",)}), *list(fieldsets)[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        is_superuser = request.user.is_authenticated and request.user.is_superuser
        return fields if is_superuser else (*fields, "is_superuser")


@admin.register(Group)
class GroupAdmin(GuardedAdmin, auth_admin.GroupAdmin):
    form = GroupForm

    def may_change(self, editor: User, obj: Group) -> bool:
        return authority.may_change_group(editor, obj)

    def is_last(self, obj: Group) -> bool:
        return authority.makes_last_administrators(obj)
