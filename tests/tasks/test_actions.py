from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from tasks.models import ServerTask, State
from tests.conftest import ClientFor
from tests.tasks import rows


@pytest.fixture
def person(deployer: User) -> User:
    return rows.grant(deployer, "cancel_servertask", "prioritize_servertask", "run_script")


@pytest.fixture
def page(client_for: ClientFor, person: User) -> Client:
    return client_for(person)


def _press(page: Client, task: ServerTask, button: str, **data: str) -> tuple[ServerTask, str]:
    """Press a button of a task's page; return the task as it is then, and what the page says."""
    response: Any = page.post(f"{task.get_absolute_url()}{button}/", data, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[0][1] == 302
    task.refresh_from_db()
    return task, strip_tags(response.content.decode())


def test_canceling_a_queued_task_ends_it_at_once(page: Client) -> None:
    task, text = _press(page, rows.ServerTaskFactory(), "cancel")
    assert task.state == State.CANCELED
    assert task.cancel_requested_by == "dora"
    assert f"{task.name} is canceled." in text


def test_canceling_a_running_task_asks_it_to_stop(page: Client) -> None:
    task, text = _press(page, rows.ServerTaskFactory(state=State.EXECUTING), "cancel")
    assert task.state == State.CANCELLING
    assert f"{task.name} is being canceled." in text


@pytest.mark.parametrize(
    ("state", "button", "words"),
    [
        (State.SUCCESS, "cancel", "is already completed."),
        (State.CANCELED, "cancel", "is already completed."),
        (State.CANCELLING, "cancel", "is already being canceled."),
        (State.EXECUTING, "prioritize", "has already started."),
        (State.FAILED, "prioritize", "is already completed."),
        (State.QUEUED, "rerun", "is not completed yet."),
        (State.EXECUTING, "rerun", "is not completed yet."),
    ],
)
def test_whoever_comes_too_late_is_told_and_changes_nothing(
    page: Client, state: State, button: str, words: str
) -> None:
    task, text = _press(page, rows.ServerTaskFactory(state=state), button)
    assert f"{task.name} {words}" in text
    assert task.state == state
    assert ServerTask.objects.count() == 1


def test_moving_to_the_top_prioritizes(page: Client) -> None:
    task, text = _press(page, rows.ServerTaskFactory(), "prioritize")
    assert task.is_prioritized
    assert f"{task.name} is at the top of the queue." in text


def test_moving_to_the_top_twice_says_that_it_is_there(page: Client) -> None:
    task, text = _press(page, rows.ServerTaskFactory(is_prioritized=True), "prioritize")
    assert f"{task.name} is already at the top of the queue." in text


def test_running_again_queues_the_same_work_and_leads_to_it(page: Client, person: User) -> None:
    task = rows.ServerTaskFactory(state=State.FAILED, arguments={"script": "exit 3"})
    _, text = _press(page, task, "rerun")
    again = ServerTask.objects.get(rerun_of=task)
    assert again.arguments["script"] == "exit 3"
    assert again.person == person
    assert f"{again.name} is queued." in text


def test_a_canceled_task_is_queued_again_for_the_times_that_it_had(page: Client) -> None:
    soon = timezone.now() + timedelta(hours=1)
    task = rows.ServerTaskFactory(queue_time=soon, queue_time_expiry=soon + timedelta(minutes=7))
    _, text = _press(page, task, "cancel")
    assert "Queue again at the same time" in text
    _press(page, task, "rerun", _same_time="1")
    again = ServerTask.objects.get(rerun_of=task)
    assert (again.queue_time, again.queue_time_expiry) == (task.queue_time, task.queue_time_expiry)
    assert again.state == State.QUEUED


def test_it_is_not_queued_for_a_time_that_has_passed_meanwhile(page: Client) -> None:
    gone = timezone.now() - timedelta(hours=1)
    task = rows.ServerTaskFactory(queue_time=gone, state=State.CANCELED)
    _, text = _press(page, task, "rerun", _same_time="1")
    assert f"{task.name} cannot run again. The time lies in the past." in text
    assert "Queue again at the same time" not in text
    assert ServerTask.objects.count() == 1


def test_a_double_click_runs_it_again_once(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.FAILED)
    for _ in range(2):
        _press(page, task, "rerun", _once="of-one-page")
    assert ServerTask.objects.filter(rerun_of=task).count() == 1


def test_each_page_may_run_it_again(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.FAILED)
    for token in ("of-one-page", "of-another"):
        _press(page, task, "rerun", _once=token)
    assert ServerTask.objects.filter(rerun_of=task).count() == 2


def test_a_token_that_no_page_made_is_refused(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.FAILED)
    _, text = _press(page, task, "rerun", _once="x" * 65)
    assert "Reload the page and try again." in text
    assert ServerTask.objects.count() == 1


def test_work_of_a_kind_that_is_gone_cannot_run_again(page: Client) -> None:
    task = rows.ServerTaskFactory(kind="Bygone", state=State.FAILED)
    _, text = _press(page, task, "rerun")
    assert f"{task.name} cannot run again." in text
    assert ServerTask.objects.count() == 1


def test_system_tasks_cannot_be_run_again_by_hand(page: Client) -> None:
    task = rows.ServerTaskFactory(kind="Retention", is_system=True, state=State.SUCCESS)
    assert page.post(f"{task.get_absolute_url()}rerun/").status_code == 403
    assert ServerTask.objects.count() == 1


@pytest.mark.parametrize("button", ["cancel", "prioritize", "rerun"])
class TestEveryButton:
    def test_changes_nothing_by_a_link(self, page: Client, button: str) -> None:
        task = rows.ServerTaskFactory()
        for method in (page.get, page.head, page.put, page.patch, page.delete):
            assert method(f"{task.get_absolute_url()}{button}/").status_code == 405
        task.refresh_from_db()
        assert task.state == State.QUEUED
        assert not task.is_prioritized

    def test_needs_the_page_it_stands_on(
        self, client_for: ClientFor, person: User, button: str
    ) -> None:
        task = rows.ServerTaskFactory()
        stranger = client_for(person, enforce_csrf_checks=True)
        assert stranger.post(f"{task.get_absolute_url()}{button}/").status_code == 403

    def test_is_refused_to_whoever_may_only_look(
        self, client_for: ClientFor, viewer: User, button: str
    ) -> None:
        task = rows.ServerTaskFactory()
        response = client_for(viewer).post(f"{task.get_absolute_url()}{button}/")
        assert response.status_code == 403
        task.refresh_from_db()
        assert task.state == State.QUEUED

    def test_sends_whoever_is_not_signed_in_to_sign_in(
        self, client_for: ClientFor, db: None, button: str
    ) -> None:
        task = rows.ServerTaskFactory()
        response = client_for(None).post(f"{task.get_absolute_url()}{button}/")
        assert response["Location"].startswith("/login/")

    def test_answers_a_task_that_is_not_there(self, page: Client, button: str) -> None:
        response = page.post(f"/tasks/ServerTasks-404/{button}/")
        assert response.status_code == 404
        assert "There is no task ServerTasks-404" in response.content.decode()
