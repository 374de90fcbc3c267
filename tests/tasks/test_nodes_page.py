from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maintenance import mode
from tasks import clock
from tasks.models import ServerNode, State
from tests.conftest import ClientFor
from tests.tasks import rows
from tests.tasks.conftest import make_node

URL = "/configuration/nodes/"
BUTTONS = ("drain", "resume", "cap", "delete")


@pytest.fixture
def page(client_for: ClientFor, system_manager: User) -> Client:
    return client_for(system_manager)


def _text(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def _press(page: Client, node: ServerNode, button: str, **data: object) -> str:
    return _text(page.post(f"{URL}{node.pk}/{button}/", data, follow=True))


def test_a_node_is_shown_with_what_is_known_of_it(page: Client, node: ServerNode) -> None:
    ServerNode.objects.update(version="1.2.3", task_cap=7)
    task = rows.ServerTaskFactory(state=State.EXECUTING, node=node)
    text = _text(page.get(URL))
    for words in ("north", "Running", "1.2.3", 'value="7"', task.get_absolute_url()):
        assert words in text


def test_where_no_worker_has_started_the_page_says_so(page: Client) -> None:
    assert "No server node has started yet." in _text(page.get(URL))


def test_whoever_may_only_look_is_offered_no_button(
    client_for: ClientFor, deployer: User, node: ServerNode
) -> None:
    text = _text(client_for(deployer).get(URL))
    assert "north" in text
    assert "formaction" not in text
    assert "task_cap" not in text


def test_only_an_offline_node_is_offered_to_be_deleted(page: Client, node: ServerNode) -> None:
    assert "delete/" not in _text(page.get(URL))
    ServerNode.objects.update(stopped=clock.now())
    text = _text(page.get(URL))
    assert "delete/" in text
    assert "Offline" in text


def test_the_poll_gets_the_table_alone(page: Client, node: ServerNode) -> None:
    response = page.get(URL, headers={"HX-Request": "true"})
    text = _text(response)
    assert "north" in text
    assert "<html" not in text
    assert "no-store" in response["Cache-Control"]


def test_the_number_of_queries_does_not_grow_with_the_nodes(page: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(URL)
        return len(captured)

    make_node("first")
    few = queries()
    for number in range(10):
        node = make_node(f"node-{number}")
        rows.ServerTaskFactory.create_batch(3, state=State.EXECUTING, node=node)
    assert queries() == few


class TestButtons:
    def test_drain(self, page: Client, node: ServerNode) -> None:
        assert "north starts nothing new." in _press(page, node, "drain")
        node.refresh_from_db()
        assert node.is_draining
        assert "north was drained already." in _press(page, node, "drain")

    def test_drain_says_what_is_still_to_finish(self, page: Client, node: ServerNode) -> None:
        rows.ServerTaskFactory(state=State.EXECUTING, node=node)
        text = _press(page, node, "drain")
        assert "It still finishes 1 task." in text
        assert "Draining" in text

    def test_resume(self, page: Client, node: ServerNode) -> None:
        assert "north was not drained." in _press(page, node, "resume")
        _press(page, node, "drain")
        assert "north starts tasks again." in _press(page, node, "resume")

    def test_cap(self, page: Client, node: ServerNode) -> None:
        assert "The task cap of north is 12." in _press(page, node, "cap", task_cap="12")
        node.refresh_from_db()
        assert node.task_cap == 12

    @pytest.mark.parametrize("cap", ["", "0", "-1", "501", "many", "1.5", "9" * 99, "٣x", "\0"])
    def test_a_cap_that_is_none(self, page: Client, node: ServerNode, cap: str) -> None:
        text = _press(page, node, "cap", task_cap=cap)
        assert "The task cap of north stays 5. A task cap is a whole number" in text
        node.refresh_from_db()
        assert node.task_cap == 5

    def test_delete(self, page: Client, node: ServerNode) -> None:
        assert "north is not offline" in _press(page, node, "delete")
        ServerNode.objects.update(last_seen=clock.now() - timedelta(hours=1))
        assert "north is deleted." in _press(page, node, "delete")
        assert not ServerNode.objects.exists()

    @pytest.mark.parametrize("button", BUTTONS)
    def test_on_a_node_that_is_gone(self, page: Client, node: ServerNode, button: str) -> None:
        ServerNode.objects.all().delete()
        assert "That node is not there any more." in _press(page, node, button)

    @pytest.mark.parametrize("button", BUTTONS)
    def test_in_maintenance_mode(self, page: Client, node: ServerNode, button: str) -> None:
        mode.enable(reason="Moving to a new disk")
        response = page.post(f"{URL}{node.pk}/{button}/", {"task_cap": "9"})
        assert response.status_code == 503
        assert 'aria-disabled="true"' in _text(page.get(URL))
        node.refresh_from_db()
        assert (node.task_cap, node.is_draining) == (5, False)

    @pytest.mark.parametrize("button", BUTTONS)
    def test_need_the_page_they_stand_on(
        self, client_for: ClientFor, system_manager: User, node: ServerNode, button: str
    ) -> None:
        stranger = client_for(system_manager, enforce_csrf_checks=True)
        assert stranger.post(f"{URL}{node.pk}/{button}/").status_code == 403
