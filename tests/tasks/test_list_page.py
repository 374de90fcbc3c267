from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tasks.models import ServerTask, State
from tests.conftest import ClientFor
from tests.tasks import rows

URL = "/tasks/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(client_for: ClientFor, viewer: User) -> Client:
    return client_for(viewer)


def _shown(response: Any) -> list[str]:
    """Return the names of the tasks that the main table links to."""

    class Links(HTMLParser):
        names: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "a" and (given.get("id") or "").startswith("task-"):
                self.names.append((given["href"] or "").rstrip("/").rpartition("/")[2])

    links = Links()
    links.names = []
    links.feed(response.content.decode())
    return links.names


def test_tasks_stand_newest_first(page: Client) -> None:
    tasks = rows.many(3)
    assert _shown(page.get(URL)) == [task.name for task in reversed(tasks)]


def test_an_empty_queue_says_what_to_do_next(client_for: ClientFor, deployer: User) -> None:
    response = client_for(deployer).get(URL)
    assert "No task has been queued yet." in response.content.decode()
    assert reverse("tasks:new") in response.content.decode()


def test_whoever_may_only_look_is_offered_no_new_task(page: Client) -> None:
    assert reverse("tasks:new") not in page.get(URL).content.decode()


def test_what_people_wrote_is_escaped(page: Client) -> None:
    rows.ServerTaskFactory(description="<script>alert(1)</script>")
    content = page.get(URL).content.decode()
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)" in content


@pytest.mark.django_db
class TestFilters:
    @pytest.fixture(autouse=True)
    def _tasks(self, deployer: User) -> None:
        self.node = rows.ServerNodeFactory(name="north")
        self.failed = rows.ServerTaskFactory(state=State.FAILED, node=self.node)
        self.persons = rows.ServerTaskFactory(person=deployer)
        self.system = rows.ServerTaskFactory(kind="Retention", is_system=True)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"state": "Failed"}, ["failed"]),
            ({"kind": "Retention"}, ["system"]),
            ({"node": "north"}, ["failed"]),
            ({"person": "dora"}, ["persons"]),
            ({"system": "yes"}, ["system"]),
            ({"system": "no"}, ["persons", "failed"]),
            ({"state": "Failed", "node": "north", "system": "no"}, ["failed"]),
            ({"state": "Failed", "person": "dora"}, []),
            ({"state": "", "kind": "", "person": ""}, ["system", "persons", "failed"]),
            ({"unheard-of": "1"}, ["system", "persons", "failed"]),
        ],
    )
    def test_narrow_the_list(
        self, page: Client, query: dict[str, str], expected: list[str]
    ) -> None:
        assert _shown(page.get(URL, query)) == [getattr(self, name).name for name in expected]

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            ({"state": "Sleeping"}, "There is no state “Sleeping”."),
            ({"kind": "Dance"}, "There is no task kind “Dance”."),
            ({"node": "south"}, "There is no node “south”."),
            ({"person": "nemo"}, "Nobody is called “nemo”."),
            ({"person": "n" * 151}, "at most 150 characters"),
            ({"person": "nu\0l"}, "Null characters are not allowed."),
            ({"system": "maybe"}, "Say yes or no for system, not “maybe”."),
            ({"before": "here"}, "The address names a place in the list that cannot be."),
            ({"before": "-1"}, "The address names a place in the list that cannot be."),
            ({"after": str(2**64)}, "The address names a place in the list that cannot be."),
            ({"state": "<b>"}, "There is no state “&lt;b&gt;”."),
        ],
    )
    def test_that_make_no_sense_are_answered_clearly(
        self, page: Client, query: dict[str, str], words: str
    ) -> None:
        response = page.get(URL, query)
        assert response.status_code == 200
        assert words in response.content.decode()
        assert _shown(response) == []

    def test_are_kept_in_the_form_and_in_the_links(self, page: Client) -> None:
        rows.many(60, state=State.FAILED)
        content = page.get(URL, {"state": "Failed"}).content.decode()
        assert '<option value="Failed" selected>' in content
        assert "?state=Failed&amp;before=" in content

    def test_have_their_own_words_when_nothing_matches(self, page: Client) -> None:
        response = page.get(URL, {"state": "Canceled"})
        assert "No task matches these filters." in response.content.decode()


def _link(response: Any, rel: str) -> str | None:
    class Finder(HTMLParser):
        href: str | None = None

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if dict(attrs).get("rel") == rel:
                self.href = dict(attrs)["href"]

    finder = Finder()
    finder.feed(response.content.decode())
    return finder.href


