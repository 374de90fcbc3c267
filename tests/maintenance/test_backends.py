"""The person whom a request is signed in as, loaded along with the mode."""

from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User, UserManager
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from maintenance import backends, effective, mode
from maintenance.backends import ModeAwareModelBackend
from maintenance.requests import USER_ATTRIBUTE

pytestmark = pytest.mark.django_db


class Choosy(UserManager[User]):
    """Has a query of its own, as a project's manager may."""

    def get_queryset(self) -> QuerySet[User]:
        return super().get_queryset().exclude(username="vera")


@pytest.fixture
def choosy() -> Choosy:
    manager = Choosy()
    manager.model = User
    return manager


def test_the_person_is_whom_django_would_load(deployer: User, viewer: User) -> None:
    ours, plain = (
        ModeAwareModelBackend().get_user(deployer.pk),
        ModelBackend().get_user(deployer.pk),
    )
    assert ours == plain == deployer
    for field in User._meta.concrete_fields:
        assert getattr(ours, field.attname) == getattr(plain, field.attname)
    assert not ours.get_deferred_fields()
    assert (ours._state.adding, ours._state.db) == (False, "default")
    ours.first_name = "Dora"
    ours.save()
    assert User.objects.get(pk=deployer.pk).first_name == "Dora"


@pytest.mark.parametrize("on", [False, True])
def test_the_mode_comes_in_the_same_statement(deployer: User, on: bool) -> None:
    mode.MaintenanceMode.objects.update_or_create(pk=1, defaults={"is_enabled": on})
    with CaptureQueriesContext(connection) as statements:
        person = ModeAwareModelBackend().get_user(deployer.pk)
    assert len(statements) == 1
    assert getattr(person, USER_ATTRIBUTE) == (effective.ON if on else 0)


def test_who_is_gone_or_inactive_is_nobody(deployer: User, viewer: User) -> None:
    User.objects.filter(pk=deployer.pk).update(is_active=False)
    number = viewer.pk
    viewer.delete()
    assert ModeAwareModelBackend().get_user(deployer.pk) is None
    assert ModeAwareModelBackend().get_user(number) is None


def test_a_query_of_the_projects_own_is_asked(deployer: User, viewer: User, choosy: Choosy) -> None:
    assert backends._person(choosy, viewer.pk) is None
    person = backends._person(choosy, deployer.pk)
    assert (person, getattr(person, USER_ATTRIBUTE)) == (deployer, 0)


def test_a_mode_that_cannot_be_read_lets_people_look(deployer: User) -> None:
    def without_the_mode(execute: Any, sql: str, *rest: Any) -> Any:
        if "maintenance" in sql:
            raise DatabaseError("unreadable")
        return execute(sql, *rest)

    with connection.execute_wrapper(without_the_mode):
        person = ModeAwareModelBackend().get_user(deployer.pk)
    assert person == deployer
    assert not hasattr(person, USER_ATTRIBUTE)
