"""Sign-in, sign-out, one's password, home, and what people see when something is wrong."""

import re

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from django.views.generic import TemplateView
from pytest_django import DjangoAssertNumQueries

from maintenance import mode
from octoserver import __version__
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def text(response: HttpResponse) -> str:
    return response.content.decode()


def credentials(user: User, **more: str) -> dict[str, str]:
    return {"username": user.username, "password": PASSWORD, **more}


# Signing in and out


def test_signing_in_leads_home(client: Client, deployer: User) -> None:
    response = client.post("/login/", credentials(deployer))
    assert (response.status_code, response.url) == (302, "/")  # type: ignore[attr-defined]
    assert "dora" in text(client.get("/"))


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client, deployer: User) -> None:
    response = client.get("/tasks/?state=Failed")
    assert response.url == "/login/?next=/tasks/%3Fstate%3DFailed"  # type: ignore[attr-defined]
    form = text(client.get(response.url))  # type: ignore[attr-defined]
    kept = re.search(r'name="next" value="([^"]*)"', form)
    assert kept is not None
    response = client.post("/login/", credentials(deployer, next=kept[1]))
    assert response.url == "/tasks/?state=Failed"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_signing_in_never_leads_elsewhere(client: Client, deployer: User, elsewhere: str) -> None:
    response = client.post("/login/", credentials(deployer, next=elsewhere))
    assert response.url == "/"  # type: ignore[attr-defined]


def test_a_wrong_password_says_so_and_keeps_the_name_and_the_way_back(
    client: Client, deployer: User
) -> None:
    data = credentials(deployer, next="/tasks/") | {"password": "wrong"}
    page = text(client.post("/login/", data))
    assert "do not match" in page
    assert 'value="dora"' in page
    assert 'name="next" value="/tasks/"' in page
    assert "wrong" not in page


def test_an_account_that_is_switched_off_cannot_sign_in(client: Client, deployer: User) -> None:
    User.objects.update(is_active=False)
    assert client.post("/login/", credentials(deployer)).status_code == 200
    assert "_auth_user_id" not in client.session


def test_people_sign_in_and_out_in_maintenance_mode(client: Client, deployer: User) -> None:
    mode.enable(reason="Upgrade")
    assert client.post("/login/", credentials(deployer)).status_code == 302
    assert "_auth_user_id" in client.session
    assert client.post("/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_staff_sign_in_and_out_of_the_admin_site_in_maintenance_mode(
    client: Client, system_manager: User
) -> None:
    mode.enable(reason="Upgrade")
    assert client.post("/admin/login/", credentials(system_manager)).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_somebody_who_may_not_use_the_admin_site_can_sign_out_through_it(
    viewer: User, client_for: ClientFor
) -> None:
    client = client_for(viewer)
    assert client.post("/admin/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_signing_out_twice_is_no_error(client: Client) -> None:
    assert client.post("/logout/").status_code == 302


def test_signing_out_takes_a_post_with_its_secret(viewer: User, client_for: ClientFor) -> None:
    client = client_for(viewer, enforce_csrf_checks=True)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 403
    assert "_auth_user_id" in client.session


# One's own password


def change(client: Client, old: str, new: str) -> HttpResponse:
    data = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post("/password/", data, follow=True)


def test_changing_one_s_password_keeps_one_signed_in_and_says_so(
    viewer: User, client_for: ClientFor
) -> None:
    client = client_for(viewer)
    assert "Your password was changed." in text(change(client, PASSWORD, "quiet green elephants"))
    viewer.refresh_from_db()
    assert viewer.check_password("quiet green elephants")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("old", "new"), [("wrong", "quiet green elephants"), (PASSWORD, "12345")])
def test_a_refused_password_changes_nothing(
    viewer: User, client_for: ClientFor, old: str, new: str
) -> None:
    page = text(change(client_for(viewer), old, new))
    assert 'class="errorlist"' in page
    viewer.refresh_from_db()
    assert viewer.check_password(PASSWORD)


def test_nobody_changes_a_password_in_maintenance_mode(viewer: User, client_for: ClientFor) -> None:
    mode.enable(reason="Upgrade")
    response = change(client_for(viewer), PASSWORD, "quiet green elephants")
    assert response.status_code == 503
    assert "quiet green elephants" not in text(response)
    viewer.refresh_from_db()
    assert viewer.check_password(PASSWORD)


# Home


def queue_row(**values: object) -> ServerTask:
    now = timezone.now()
    times = {"created": now, "queue_time": now, "queue_time_expiry": now}
    return ServerTask.objects.create(**{"kind": "RunScript", **times, **values})


