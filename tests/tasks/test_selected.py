"""Many tasks of the list are canceled or moved to the top with one click."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from maintenance import mode
from tasks import bulk, lifecycle
from tasks.models import ServerTask, State
from tests.conftest import ClientFor
from tests.tasks import rows

BUTTONS = ("cancel", "prioritize")


@pytest.fixture
def page(client_for: ClientFor, system_manager: User) -> Client:
    return client_for(system_manager)


def _send(page: Client, button: str, tasks: list[Any], **data: str) -> str:
    ticked = [getattr(task, "pk", task) for task in tasks]
    response: Any = page.post(f"/tasks/{button}/", {"task": ticked, **data}, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[0][0].startswith("/tasks/")
    text: str = strip_tags(response.content.decode())
    return text


def _states() -> list[str]:
    return list(ServerTask.objects.order_by("id").values_list("state", flat=True))


def test_canceling_says_what_happened_to_how_many(page: Client) -> None:
    queued = rows.many(3)
    running = rows.ServerTaskFactory(state=State.EXECUTING)
    done = rows.many(2, state=State.SUCCESS)
    text = _send(page, "cancel", [*queued, running, *done])
    assert _states() == [*["Canceled"] * 3, "Cancelling", "Success", "Success"]
    assert "3 tasks are canceled." in text
    assert "1 task is being canceled." in text
    assert f"2 tasks were already completed: {done[0].name}, {done[1].name}." in text


def test_moving_to_the_top_says_what_happened_to_how_many(page: Client) -> None:
    queued = rows.ServerTaskFactory()
    top = rows.ServerTaskFactory(is_prioritized=True)
    running = rows.ServerTaskFactory(state=State.EXECUTING)
    text = _send(page, "prioritize", [queued, top, running])
    queued.refresh_from_db()
    assert queued.is_prioritized
    assert "1 task is at the top of the queue." in text
    assert f"1 task was already at the top of the queue: {top.name}." in text
    assert f"1 task was already started: {running.name}." in text


def test_a_double_click_changes_nothing_more(page: Client) -> None:
    tasks = rows.many(2)
    _send(page, "cancel", tasks)
    text = _send(page, "cancel", tasks)
    assert "2 tasks were already completed" in text
    assert set(ServerTask.objects.values_list("cancel_requested_by", flat=True)) == {"manuel"}


def test_many_names_are_cut(page: Client) -> None:
    assert "and 3 more." in _send(page, "cancel", rows.many(13, state=State.SUCCESS))


def test_tasks_that_are_gone_are_counted(page: Client) -> None:
    assert "2 tasks are not there any more." in _send(page, "cancel", [998, 999])


@pytest.mark.parametrize("button", BUTTONS)
class TestBothButtons:
    def test_ask_to_select_something(self, page: Client, button: str) -> None:
        assert "No task is selected." in _send(page, button, [])

    @pytest.mark.parametrize("ticked", ["x", "-1", "1.5", "٣", "9" * 19, "9" * 400, "1 OR 1=1"])
    def test_refuse_what_no_page_sends(self, page: Client, button: str, ticked: str) -> None:
        task = rows.ServerTaskFactory()
        text = _send(page, button, [task.pk, ticked])
        assert "The form is damaged. Nothing was changed." in text
        assert _states() == ["Queued"]

    def test_take_so_many_at_once_and_no_more(
        self, page: Client, button: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "MOST", 2)
        text = _send(page, button, rows.many(3))
        assert "can be changed at once. Nothing was changed." in text
        assert _states() == ["Queued"] * 3

    def test_lead_back_to_the_same_list(self, page: Client, button: str) -> None:
        task = rows.ServerTaskFactory()
        response = page.post(f"/tasks/{button}/", {"task": task.pk, "query": "state=Queued&node=a"})
        assert response["Location"] == "/tasks/?state=Queued&node=a"

    def test_never_lead_anywhere_else(self, page: Client, button: str) -> None:
        response = page.post(f"/tasks/{button}/", {"query": "//example.com/\r\nX: y"})
        assert response["Location"].startswith("/tasks/?")
        assert "\n" not in response["Location"]

    def test_wait_for_the_end_of_maintenance_mode(self, page: Client, button: str) -> None:
        task = rows.ServerTaskFactory()
        mode.enable(reason="Patches")
        assert page.post(f"/tasks/{button}/", {"task": task.pk}).status_code == 503
        assert _states() == ["Queued"]

    def test_need_the_page_they_stand_on(
        self, client_for: ClientFor, system_manager: User, button: str
    ) -> None:
        stranger = client_for(system_manager, enforce_csrf_checks=True)
        assert stranger.post(f"/tasks/{button}/").status_code == 403


def test_all_are_changed_or_none(system_manager: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = rows.many(3)
    cancel = lifecycle.cancel

    def fail_at_last(task: ServerTask, **options: Any) -> bool:
        if task == tasks[-1]:
            raise RuntimeError
        return cancel(task, **options)

    monkeypatch.setattr(lifecycle, "cancel", fail_at_last)
    with pytest.raises(RuntimeError):
        bulk.cancel([task.pk for task in tasks], person=system_manager)
    assert _states() == ["Queued"] * 3


class TestTicks:
    def test_stand_at_what_is_not_completed(self, page: Client) -> None:
        waiting = rows.ServerTaskFactory()
        done = rows.ServerTaskFactory(state=State.SUCCESS)
        text = page.get("/tasks/").content.decode()
        assert f'id="select-{waiting.pk}"' in text
        assert f'id="select-{done.pk}"' not in text

    def test_come_with_the_poll_too(self, page: Client) -> None:
        task = rows.ServerTaskFactory()
        text = page.get("/tasks/", headers={"HX-Request": "true"}).content.decode()
        assert f'id="select-{task.pk}"' in text

    def test_are_not_for_who_may_only_look(self, client_for: ClientFor, viewer: User) -> None:
        rows.ServerTaskFactory()
        text = client_for(viewer).get("/tasks/").content.decode()
        assert "select-" not in text
        assert "Cancel selected" not in text

    def test_of_a_deployer_are_for_canceling_alone(
        self, client_for: ClientFor, deployer: User
    ) -> None:
        rows.ServerTaskFactory()
        text = client_for(deployer).get("/tasks/").content.decode()
        assert "Cancel selected" in text
        assert "Move selected to top" not in text
