from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maintenance import mode
from tasks import pause
from tests.conftest import ClientFor
from tests.tasks import rows

URL = "/configuration/queue/"
BANNER = "banner-pause"


@pytest.fixture
def page(client_for: ClientFor, system_manager: User) -> Client:
    return client_for(system_manager)


def _text(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def test_it_is_paused_and_resumed_there(page: Client) -> None:
    assert "The queue is running" in _text(page.get(URL))
    text = _text(page.post(f"{URL}pause/", {"reason": "A <b>new</b> disk"}, follow=True))
    assert "The queue is paused." in text
    assert "A &lt;b&gt;new&lt;/b&gt; disk" in text
    assert "by manuel" in text
    again = _text(page.post(f"{URL}pause/", {"reason": "x"}, follow=True))
    assert "The queue was paused already." in again
    assert "The queue goes on." in _text(page.post(f"{URL}resume/", follow=True))
    assert "The queue was not paused." in _text(page.post(f"{URL}resume/", follow=True))


@pytest.mark.parametrize("reason", ["x" * 501, "nu\0l"])
def test_a_reason_that_cannot_be_kept_is_answered_clearly(page: Client, reason: str) -> None:
    text = _text(page.post(f"{URL}pause/", {"reason": reason}, follow=True))
    assert "The queue was not paused. " in text
    assert not pause.current().is_paused


@pytest.mark.parametrize("switch", ["pause", "resume"])
def test_the_switch_is_refused_in_maintenance_mode(page: Client, switch: str) -> None:
    mode.enable(reason="Moving to a new disk")
    assert page.post(f"{URL}{switch}/").status_code == 503
    assert "disabled" in _text(page.get(URL))


def test_the_poll_gets_how_it_stands_alone(page: Client) -> None:
    text = _text(page.get(URL, headers={"HX-Request": "true"}))
    assert "The queue is running" in text
    assert "<html" not in text


def test_it_says_that_no_node_could_start_anything(page: Client) -> None:
    rows.ServerTaskFactory()
    assert "Nothing of this can start" in _text(page.get(URL))


def test_whoever_may_only_look_is_offered_no_switch(client_for: ClientFor, deployer: User) -> None:
    assert '<button type="submit" class="button button-primary"' not in _text(
        client_for(deployer).get(URL)
    )


class TestBanner:
    @pytest.mark.parametrize("address", ["/", "/tasks/", URL, "/configuration/maintenance/"])
    def test_stands_on_every_page_while_the_queue_is_paused(
        self, client_for: ClientFor, viewer: User, address: str
    ) -> None:
        page = client_for(viewer)
        assert BANNER not in _text(page.get(address))
        pause.pause(reason="A new disk")
        text = _text(page.get(address))
        assert BANNER in text
        assert "A new disk" in text
        assert "banner-maintenance" not in text

    def test_stands_on_the_admin_site(self, client_for: ClientFor, system_manager: User) -> None:
        pause.pause()
        assert BANNER in _text(client_for(system_manager).get("/admin/"))

    def test_is_not_for_strangers_nor_for_whom_tasks_are_closed(
        self, client_for: ClientFor, nobody: User
    ) -> None:
        pause.pause()
        assert BANNER not in _text(client_for(None).get("/login/"))
        assert BANNER not in _text(client_for(nobody).get("/"))

    def test_is_told_from_that_of_maintenance_mode(
        self, client_for: ClientFor, viewer: User
    ) -> None:
        pause.pause()
        mode.enable(reason="Patches")
        text = _text(client_for(viewer).get("/tasks/"))
        assert text.index("Maintenance mode is on.") < text.index("The queue is paused.")

    @pytest.mark.parametrize("address", ["/tasks/", "/configuration/nodes/"])
    def test_costs_a_page_one_statement_and_a_poll_none(
        self, client_for: ClientFor, viewer: User, address: str
    ) -> None:
        page = client_for(viewer)
        asked = {}
        for headers in ({}, {"HX-Request": "true"}):
            with CaptureQueriesContext(connection) as queries:
                page.get(address, headers=headers)
            asked[bool(headers)] = [each for each in queries if "queuepause" in each["sql"]]
        assert len(asked[False]) == 1
        assert asked[True] == []
