"""The first start makes an administrator, shows the password once, and leaves users alone."""

import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def first_start() -> str:
    output = StringIO()
    call_command("first_start", stdout=output)
    return output.getvalue()


def test_the_password_shown_is_the_administrators() -> None:
    password = re.search(r"password (\S+)", first_start())
    assert password is not None
    person = authenticate(username="admin", password=password.group(1))
    assert isinstance(person, User)
    assert person.has_perm("maintenance.administer_system")
    assert [group.name for group in person.groups.all()] == ["System Administrator"]


def test_a_second_start_shows_and_changes_nothing() -> None:
    first_start()
    before = User.objects.get().password
    assert first_start() == ""
    assert User.objects.get().password == before


def test_a_server_with_users_gets_no_other(nobody: User) -> None:
    assert first_start() == ""
    assert list(User.objects.all()) == [nobody]


def test_no_two_servers_get_the_same_password() -> None:
    shown = first_start()
    User.objects.all().delete()
    assert first_start() != shown
