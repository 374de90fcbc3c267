"""G9: nobody grants what they do not hold, by no page and no crafted form of the admin site."""

import time
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from octoserver import authority, roles
from octoserver.forms import LAST_ADMINISTRATOR
from tests.conftest import ClientFor
from tests.factories import PASSWORD, UserFactory, group_of

pytestmark = pytest.mark.django_db

NOT_OFFERED = "is not one of the available choices"
NEW_PASSWORD = {"password1": "quiet green elephants", "password2": "quiet green elephants"}


def administer_system() -> Permission:
    return Permission.objects.get(codename="administer_system")


def page(name: str, row: User | Group | None = None) -> str:
    model = "group" if isinstance(row, Group) else "user"
    return reverse(f"admin:auth_{model}_{name}", args=[row.pk] if row else [])


def user_form(user: User, **changes: Any) -> dict[str, Any]:
    """Return what the change form of an account sends, with some values changed."""
    data: dict[str, Any] = {
        "username": user.username,
        "email": user.email,
        "groups": list(user.groups.values_list("pk", flat=True)),
        "user_permissions": list(user.user_permissions.values_list("pk", flat=True)),
        "date_joined_0": "2026-01-01",
        "date_joined_1": "12:00:00",
    }
    flags = {
        name: "on" for name in ("is_active", "is_staff", "is_superuser") if getattr(user, name)
    }
    data |= flags | changes
    return {name: value for name, value in data.items() if value is not None}


def group_form(group: Group, **changes: Any) -> dict[str, Any]:
    permissions = list(group.permissions.values_list("pk", flat=True))
    return {"name": group.name, "permissions": permissions} | changes


def administers(user: User) -> bool:
    """Whether an account holds Administer System, switched on or not."""
    user = User.objects.get(pk=user.pk)
    user.is_active = True
    return user.has_perm(roles.ADMINISTER_SYSTEM) or user.is_superuser


def text(response: HttpResponse) -> str:
    return response.content.decode()


@pytest.fixture
def manager(system_manager: User, client_for: ClientFor) -> Client:
    return client_for(system_manager)


# What a system manager tries with accounts that hold more


@pytest.fixture(params=["by role", "by a permission of their own", "superuser", "switched off"])
def mightier(request: pytest.FixtureRequest) -> User:
    """An account that holds Administer System, in one of the ways that there are."""
    if request.param == "by a permission of their own":
        user: User = UserFactory(username="alma", is_staff=True)
        user.user_permissions.add(administer_system())
        return user
    if request.param == "superuser":
        return UserFactory(username="alma", is_superuser=True)
    is_active = request.param == "by role"
    return UserFactory(username="alma", is_active=is_active, role=roles.SYSTEM_ADMINISTRATOR)


def test_a_manager_may_look_at_a_mightier_account_but_gets_no_form(
    manager: Client, mightier: User
) -> None:
    response = manager.get(page("change", mightier))
    assert response.status_code == 200
    assert "you can only look at it" in text(response)
    assert 'name="_save"' not in text(response)
    assert 'name="username"' not in text(response)
    assert "password/" not in text(response).partition("<main")[2]


def test_a_manager_cannot_change_a_mightier_account(manager: Client, mightier: User) -> None:
    data = user_form(mightier, username="renamed", is_active="on")
    assert manager.post(page("change", mightier), data).status_code == 403
    assert not User.objects.filter(username="renamed").exists()


def test_a_manager_cannot_set_the_password_of_a_mightier_account(
    manager: Client, mightier: User
) -> None:
    address = page("password_change", mightier)
    assert manager.get(address).status_code == 403
    assert manager.post(address, NEW_PASSWORD).status_code == 403
    mightier.refresh_from_db()
    assert mightier.check_password(PASSWORD)


def test_a_manager_cannot_delete_a_mightier_account(manager: Client, mightier: User) -> None:
    assert manager.get(page("delete", mightier)).status_code == 403
    assert manager.post(page("delete", mightier), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=mightier.pk).exists()


def test_not_even_an_administrator_changes_a_superuser(
    administrator: User, superuser: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    assert client.post(page("change", superuser), user_form(superuser)).status_code == 403
    assert client.post(page("password_change", superuser), NEW_PASSWORD).status_code == 403
    assert client.post(page("delete", superuser), {"post": "yes"}).status_code == 403


def test_a_manager_who_has_lost_a_permission_cannot_take_over_one_who_has_it(
    system_manager: User, manager: Client
) -> None:
    colleague: User = UserFactory(role=roles.SYSTEM_MANAGER)
    system_manager.groups.clear()
    system_manager.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "change_user", "add_user"])
    )
    address = page("password_change", colleague)
    assert manager.post(address, NEW_PASSWORD).status_code == 403


# What a system manager tries to give to an account


@pytest.fixture(params=["themselves", "a deployer"])
def lesser(request: pytest.FixtureRequest, system_manager: User, deployer: User) -> User:
    return system_manager if request.param == "themselves" else deployer


