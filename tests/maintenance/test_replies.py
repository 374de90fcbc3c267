"""What a refused client gets: a page, a fragment or JSON; and what it never gets."""

import json
import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from maintenance import mode
from tests.conftest import ClientFor
from tests.maintenance import zoo


@pytest.fixture
def client(deployer: User, client_for: ClientFor) -> Client:
    return client_for(deployer)


def test_a_browser_gets_a_page_that_says_who_why_since_and_until(client: Client) -> None:
    mode.enable(name="ada", reason="Moving <b>disks</b>", until=timezone.now() + timedelta(hours=2))
    response = client.post("/zoo/write/")
    assert response.status_code == 503
    assert response["Content-Type"].startswith("text/html")
    page = response.content.decode()
    assert "ada" in page
    assert "Moving &lt;b&gt;disks&lt;/b&gt;" in page
    assert mode.current().until.strftime("%Y-%m-%d %H:%M") in page  # type: ignore[union-attr]
    assert response["Cache-Control"] == "no-store"
    assert 7000 < int(response["Retry-After"]) <= 7200


def test_no_retry_is_suggested_where_no_end_is_known(
    client: Client, maintenance_on: mode.Switch
) -> None:
    assert "Retry-After" not in client.post("/zoo/write/")


def test_htmx_gets_a_fragment(client: Client, maintenance_on: mode.Switch) -> None:
    response = client.post("/zoo/write/", headers={"HX-Request": "true"})
    assert response.status_code == 503
    assert b"<html" not in response.content
    assert b"Moving to a new disk" in response.content


JSON, HTML = "application/json", "text/html"


@pytest.mark.parametrize(
    ("accept", "content_type", "expected"),
    [
        (JSON, "application/x-www-form-urlencoded", JSON),
        (JSON, JSON, JSON),
        ("*/*", JSON, JSON),
        ("", JSON, JSON),
        ("*/*", "application/x-www-form-urlencoded", HTML),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON, HTML),
        ("text/html;q=0.5,application/json", "text/plain", JSON),
        ("nonsense", "text/plain", HTML),
    ],
)
def test_json_by_accept_and_then_by_content_type(
    accept: str, content_type: str, expected: str, client: Client, maintenance_on: mode.Switch
) -> None:
    response = client.generic("POST", "/zoo/write/", "{}", content_type, headers={"Accept": accept})
    assert response.status_code == 503
    assert response["Content-Type"].startswith(expected)


def test_json_has_the_words_of_the_contract(client: Client) -> None:
    mode.enable(name="ada", reason="Disk")
    answer = json.loads(client.post("/zoo/write/", headers={"Accept": JSON}).content)
    assert set(answer) == {
        "ErrorMessage", "Errors", "HelpText", "InMaintenanceMode", "Since", "Until", "Reason",
    }  # fmt: skip
    assert answer["InMaintenanceMode"] is True
    assert answer["Errors"] == []
    assert answer["Reason"] == "Disk"
    assert answer["Until"] is None
    assert "ada" in answer["ErrorMessage"]


def test_a_refusal_is_no_error_in_the_log_and_no_mail(
    client: Client, maintenance_on: mode.Switch, caplog: pytest.LogCaptureFixture, settings: object
) -> None:
    settings.ADMINS = [("ada", "ada@example.com")]  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING):
        client.post("/zoo/write/")
        client.get("/zoo/write/")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert mail.outbox == []


class TestOrder:
    """Who may not do a thing at all is told that, whatever the mode is."""

    def test_an_unknown_address_is_404(self, client: Client, maintenance_on: mode.Switch) -> None:
        assert client.post("/zoo/unknown/").status_code == 404

    def test_nobody_is_sent_to_sign_in(self, maintenance_on: mode.Switch) -> None:
        response = Client().post("/tasks/new/")
        assert response.status_code == 302
        assert response["Location"].startswith("/login/")

    def test_a_forged_request_stays_403(
        self, deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
    ) -> None:
        assert client_for(deployer, enforce_csrf_checks=True).post("/zoo/write/").status_code == 403

    def test_a_permission_that_is_not_held_is_403(
        self, viewer: User, client_for: ClientFor, maintenance_on: mode.Switch
    ) -> None:
        assert client_for(viewer).post("/tasks/new/").status_code == 403

    def test_what_the_view_itself_would_find_comes_after_the_gate(
        self, client: Client, maintenance_on: mode.Switch
    ) -> None:
        assert client.post("/tasks/ServerTasks-999999/cancel/").status_code == 503


@pytest.mark.django_db(transaction=True)
class TestUnreadable:
    """G6: where the mode cannot be read, writes are refused and reads pass."""

    @pytest.fixture(autouse=True)
    def _row_is_gone(self, client: Client) -> object:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE maintenance_maintenancemode RENAME TO elsewhere")
        yield
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO maintenance_maintenancemode")

    def test_g6_a_change_is_refused_and_the_answer_says_why(self, client: Client) -> None:
        response = client.post("/zoo/write/", headers={"Accept": JSON})
        assert response.status_code == 503
        answer = json.loads(response.content)
        assert answer["InMaintenanceMode"] is None
        assert "cannot tell" in answer["ErrorMessage"]
        assert zoo.changes() == []

    def test_g6_a_page_is_shown(self, client: Client) -> None:
        assert client.get("/zoo/read/").status_code == 200
        assert client.get("/").status_code == 200

    def test_g6_the_refusal_has_a_page_too(self, client: Client) -> None:
        response = client.post("/zoo/write/", {"name": "typed"})
        assert response.status_code == 503
        assert b"cannot tell" in response.content
        assert b"typed" in response.content

    def test_g6_an_administrator_could_not_have_been_refused(
        self, administrator: User, client_for: ClientFor
    ) -> None:
        assert client_for(administrator).post("/zoo/write/").status_code == 200

    def test_g6_health_says_null_and_stays_200(self) -> None:
        response = Client().get("/healthz")
        assert response.status_code == 200
        assert response.json()["in_maintenance_mode"] is None
