"""Who may change whose account: nobody grants, or takes over, more than they hold themselves.

To set somebody's password is to be able to act as them, so all of an account is guarded by what the
account may do, also while it is switched off.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Concat

from octoserver.deployments.models import EnvironmentLimit
from octoserver.roles import ADMINISTER_SYSTEM


def grantable_permissions(editor: User) -> QuerySet[Permission]:
    """Return the permissions that a person holds and so may give to others."""
    permissions = Permission.objects.select_related("content_type")
    if editor.is_active and editor.is_superuser:
        return permissions
    label = Concat("content_type__app_label", Value("."), "codename")
    return permissions.alias(label=label).filter(label__in=editor.get_all_permissions())


def grantable_groups(editor: User) -> QuerySet[Group]:
    """Return the groups that hold, or let deploy to, nothing beyond what is a person's own."""
    groups = Group.objects.exclude(permissions__in=_withheld(editor))
    return groups.exclude(pk__in=_limits_of_others(editor))


def may_change_group(editor: User, group: Group) -> bool:
    return grantable_groups(editor).filter(pk=group.pk).exists()


def may_change_user(editor: User, user: User) -> bool:
    if editor.is_active and editor.is_superuser:
        return True
    if user.is_superuser:
        return False
    # Not by get_all_permissions(), which is empty for an account that is switched off.
    held = Permission.objects.filter(Q(user=user) | Q(group__user=user))
    if held.filter(pk__in=_withheld(editor)).exists():
        return False
    return not user.groups.filter(pk__in=_limits_of_others(editor)).exists()


def _withheld(editor: User) -> QuerySet[Permission]:
    """Return the permissions that a person does not hold."""
    return Permission.objects.exclude(pk__in=grantable_permissions(editor).values("pk"))


def _limits_of_others(editor: User) -> list[int]:
    """Return the groups that may deploy somewhere where a person may not."""
    if editor.has_perm(ADMINISTER_SYSTEM):
        return []
    limits = EnvironmentLimit.objects.exclude(group__in=editor.groups.all())
    return list(limits.values_list("group", flat=True))


def administrators(*, groups: QuerySet[Group] | None = None) -> QuerySet[User]:
    """Return who can sign in and holds Administer System, by these groups or any."""
    permission = administer_system()
    groups = (Group.objects.all() if groups is None else groups).filter(permissions=permission)
    return User.objects.filter(
        Q(is_superuser=True) | Q(user_permissions=permission) | Q(groups__in=groups),
        is_active=True,
    ).distinct()


def names_to_ask(limit: int) -> list[str]:
    """Return the names of some administrators, for people who need a permission."""
    return [user.get_username() for user in administrators().order_by("username")[:limit]]


def is_last_administrator(user: User) -> bool:
    """Whether nobody would hold Administer System without this account.

    In a transaction the answer stays true until its end: of two who ask at once, one waits.
    """
    with transaction.atomic():
        _wait_for_others()
        holders = administrators()
        return holders.filter(pk=user.pk).exists() and not holders.exclude(pk=user.pk).exists()


def makes_last_administrators(group: Group) -> bool:
    """Whether nobody would hold Administer System without this group; see above."""
    with transaction.atomic():
        _wait_for_others()
        others = administrators(groups=Group.objects.exclude(pk=group.pk))
        return administrators().exists() and not others.exists()


def administers(
    *,
    is_active: bool,
    is_superuser: bool,
    user_permissions: Iterable[Permission],
    groups: Iterable[Group],
) -> bool:
    """Whether an account with these values would hold Administer System."""
    permission = administer_system()
    if not is_active:
        return False
    return (
        is_superuser
        or permission in user_permissions
        or any(permission in group.permissions.all() for group in groups)
    )


def administer_system() -> Permission:
    """Return the permission that the mode asks for."""
    app_label, codename = ADMINISTER_SYSTEM.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def _wait_for_others() -> None:
    app_label, codename = ADMINISTER_SYSTEM.split(".")
    rows = Permission.objects.select_for_update(no_key=True, of=("self",))
    rows.get(content_type__app_label=app_label, codename=codename)