def test_home_shows_the_queue_to_those_who_may_see_it(
    viewer: User, deployer: User, client_for: ClientFor
) -> None:
    task = queue_row(description="Says <b>hello</b>")
    queue_row(description="Only the server's own", is_system=True)
    page = text(client_for(viewer).get("/"))
    assert task.name in page
    assert "Says &lt;b&gt;hello&lt;/b&gt;" in page
    assert "Only the server" not in page
    assert "/tasks/new/" not in page
    assert "/tasks/new/" in text(client_for(deployer).get("/"))


def test_home_tells_a_person_without_permissions_whom_to_ask(
    nobody: User, administrator: User, client_for: ClientFor
) -> None:
    queue_row(description="A secret undertaking")
    page = text(client_for(nobody).get("/"))
    assert "Nothing is open to you yet" in page
    assert "Ask an administrator to add you to one: ada." in page
    assert "A secret undertaking" not in page
    assert 'href="/tasks/"' not in page


def test_home_takes_the_same_queries_whatever_there_is(
    viewer: User, client_for: ClientFor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_for(viewer)
    for number in range(30):
        queue_row(description=f"Number {number}")
    with django_assert_max_num_queries(8):
        client.get("/")


# Around every page


def test_every_page_names_the_node_and_the_version(viewer: User, client_for: ClientFor) -> None:
    page = text(client_for(viewer).get("/"))
    assert "node-of-the-tests" in page
    assert __version__ in page


@pytest.mark.parametrize("address", ["/", "/password/", "/tasks/", "/admin/", "/admin/auth/user/"])
def test_every_page_says_that_the_mode_is_on(
    administrator: User, client_for: ClientFor, address: str
) -> None:
    client = client_for(administrator)
    assert "Moving <the> database" not in text(client.get(address))
    mode.enable(reason="Moving <the> database")
    assert "Moving &lt;the&gt; database" in text(client.get(address))


def test_the_sign_in_pages_say_that_the_mode_is_on(client: Client) -> None:
    mode.enable(reason="Moving the database")
    for address in ("/login/", "/admin/login/"):
        assert "Moving the database" in text(client.get(address))


def test_only_staff_are_shown_the_admin_site(
    system_manager: User, deployer: User, client_for: ClientFor
) -> None:
    assert 'href="/admin/"' in text(client_for(system_manager).get("/"))
    assert 'href="/admin/"' not in text(client_for(deployer).get("/"))


@pytest.mark.parametrize(
    "address", ["/", "/login/", "/password/", "/admin/", "/admin/login/", "/admin/auth/user/add/"]
)
def test_no_page_needs_what_the_content_security_policy_forbids(
    superuser: User, client: Client, client_for: ClientFor, address: str
) -> None:
    response = client.get(address) if "login" in address else client_for(superuser).get(address)
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    page = text(response)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page) if "json" not in tag)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


# Errors


def test_a_person_without_the_permission_is_told_so(nobody: User, client_for: ClientFor) -> None:
    response = client_for(nobody).get("/tasks/")
    assert response.status_code == 403
    assert "You are signed in as nils" in text(response)


def test_an_address_that_is_not_there_says_so(viewer: User, client_for: ClientFor) -> None:
    for client in (client_for(viewer), client_for(None)):
        response = client.get("/nothing/")
        assert response.status_code == 404
        assert "There is nothing here" in text(response)


def test_a_malformed_request_says_so(client: Client) -> None:
    response = client.get("/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "did not understand" in text(response)


def test_a_form_without_its_secret_says_that_nothing_was_changed(
    viewer: User, client_for: ClientFor
) -> None:
    client = client_for(viewer, enforce_csrf_checks=True)
    response = client.post("/password/", {"old_password": PASSWORD})
    assert response.status_code == 403
    assert "Nothing was changed." in text(response)
    assert PASSWORD not in text(response)


def test_a_form_without_its_secret_is_told_that_before_the_mode(
    viewer: User, client_for: ClientFor
) -> None:
    mode.enable(reason="Upgrade")
    client = client_for(viewer, enforce_csrf_checks=True)
    assert client.post("/password/").status_code == 403


@pytest.mark.parametrize("template", ["500.html", "400.html"])
def test_the_pages_for_the_worst_need_no_database(
    template: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert "<h1>" in render_to_string(template)


def test_a_fault_is_answered_with_a_page(
    viewer: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("a secret detail")

    client = client_for(viewer)
    client.raise_request_exception = False
    monkeypatch.setattr(TemplateView, "get", fail)
    response = client.get("/")
    assert response.status_code == 500
    assert "Something broke here" in text(response)
    assert "a secret detail" not in text(response)
