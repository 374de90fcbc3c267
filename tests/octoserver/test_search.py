"""The quick search: tasks, projects, releases and pages, only what the person may see, and fast."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from octoserver import search
from octoserver.deployments.models import Project, Release
from tasks.models import ServerTask
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db


def queue_row(**values: object) -> ServerTask:
    now = timezone.now()
    times = {"created": now, "queue_time": now, "queue_time_expiry": now}
    return ServerTask.objects.create(**{"kind": "RunScript", **times, **values})


def found(client_for: ClientFor, person: User, typed: str) -> list[str]:
    text = client_for(person).get("/search", {"q": typed}).content.decode()
    return re.findall(r'<span class="hit-title">([^<]*)</span>', text)


@pytest.fixture
def website() -> Project:
    project = Project.objects.create(name="Blue website", slug="blue-website")
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        Release.objects.create(
            project=project, version=version, snapshot={}, created=timezone.now()
        )
    return project


@pytest.mark.parametrize("typed", ["7", "#7", "ServerTasks-7", "servertasks-7", " 7 "])
def test_a_task_is_found_by_its_number(typed: str, viewer: User, client_for: ClientFor) -> None:
    queue_row(pk=7)
    assert found(client_for, viewer, typed) == ["ServerTasks-7"]


def test_the_first_digits_find_the_task_itself_and_the_newest_that_begin_with_them(
    viewer: User, client_for: ClientFor
) -> None:
    for number in (12, 120, 1200, 1250, 1299, 1300):
        queue_row(pk=number)
    assert found(client_for, viewer, "12") == [
        "ServerTasks-12", "ServerTasks-1299", "ServerTasks-1250", "ServerTasks-1200",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "typed", ["999999999999999999", "0", "9" * 40, "-1", "ServerTasks-", "%", "_"]
)
def test_what_is_no_number_of_a_task_finds_none(
    typed: str, viewer: User, client_for: ClientFor
) -> None:
    queue_row(pk=7, description="A script")
    assert "ServerTasks-7" not in found(client_for, viewer, typed)


def test_a_task_is_found_by_words_of_what_it_does(viewer: User, client_for: ClientFor) -> None:
    task = queue_row(description="Deploy Blue website 1.0.0 to Production")
    queue_row(description="Deploy Blue website 1.0.0 to Staging")
    assert found(client_for, viewer, "blue PRODUCTION") == [task.name]


def test_projects_and_releases_are_found_by_the_beginning_of_words(
    website: Project, viewer: User, client_for: ClientFor
) -> None:
    assert found(client_for, viewer, "blue") == [
        "Blue website", "Blue website 2.0.0", "Blue website 1.1.0", "Blue website 1.0.0",
    ]  # fmt: skip
    assert found(client_for, viewer, "blue 1.") == ["Blue website 1.1.0", "Blue website 1.0.0"]


def test_a_page_is_found_by_its_name_and_by_other_words(
    administrator: User, client_for: ClientFor
) -> None:
    assert "Nodes" in found(client_for, administrator, "drain")
    assert "Plan a window" in found(client_for, administrator, "window")


@pytest.mark.parametrize(
    ("person", "seen", "unseen"),
    [
        ("administrator", {"Plan a window", "Nodes", "New task", "Admin site"}, set()),
        ("system_manager", {"Nodes", "New task", "Admin site"}, {"Plan a window"}),
        ("deployer", {"New task", "Tasks"}, {"Plan a window", "Admin site", "New project"}),
        ("viewer", {"Tasks", "Projects"}, {"New task", "Admin site"}),
        ("nobody", {"Home", "Maintenance"}, {"Tasks", "Projects", "New task", "Nodes"}),
    ],
)
def test_only_pages_that_one_may_open_are_offered(
    person: str, seen: set[str], unseen: set[str], client_for: ClientFor,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    offered = set(found(client_for, request.getfixturevalue(person), ""))
    assert seen <= offered
    assert not unseen & offered


def test_nobody_is_told_of_a_task_or_a_project_that_they_may_not_see(
    website: Project, nobody: User, client_for: ClientFor
) -> None:
    queue_row(pk=7, description="Blue undertaking")
    for typed in ("7", "blue", "1.0"):
        assert found(client_for, nobody, typed) == []


def test_the_palette_gets_the_list_alone_and_caches_keep_the_two_apart(
    viewer: User, client_for: ClientFor
) -> None:
    queue_row(pk=7, description="A <script>")
    response = client_for(viewer).get("/search?q=7", headers={"HX-Request": "true"})
    text = response.content.decode()
    assert "<html" not in text
    assert 'role="option" id="hit-1-1" href="/tasks/ServerTasks-7/"' in text
    assert "A &lt;script&gt;" in text
    assert "HX-Request" in response.headers["Vary"]


def test_what_is_typed_is_shown_as_text(viewer: User, client_for: ClientFor) -> None:
    text = client_for(viewer).get("/search", {"q": '"><script>x'}).content.decode()
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text


def test_it_asks_few_questions_whatever_there_is_and_none_of_the_whole_table(
    website: Project, administrator: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    queue_row(pk=5_000_000, description="Blue and far away")
    queue_row(pk=1, description="Blue and long ago")
    for typed in ("blue", "5", "web 1"):
        with CaptureQueriesContext(connection) as asked:
            client.get("/search", {"q": typed})
        assert len(asked) <= 12
        tasks = [each["sql"] for each in asked if 'FROM "tasks_servertask"' in each["sql"]]
        assert tasks
        assert all("MAX(" in sql or '"id" >' in sql or '"id" =' in sql for sql in tasks)
    assert search.LOOKED_THROUGH < 4_999_999
    assert found(client_for, administrator, "blue")[-1] == "Blue website 1.0.0"
    assert "ServerTasks-1" not in found(client_for, administrator, "blue")