def test_the_form_offers_a_manager_only_what_they_hold(manager: Client, lesser: User) -> None:
    fields = manager.get(page("change", lesser)).context["adminform"].form.fields
    assert administer_system() not in fields["user_permissions"].queryset
    assert group_of(roles.SYSTEM_ADMINISTRATOR) not in fields["groups"].queryset
    assert set(fields["groups"].queryset) == {
        group_of(roles.SYSTEM_MANAGER),
        group_of(roles.PROJECT_DEPLOYER),
        group_of(roles.PROJECT_VIEWER),
    }
    assert "is_superuser" not in fields


def test_a_manager_cannot_give_the_permission(manager: Client, lesser: User) -> None:
    data = user_form(lesser, user_permissions=[administer_system().pk])
    assert NOT_OFFERED in text(manager.post(page("change", lesser), data))
    assert not administers(lesser)


def test_a_manager_cannot_give_a_group_that_has_the_permission(
    manager: Client, lesser: User
) -> None:
    data = user_form(lesser, groups=[group_of(roles.SYSTEM_ADMINISTRATOR).pk])
    assert NOT_OFFERED in text(manager.post(page("change", lesser), data))
    assert not administers(lesser)


def test_a_manager_cannot_give_a_group_of_their_own_making_that_got_the_permission(
    manager: Client, lesser: User
) -> None:
    group = Group.objects.create(name="Harmless")
    group.permissions.add(administer_system())
    data = user_form(lesser, groups=[group.pk])
    assert NOT_OFFERED in text(manager.post(page("change", lesser), data))
    assert not administers(lesser)


def test_a_manager_cannot_give_the_superuser_flag(manager: Client, lesser: User) -> None:
    response = manager.post(page("change", lesser), user_form(lesser, is_superuser="on"))
    assert response.status_code == 302  # the rest of the form is saved, the flag is not in it
    assert not administers(lesser)


def test_a_crafted_list_page_changes_nothing(manager: Client, lesser: User) -> None:
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(lesser.pk),
        "form-0-is_superuser": "on",
        "_save": "Save",
    }
    manager.post(page("changelist"), data)
    assert not administers(lesser)


@pytest.mark.parametrize("popup", [{}, {"_popup": "1"}])
def test_an_account_made_by_a_manager_holds_nothing(manager: Client, popup: dict[str, str]) -> None:
    data = {
        "username": "new",
        "usable_password": "true",
        **NEW_PASSWORD,
        "is_superuser": "on",
        "is_staff": "on",
        "groups": [group_of(roles.SYSTEM_ADMINISTRATOR).pk],
        "user_permissions": [administer_system().pk],
    }
    manager.post(page("add"), data | popup)
    new = User.objects.get(username="new")
    assert not administers(new)
    assert not new.is_staff
    assert not new.groups.exists()


# What a system manager tries with groups


@pytest.mark.parametrize("role", [roles.SYSTEM_MANAGER, roles.PROJECT_DEPLOYER])
def test_a_manager_cannot_put_the_permission_into_a_group(
    manager: Client, role: roles.RoleDefinition
) -> None:
    group = group_of(role)
    permissions = [*group.permissions.values_list("pk", flat=True), administer_system().pk]
    response = manager.post(page("change", group), group_form(group, permissions=permissions))
    assert NOT_OFFERED in text(response)
    assert administer_system() not in group.permissions.all()


@pytest.mark.parametrize("popup", [{}, {"_popup": "1"}])
def test_a_manager_cannot_make_a_group_with_the_permission(
    manager: Client, popup: dict[str, str]
) -> None:
    data = {"name": "Mine", "permissions": [administer_system().pk]} | popup
    assert NOT_OFFERED in text(manager.post(reverse("admin:auth_group_add"), data))
    assert not Group.objects.filter(name="Mine").exists()


def test_a_manager_cannot_change_or_delete_the_administrators_group(manager: Client) -> None:
    group = group_of(roles.SYSTEM_ADMINISTRATOR)
    assert manager.post(page("change", group), {"name": "Gone"}).status_code == 403
    assert manager.post(page("delete", group), {"post": "yes"}).status_code == 403
    group.refresh_from_db()
    assert administer_system() in group.permissions.all()


@pytest.mark.parametrize("model", ["user", "group"])
def test_nothing_is_deleted_in_bulk(manager: Client, nobody: User, model: str) -> None:
    row = nobody if model == "user" else group_of(roles.PROJECT_VIEWER)
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    manager.post(reverse(f"admin:auth_{model}_changelist"), data)
    assert type(row).objects.filter(pk=row.pk).exists()


# What they may do


