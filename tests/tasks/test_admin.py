from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tasks.models import ServerTask, State
from tests.conftest import ClientFor
from tests.tasks import rows

TASKS = "/admin/tasks/servertask/"
NODES = "/admin/tasks/servernode/"


@pytest.fixture
def page(client_for: ClientFor, administrator: User) -> Client:
    return client_for(administrator)


def _text(response: Any) -> str:
    assert response.status_code == 200
    text: str = response.content.decode()
    return text


def test_tasks_are_listed_newest_first(page: Client) -> None:
    older, newer = rows.many(2)
    text = _text(page.get(TASKS))
    assert text.index(newer.name) < text.index(older.name)


def test_a_task_is_found_by_its_name(page: Client) -> None:
    wanted, other = rows.many(2, state=State.FAILED)
    text = _text(page.get(TASKS, {"q": wanted.name}))
    assert wanted.name in text
    assert other.name not in text


@pytest.mark.parametrize("query", ["banana", "ServerTasks-", "9" * 30, "'"])
def test_what_names_no_task_finds_none(page: Client, query: str) -> None:
    task = rows.ServerTaskFactory()
    assert task.name not in _text(page.get(TASKS, {"q": query}))


def test_tasks_are_filtered_by_kind(page: Client) -> None:
    script, retention = rows.ServerTaskFactory(), rows.ServerTaskFactory(kind="Retention")
    text = _text(page.get(TASKS, {"kind": "Retention"}))
    assert retention.name in text
    assert script.name not in text


def test_a_task_is_shown_with_its_log(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.SUCCESS)
    rows.write_log(task, "hello <b>there</b>", "\x1b[31mred\x1b[0m")
    text = _text(page.get(f"{TASKS}{task.pk}/change/"))
    assert "hello &lt;b&gt;there" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("url", [TASKS, NODES])
def test_nothing_is_added_changed_or_deleted(page: Client, url: str) -> None:
    row = rows.ServerTaskFactory() if url == TASKS else rows.ServerNodeFactory()
    assert page.get(f"{url}add/").status_code == 403
    assert page.post(f"{url}add/", {"name": "x"}).status_code == 403
    assert page.post(f"{url}{row.pk}/change/", {"description": "x"}).status_code == 403
    assert page.post(f"{url}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    marked = {"action": "delete_selected", "_selected_action": str(row.pk), "post": "yes"}
    page.post(url, marked)
    assert type(row).objects.get() == row


def test_a_long_list_is_not_counted_to_its_end(page: Client) -> None:
    rows.many(60)
    with CaptureQueriesContext(connection) as queries:
        text = _text(page.get(TASKS))
    assert "60 server tasks" in text
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
    assert counts
    assert all("LIMIT" in sql for sql in counts)


def test_the_list_asks_the_same_number_of_queries_however_long_it_is(page: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(TASKS)
        return len(captured)

    rows.many(2)
    few = queries()
    rows.many(100, node=rows.ServerNodeFactory())
    assert ServerTask.objects.count() == 102
    assert queries() == few


def test_nodes_are_listed(page: Client) -> None:
    rows.ServerNodeFactory(name="north")
    assert "north" in _text(page.get(NODES))


@pytest.mark.parametrize("url", [TASKS, NODES])
def test_staff_without_the_permission_see_nothing(
    client_for: ClientFor, nobody: User, url: str
) -> None:
    nobody.is_staff = True
    nobody.save()
    assert client_for(nobody).get(url).status_code == 403
