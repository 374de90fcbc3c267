"""The forms of the server's own pages and of the accounts in the admin site."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.forms import AuthenticationForm, UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.forms import ModelForm, ModelMultipleChoiceField
from django.utils.translation import gettext_lazy as _

from octoserver import authority, words

if TYPE_CHECKING:
    UserModelForm = UserChangeForm[User]
    PermissionChoiceField = ModelMultipleChoiceField[Permission]
    GroupModelForm = ModelForm[Group]
else:
    UserModelForm, GroupModelForm = UserChangeForm, ModelForm
    PermissionChoiceField = ModelMultipleChoiceField

LAST_ADMINISTRATOR = _(
    "Nobody would be left who holds Administer System. Give it to somebody else first."
)


class SignInForm(AuthenticationForm):
    error_messages = {
        "invalid_login": _(
            "This name and password do not match. Capital and small letters count in both."
        ),
        "inactive": _("This account is switched off. Ask an administrator."),
    }


class PermissionField(PermissionChoiceField):
    """Permissions, named in the reader's language."""

    def label_from_instance(self, obj: Permission) -> str:
        return words.permission(obj)


class UserForm(UserModelForm):
    """An account; the last one that holds Administer System keeps it."""

    GRANTING = ("is_active", "is_superuser", "user_permissions", "groups")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if authority.is_last_administrator(self.instance) and not self._stays_administrator():
            raise ValidationError(LAST_ADMINISTRATOR, code="last_administrator")
        return cleaned

    def _stays_administrator(self) -> bool:
        if self.errors.keys() & self.GRANTING:
            return True  # those are told first
        old = self.instance
        values = {
            "is_active": old.is_active,
            "is_superuser": old.is_superuser,
            "user_permissions": old.user_permissions.all(),
            "groups": old.groups.all(),
        }
        new = {name: self.cleaned_data.get(name, value) for name, value in values.items()}
        return authority.administers(**new)


class GroupForm(GroupModelForm):
    """A group; the one that makes the last administrators keeps Administer System."""

    class Meta:
        model = Group
        fields = ["name", "permissions"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        permissions = cleaned.get("permissions")
        if permissions is None or self.instance.pk is None:
            return cleaned
        keeps = authority.administer_system() in permissions
        if not keeps and authority.makes_last_administrators(self.instance):
            raise ValidationError(LAST_ADMINISTRATOR, code="last_administrator")
        return cleaned
