"""The cast: an administrator, a system manager, a deployer, a viewer, and nobody in particular."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from maintenance import refusals
from octoserver import roles
from tests.factories import UserFactory

pytest_plugins = ["tests.services"]


class ClientFor(Protocol):
    """Give a browser in which ``user`` is signed in; nobody is where it is None."""

    def __call__(self, user: User | None, *, enforce_csrf_checks: bool = False) -> Client: ...


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Let no count of a test's refusals be written later, when the database is another's."""
    timer = refusals._recorder._timer
    if timer is not None:
        timer.cancel()
        timer.join()
        refusals._recorder = refusals.Recorder()


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Take back the language that the last request of a test was answered in."""
    with translation.override("en"):
        yield


@pytest.fixture
def administrator(db: None) -> User:
    """Holds every permission by the group System Administrator, and is no superuser."""
    return UserFactory(username="ada", is_staff=True, role=roles.SYSTEM_ADMINISTRATOR)


@pytest.fixture
def system_manager(db: None) -> User:
    """Holds every permission but Administer System."""
    return UserFactory(username="manuel", is_staff=True, role=roles.SYSTEM_MANAGER)


@pytest.fixture
def deployer(db: None) -> User:
    return UserFactory(username="dora", role=roles.PROJECT_DEPLOYER)


@pytest.fixture
def viewer(db: None) -> User:
    return UserFactory(username="vera", role=roles.PROJECT_VIEWER)


@pytest.fixture
def nobody(db: None) -> User:
    """Has signed in and may do nothing: is in no group."""
    return UserFactory(username="nils")


@pytest.fixture
def superuser(db: None) -> User:
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def client_for() -> ClientFor:
    def sign_in(user: User | None, *, enforce_csrf_checks: bool = False) -> Client:
        client = Client(enforce_csrf_checks=enforce_csrf_checks)
        if user is not None:
            client.force_login(user)
        return client

    return sign_in