def test_a_manager_looks_after_ordinary_accounts(manager: Client, nobody: User) -> None:
    groups = [group_of(roles.PROJECT_DEPLOYER).pk, group_of(roles.SYSTEM_MANAGER).pk]
    assert manager.post(page("change", nobody), user_form(nobody, groups=groups)).status_code == 302
    nobody = User.objects.get(pk=nobody.pk)
    assert nobody.has_perm("tasks.add_servertask")
    assert manager.post(page("password_change", nobody), NEW_PASSWORD).status_code == 302
    nobody.refresh_from_db()
    assert nobody.check_password(NEW_PASSWORD["password1"])
    assert manager.post(page("delete", nobody), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=nobody.pk).exists()


def test_a_manager_fills_a_group_with_what_they_hold(manager: Client) -> None:
    held = Permission.objects.get(codename="run_script")
    data = {"name": "Scripters", "permissions": [held.pk]}
    assert manager.post(reverse("admin:auth_group_add"), data).status_code == 302
    group = Group.objects.get(name="Scripters")
    assert list(group.permissions.all()) == [held]
    assert manager.post(page("delete", group), {"post": "yes"}).status_code == 302


def test_an_administrator_gives_administer_system(
    administrator: User, nobody: User, client_for: ClientFor
) -> None:
    data = user_form(nobody, groups=[group_of(roles.SYSTEM_ADMINISTRATOR).pk])
    assert client_for(administrator).post(page("change", nobody), data).status_code == 302
    assert administers(nobody)


def test_only_a_superuser_gives_the_superuser_flag(
    administrator: User, superuser: User, nobody: User, client_for: ClientFor
) -> None:
    data = user_form(nobody, is_superuser="on")
    client_for(administrator).post(page("change", nobody), data)
    assert not administers(nobody)
    client_for(superuser).post(page("change", nobody), data)
    assert administers(nobody)


# The last administrator


@pytest.mark.parametrize(
    "changes", [{"is_active": None}, {"groups": []}], ids=["switched off", "out of the group"]
)
def test_the_last_administrator_stays_one(
    administrator: User, client_for: ClientFor, changes: dict[str, Any]
) -> None:
    data = user_form(administrator, **changes)
    response = client_for(administrator).post(page("change", administrator), data)
    assert str(LAST_ADMINISTRATOR) in text(response)
    assert authority.is_last_administrator(administrator)


def test_the_last_superuser_stays_one(superuser: User, client_for: ClientFor) -> None:
    data = user_form(superuser, is_superuser=None)
    response = client_for(superuser).post(page("change", superuser), data)
    assert str(LAST_ADMINISTRATOR) in text(response)
    assert administers(superuser)


def test_the_last_administrator_is_not_deleted(administrator: User, client_for: ClientFor) -> None:
    client = client_for(administrator)
    response = client.post(page("delete", administrator), {"post": "yes"}, follow=True)
    assert str(LAST_ADMINISTRATOR) in text(response)
    assert User.objects.filter(pk=administrator.pk).exists()


def test_the_group_of_the_last_administrator_keeps_the_permission(
    administrator: User, client_for: ClientFor
) -> None:
    group, client = group_of(roles.SYSTEM_ADMINISTRATOR), client_for(administrator)
    response = client.post(page("change", group), group_form(group, permissions=[]))
    assert str(LAST_ADMINISTRATOR) in text(response)
    response = client.post(page("delete", group), {"post": "yes"}, follow=True)
    assert str(LAST_ADMINISTRATOR) in text(response)
    assert administers(administrator)


def test_one_of_two_administrators_may_go(administrator: User, client_for: ClientFor) -> None:
    second: User = UserFactory(role=roles.SYSTEM_ADMINISTRATOR)
    client = client_for(administrator)
    data = user_form(second, is_active=None)
    assert client.post(page("change", second), data).status_code == 302
    assert authority.is_last_administrator(administrator)
    # One that is switched off does not count, so the first has become the last.
    assert str(LAST_ADMINISTRATOR) in text(
        client.post(page("change", administrator), user_form(administrator, is_active=None))
    )


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_send_each_other_away_go_one_by_one(administrator: User) -> None:
    second: User = UserFactory(role=roles.SYSTEM_ADMINISTRATOR)
    answers: list[bool] = []

    def ask() -> None:
        answers.append(authority.is_last_administrator(administrator))
        connection.close()

    thread = Thread(target=ask)
    with transaction.atomic():
        assert not authority.is_last_administrator(second)
        thread.start()
        wait_for_a_lock()
        User.objects.filter(pk=second.pk).update(is_active=False)
    thread.join(timeout=60)
    assert answers == [True]


def wait_for_a_lock() -> None:
    """Return once another connection waits for this one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    pytest.fail("the other did not wait")


def test_the_last_administrator_may_change_everything_else(
    administrator: User, client_for: ClientFor
) -> None:
    data = user_form(administrator, first_name="Ada", is_staff="on")
    assert client_for(administrator).post(page("change", administrator), data).status_code == 302
    administrator.refresh_from_db()
    assert administrator.first_name == "Ada"
