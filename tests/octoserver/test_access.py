"""Every view says who may use it; one that says nothing is refused to everybody and named."""

from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import clear_url_caches, path, set_urlconf
from django.views import View

from maintenance import mode
from octoserver import access
from tests.conftest import ClientFor


def silent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("never shown")


@login_not_required
def public(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for anybody")


class Undeclared(View):
    permission_required = "tasks.view_servertask"  # a word without the mixin that obeys it


class ForMembers(LoginRequiredMixin, View):
    pass


class ForViewers(PermissionRequiredMixin, View):
    permission_required = "tasks.view_servertask"


class ForNobodyKnows(PermissionRequiredMixin, View):
    pass


@pytest.mark.parametrize("view", [silent, Undeclared.as_view(), ForNobodyKnows.as_view()])
def test_a_view_that_says_nothing_declares_nothing(view: access.View) -> None:
    assert access.declaration(view) is None


def test_each_of_django_s_own_means_is_read() -> None:
    assert access.declaration(public) == access.Declaration(is_public=True)
    assert access.declaration(ForMembers.as_view()) == access.Declaration()
    assert access.declaration(ForViewers.as_view()) == access.Declaration(
        permissions=("tasks.view_servertask",)
    )
    given = ForViewers.as_view(permission_required=["a.b", "c.d"])
    assert access.declaration(given) == access.Declaration(permissions=("a.b", "c.d"))


def test_a_function_declares_itself_by_an_attribute() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    view.permission_required = "tasks.view_servertask"  # type: ignore[attr-defined]
    assert access.declaration(view) == access.Declaration(permissions=("tasks.view_servertask",))


@pytest.fixture
def broken_urls(settings: SimpleNamespace) -> Iterator[None]:
    """Serve an address whose view declares nothing, beside one that does."""
    module: Any = ModuleType("broken_urls")
    module.urlpatterns = [path("silent/", silent, name="silent"), path("public/", public)]
    settings.ROOT_URLCONF = module
    clear_url_caches()
    yield
    set_urlconf(None)
    clear_url_caches()


@pytest.mark.usefixtures("broken_urls")
def test_the_check_names_the_address_that_declares_nothing() -> None:
    found = access.check_every_view_is_declared()
    assert [(message.id, "'silent/'" in message.msg) for message in found] == [
        ("octoserver.E001", True)
    ]


def test_the_check_is_content_with_the_server_s_own_addresses() -> None:
    assert access.check_every_view_is_declared() == []


def ask(view: access.View, user: User | AnonymousUser) -> None:
    request = RequestFactory().get("/")
    request.user = user
    access.AccessMiddleware(lambda request: HttpResponse()).process_view(request, view, [], {})


@pytest.mark.django_db
def test_a_view_that_says_nothing_is_refused_even_to_an_administrator(
    administrator: User, superuser: User
) -> None:
    for person in (administrator, superuser):
        with pytest.raises(PermissionDenied):
            ask(silent, person)


@pytest.mark.django_db
def test_the_declared_permission_decides(viewer: User, nobody: User) -> None:
    ask(ForViewers.as_view(), viewer)
    ask(public, AnonymousUser())
    ask(ForMembers.as_view(), nobody)
    with pytest.raises(PermissionDenied):
        ask(ForViewers.as_view(), nobody)
    with pytest.raises(PermissionDenied):
        ask(ForMembers.as_view(), AnonymousUser())


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/tasks/ServerTasks-1/cancel/", "/admin/auth/user/add/"])
def test_a_person_who_may_not_at_all_is_told_that_in_maintenance_mode_too(
    address: str, viewer: User, client_for: ClientFor
) -> None:
    mode.enable(reason="Upgrade")
    assert client_for(viewer).post(address).status_code == 403


@pytest.mark.django_db
def test_an_address_that_is_not_there_is_told_without_sign_in(client: Client) -> None:
    assert client.get("/nothing/here/").status_code == 404


HTMX = {"HX-Request": "true"}


@pytest.mark.django_db
def test_a_live_page_whose_session_ended_is_loaded_again(client: Client) -> None:
    response = client.get("/configuration/maintenance/status/", headers=HTMX)
    assert response.status_code == 401
    assert response.headers["HX-Refresh"] == "true"
    assert response.content == b""


@pytest.mark.django_db
def test_other_answers_to_live_pages_stay_as_they_are(
    client: Client, viewer: User, client_for: ClientFor
) -> None:
    assert client.post("/logout/", headers=HTMX).status_code == 302
    page = client_for(viewer).get("/configuration/maintenance/status/", headers=HTMX)
    assert page.status_code == 200
