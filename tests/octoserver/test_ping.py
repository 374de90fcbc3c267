"""What a load balancer is told of this node, as Octopus Deploy's own nodes tell it."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from maintenance import mode
from tasks import clock, nodes, pause
from tasks.models import ServerNode
from tests.tasks import rows
from tests.tasks.conftest import make_node

PATH = "/octopusservernodes/ping"


@pytest.fixture
def this(db: None, settings: Settings) -> ServerNode:
    return make_node(settings.NODE_NAME)


def test_a_node_that_takes_work_answers_200(client: Client, this: ServerNode) -> None:
    response = client.get(PATH)
    assert response.status_code == 200
    assert response.json() == {
        "name": this.name,
        "state": "Running",
        "is_draining": False,
        "running_tasks": 0,
        "task_cap": 5,
        "version": "",
        "in_maintenance_mode": False,
    }
    assert "no-store" in response["Cache-Control"]
    assert not response.cookies


def test_a_node_answers_418_while_it_drains_and_when_it_has(
    client: Client, this: ServerNode
) -> None:
    task = rows.ServerTaskFactory(state="Executing", node=this)
    nodes.drain(this)
    response = client.get(PATH)
    assert (response.status_code, response.json()["state"]) == (418, "Draining")
    assert client.head(PATH).status_code == 418
    type(task).objects.update(state="Success", completed_time=clock.now())
    response = client.get(PATH)
    assert (response.status_code, response.json()["state"]) == (418, "Drained")
    nodes.resume(this)
    assert client.get(PATH).status_code == 200


def test_the_drain_of_another_node_is_no_matter(client: Client, this: ServerNode) -> None:
    nodes.drain(make_node("another"))
    assert client.get(PATH).status_code == 200


@pytest.mark.parametrize("draining", [False, True])
def test_neither_maintenance_mode_nor_a_pause_changes_the_answer(
    client: Client, this: ServerNode, draining: bool
) -> None:
    if draining:
        nodes.drain(this)
    before = client.get(PATH)
    mode.enable(reason="Patches")
    pause.pause()
    after = client.get(PATH)
    assert after.status_code == before.status_code == (418 if draining else 200)
    assert after.json() == before.json() | {"in_maintenance_mode": True}


@pytest.mark.django_db
def test_a_node_without_a_worker_says_so_and_goes_on_showing_pages(client: Client) -> None:
    response = client.get(PATH)
    assert (response.status_code, response.json()["state"]) == (200, "Offline")


@pytest.fixture
def unreadable_nodes(transactional_db: None) -> Iterator[None]:
    table = ServerNode._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


@pytest.mark.usefixtures("unreadable_nodes")
def test_a_database_that_cannot_say_is_503_with_the_reason(
    client: Client, settings: Settings
) -> None:
    response = client.get(PATH)
    assert response.status_code == 503
    assert response.json() == {
        "name": settings.NODE_NAME,
        "reason": "The database cannot be reached.",
        "in_maintenance_mode": None,
    }


def test_only_reading_is_offered(client: Client, this: ServerNode) -> None:
    assert client.post(PATH).status_code == 405
