"""The gate stands before every change to the queue, and the pages say so beforehand."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from maintenance import mode
from tasks.models import ServerTask, State
from tests.conftest import ClientFor
from tests.tasks import rows
from tests.tasks.test_list_page import _poll

SCRIPT = {"kind": "RunScript", "script": "echo hello"}


@pytest.fixture(autouse=True)
def _maintenance_on(db: None) -> None:
    mode.enable(name="ada", reason="Moving to a new disk")


@pytest.fixture
def deployers(client_for: ClientFor, deployer: User) -> Client:
    return client_for(
        rows.grant(deployer, "cancel_servertask", "prioritize_servertask", "run_script")
    )


@pytest.fixture
def administrators(client_for: ClientFor, administrator: User) -> Client:
    return client_for(administrator)


def _text(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def test_everything_can_still_be_looked_at(deployers: Client) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    rows.write_log(task, "hello")
    url = task.get_absolute_url()
    for address in ("/tasks/", "/tasks/new/", url, f"{url}log/"):
        assert deployers.get(address).status_code == 200
    raw: Any = deployers.get(f"{url}log/raw/")
    assert b"hello" in b"".join(raw)


@pytest.mark.parametrize("button", ["cancel", "prioritize", "rerun"])
def test_every_button_is_refused(deployers: Client, button: str) -> None:
    state = State.FAILED if button == "rerun" else State.QUEUED
    task = rows.ServerTaskFactory(state=state)
    response = deployers.post(f"{task.get_absolute_url()}{button}/")
    assert response.status_code == 503
    assert "Moving to a new disk" in response.content.decode()
    task.refresh_from_db()
    assert (task.state, task.is_prioritized) == (state, False)
    assert ServerTask.objects.count() == 1


def test_a_new_task_is_refused_and_what_was_typed_is_shown(deployers: Client) -> None:
    response = deployers.post("/tasks/new/", SCRIPT | {"_once": "of-this-page"})
    text = response.content.decode()
    assert response.status_code == 503
    assert "echo hello" in text
    assert '<input type="hidden" name="_once" value="of-this-page">' in text
    assert not ServerTask.objects.exists()


def test_an_administrator_works_on(administrators: Client) -> None:
    assert administrators.post("/tasks/new/", SCRIPT).status_code == 302
    task = ServerTask.objects.get()
    for button in ("prioritize", "cancel", "rerun"):
        assert administrators.post(f"{task.get_absolute_url()}{button}/").status_code == 302
    task.refresh_from_db()
    assert (task.state, task.is_prioritized) == (State.CANCELED, True)
    assert ServerTask.objects.filter(rerun_of=task).count() == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.EXECUTING, State.FAILED])
def test_what_would_be_refused_is_disabled_with_the_reason(
    deployers: Client, administrators: Client, state: State
) -> None:
    url = rows.ServerTaskFactory(state=state).get_absolute_url()
    refused, admitted = _text(deployers.get(url)), _text(administrators.get(url))
    assert refused.count(" disabled ") == admitted.count('form="act"') > 0
    assert "Moving to a new disk" in refused
    assert " disabled " not in admitted


def test_the_form_of_a_new_task_is_disabled_with_the_reason(
    deployers: Client, administrators: Client
) -> None:
    assert _text(deployers.get("/tasks/new/")).count(" disabled ") == 1
    assert " disabled " not in _text(administrators.get("/tasks/new/"))


def test_the_buttons_of_an_open_page_come_back_when_the_mode_goes(deployers: Client) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    address = _poll(deployers.get(task.get_absolute_url()))
    mode.disable(name="ada")
    fragment = _text(deployers.get(address, headers={"HX-Request": "true"}))
    assert 'id="cancel"' in fragment
    assert " disabled " not in fragment