class TestPaging:
    def test_walks_down_through_all_tasks_and_up_again(self, page: Client) -> None:
        tasks = rows.many(120)
        down, response = [], page.get(URL)
        down += _shown(response)
        while (older := _link(response, "next")) is not None:
            response = page.get(URL + older)
            down += _shown(response)
        assert down == [task.name for task in reversed(tasks)]
        back = page.get(URL + (_link(response, "prev") or ""))
        assert _shown(back) == down[50:100]

    def test_sends_a_short_page_at_the_top_to_the_first_page(self, page: Client) -> None:
        tasks = rows.many(60)
        response = page.get(URL, {"after": tasks[30].pk, "state": "Queued"})
        assert response.status_code == 302
        assert parse_qs(urlsplit(response["Location"]).query) == {"state": ["Queued"]}

    def test_asks_the_same_number_of_queries_however_many_tasks_there_are(
        self, page: Client
    ) -> None:
        rows.many(2)
        few = _queries(page)
        rows.many(300, person=User.objects.get(username="vera"), is_system=False)
        rows.many(25, state=State.TIMED_OUT)
        assert _queries(page) == few

    def test_never_counts_the_tasks(self, page: Client) -> None:
        rows.many(60)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page.get(URL)
        assert not [query for query in queries if "COUNT(" in query["sql"].upper()]

    def test_says_where_the_list_ends(self, page: Client) -> None:
        task = rows.ServerTaskFactory()
        response = page.get(URL, {"before": task.pk})
        assert "The list ends here." in response.content.decode()


def _queries(page: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        page.get(URL)
    return len(queries)


class TestTimedOut:
    """Tasks that were not started by their expiry never sink out of sight."""

    @pytest.fixture
    def expired(self, db: None) -> ServerTask:
        queued = timezone.now() - timedelta(days=20)
        task: ServerTask = rows.ServerTaskFactory(
            state=State.TIMED_OUT,
            created=queued,
            completed_time=timezone.now() - timedelta(hours=2),
            message="Not started by its expiry.",
        )
        rows.many(60)
        return task

    def test_stand_at_the_top_with_their_reason(self, page: Client, expired: ServerTask) -> None:
        response = page.get(URL)
        content = response.content.decode()
        assert expired.name not in _shown(response)
        assert content.index("Not started in time") < content.index(expired.name)
        assert expired.message in content

    @pytest.mark.parametrize("query", [{"state": "Queued"}, {"before": "10"}])
    def test_leave_filtered_and_older_pages_alone(
        self, page: Client, expired: ServerTask, query: dict[str, str]
    ) -> None:
        assert "Not started in time" not in page.get(URL, query).content.decode()

    def test_of_more_than_a_day_ago_are_left_to_the_filter(self, page: Client) -> None:
        old = timezone.now() - timedelta(hours=25)
        rows.ServerTaskFactory(state=State.TIMED_OUT, created=old, completed_time=old)
        assert "Not started in time" not in page.get(URL).content.decode()


class TestLive:
    def test_the_poll_gets_the_table_alone(self, page: Client) -> None:
        task = rows.ServerTaskFactory()
        response = page.get(URL, headers=HTMX)
        assert _shown(response) == [task.name]
        assert "<html" not in response.content.decode()
        assert "HX-Request" in response["Vary"]
        assert "no-store" in response["Cache-Control"]

    def test_the_poll_gets_nothing_while_nothing_changes(self, page: Client) -> None:
        task = rows.ServerTaskFactory()
        address = _poll(page.get(URL))
        assert page.get(address, headers=HTMX).status_code == 204
        ServerTask.objects.filter(pk=task.pk).update(is_prioritized=True)
        assert page.get(address, headers=HTMX).status_code == 200

    def test_the_poll_keeps_filters_and_place(self, page: Client) -> None:
        rows.many(60)
        address = _poll(page.get(URL, {"state": "Queued", "before": "50"}))
        query = parse_qs(urlsplit(address).query)
        assert query["state"] == ["Queued"]
        assert query["before"] == ["50"]
        again = parse_qs(urlsplit(_poll(page.get(address))).query)
        assert len(again["seen"]) == 1


def _poll(response: Any) -> str:
    class Finder(HTMLParser):
        address = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.address = dict(attrs).get("hx-get") or self.address

    finder = Finder()
    finder.feed(response.content.decode())
    assert finder.address
    return finder.address


@pytest.mark.parametrize("url", ["/tasks/", "/tasks/ServerTasks-1/", "/tasks/banana/"])
def test_without_the_permission_to_look_there_is_nothing_to_see(
    client_for: ClientFor, nobody: User, url: str
) -> None:
    assert client_for(nobody).get(url).status_code == 403


def test_whoever_is_not_signed_in_is_sent_to_sign_in(client_for: ClientFor) -> None:
    response = client_for(None).get(URL)
    assert response.status_code == 302
    assert response["Location"].startswith("/login/")
