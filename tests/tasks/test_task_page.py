from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.models import ServerTask, State
from tasks.views.page import LINES_SHOWN
from tests.conftest import ClientFor
from tests.tasks import rows
from tests.tasks.test_list_page import HTMX, _poll


@pytest.fixture
def page(client_for: ClientFor, viewer: User) -> Client:
    return client_for(viewer)


@pytest.fixture
def worker_page(client_for: ClientFor, deployer: User) -> Client:
    """The browser of somebody who may do everything to tasks."""
    return client_for(
        rows.grant(deployer, "cancel_servertask", "prioritize_servertask", "run_script")
    )


def _text(response: Any) -> str:
    text: str = response.content.decode()
    return text


class TestFacts:
    @pytest.mark.parametrize("state", State.values)
    def test_say_the_state_by_word_and_class(self, page: Client, state: str) -> None:
        task = rows.ServerTaskFactory(state=state)
        expected = f'<span class="state state-{state.lower()}">{state}</span>'
        assert expected in _text(page.get(task.get_absolute_url()))

    def test_say_who_where_and_how_long(self, page: Client, deployer: User) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS, person=deployer, node_name="north")
        text = _text(page.get(task.get_absolute_url()))
        assert "by dora" in text
        assert "on north" in text
        assert "1 min 5 s" in text

    def test_say_why_a_task_has_not_started(self, page: Client) -> None:
        task = rows.ServerTaskFactory(queue_time=timezone.now() + timedelta(hours=2))
        text = _text(page.get(task.get_absolute_url()))
        assert "Not started yet" in text
        assert "Scheduled for" in text

    def test_say_why_a_task_failed(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.FAILED, message="It ended with code 3 <here>.")
        assert "It ended with code 3 &lt;here&gt;." in _text(page.get(task.get_absolute_url()))

    def test_link_to_parent_children_and_runs_of_the_same_work(self, page: Client) -> None:
        task = rows.ServerTaskFactory(
            state=State.FAILED, parent=rows.ServerTaskFactory(), rerun_of=rows.ServerTaskFactory()
        )
        child, again = (
            rows.ServerTaskFactory(parent=task),
            rows.ServerTaskFactory(rerun_of=task),
        )
        text = _text(page.get(task.get_absolute_url()))
        for relative in (task.parent, task.rerun_of, child, again):
            assert f'href="{relative.get_absolute_url()}"' in text

    def test_show_the_arguments_as_text(self, page: Client) -> None:
        script = "echo '<b>'\nexit 3"
        task = rows.ServerTaskFactory(arguments={"script": script, "odd": {"deep": ["</pre>", 1]}})
        text = _text(page.get(task.get_absolute_url()))
        assert "echo &#x27;&lt;b&gt;&#x27;\nexit 3</pre>" in text
        assert "&lt;/pre&gt;" in text

    def test_stand_although_the_kind_is_gone(self, page: Client) -> None:
        task = rows.ServerTaskFactory(kind="Bygone", state=State.SUCCESS)
        assert "Bygone" in _text(page.get(task.get_absolute_url()))


class TestButtons:
    ALL = ("cancel", "prioritize", "rerun")

    @pytest.mark.parametrize(
        ("state", "offered"),
        [
            (State.QUEUED, {"cancel", "prioritize"}),
            (State.EXECUTING, {"cancel"}),
            (State.CANCELLING, set()),
            (State.SUCCESS, {"rerun"}),
            (State.FAILED, {"rerun"}),
            (State.CANCELED, {"rerun"}),
            (State.TIMED_OUT, {"rerun"}),
        ],
    )
    def test_are_those_that_would_do_something(
        self, worker_page: Client, state: State, offered: set[str]
    ) -> None:
        task = rows.ServerTaskFactory(state=state)
        text = _text(worker_page.get(task.get_absolute_url()))
        assert {name for name in self.ALL if f'id="{name}"' in text} == offered

    @pytest.mark.parametrize("state", [State.QUEUED, State.SUCCESS])
    def test_are_not_shown_to_whoever_may_only_look(self, page: Client, state: State) -> None:
        text = _text(page.get(rows.ServerTaskFactory(state=state).get_absolute_url()))
        assert not [name for name in self.ALL if f'id="{name}"' in text]

    def test_do_not_offer_to_move_a_task_to_the_top_twice(self, worker_page: Client) -> None:
        task = rows.ServerTaskFactory(is_prioritized=True)
        assert 'id="prioritize"' not in _text(worker_page.get(task.get_absolute_url()))

    def test_do_not_offer_to_run_a_system_task_again(self, worker_page: Client) -> None:
        task = rows.ServerTaskFactory(kind="Retention", is_system=True, state=State.SUCCESS)
        assert 'id="rerun"' not in _text(worker_page.get(task.get_absolute_url()))


class TestLog:
    def test_is_shown_in_order_with_numbers_to_link_to(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        rows.write_log(task, "first", "second <i>")
        rows.write_log(task, "third", category="e", first=3)
        text = _text(page.get(task.get_absolute_url()))
        assert text.index("first") < text.index("second &lt;i&gt;") < text.index("third")
        assert 'id="L3" class="line line-error"' in text

    def test_shows_no_terminal_codes(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        rows.write_log(task, "\x1b[31mred\x1b[0m and \x1b]0;title\x07plain\x08")
        assert '<span class="sgr-fg-red">red</span> and plain</span>' in _text(
            page.get(task.get_absolute_url())
        )

    def test_shows_the_end_of_a_long_one_and_where_the_rest_is(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        _write_many(task, LINES_SHOWN + 500)
        text = _text(page.get(task.get_absolute_url()))
        assert 'id="L500"' not in text
        assert 'id="L501"' in text
        assert f'id="L{LINES_SHOWN + 500}"' in text
        assert "?line=1#" in text

    def test_shows_its_end_to_an_address_that_leaves_the_line_open(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        rows.write_log(task, "first", "last")
        assert 'id="L2"' in _text(page.get(f"{task.get_absolute_url()}?find=&line="))

    def test_shows_any_part_of_a_long_one_and_asks_for_what_follows(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        _write_many(task, LINES_SHOWN + 500)
        text = _text(page.get(task.get_absolute_url(), {"line": "11"}))
        assert 'id="L10"' not in text
        assert 'id="L11"' in text
        assert f"?line={LINES_SHOWN + 11}#" in text
        assert f"after={LINES_SHOWN + 500}&amp;" in text
        assert "http-equiv" not in text

    @pytest.mark.parametrize("line", ["x", "-1", "1.5", "٣", "9" * 11])
    def test_says_clearly_what_is_no_line(self, page: Client, line: str) -> None:
        task = rows.ServerTaskFactory()
        assert page.get(task.get_absolute_url(), {"line": line}).status_code == 400
        assert page.get(f"{task.get_absolute_url()}log/", {"after": line}).status_code == 400

    @pytest.mark.parametrize("line", ["0", "3", "4000000000"])
    def test_answers_a_line_that_is_not_there(self, page: Client, line: str) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        rows.write_log(task, "only")
        assert page.get(task.get_absolute_url(), {"line": line}).status_code == 200

    def test_comes_raw_as_a_file_and_piece_by_piece(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        _write_many(task, 3000)
        response = page.get(f"{task.get_absolute_url()}log/raw/")
        assert response.streaming
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert f'filename="{task.name}.log"' in response["Content-Disposition"]
        lines = b"".join(response).decode().splitlines()
        assert [line.split()[-1] for line in lines] == [f"n{number}" for number in range(1, 3001)]


def _write_many(task: ServerTask, number: int) -> None:
    for first in range(1, number + 1, 500):
        rows.write_log(task, *[f"n{index}" for index in range(first, first + 500)], first=first)


class TestFollowing:
    def test_brings_only_the_new_lines(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        rows.write_log(task, "one", "two")
        address = _poll(page.get(task.get_absolute_url()))
        rows.write_log(task, "three", first=3)
        response = page.get(address, headers=HTMX)
        assert response.status_code == 200
        assert 'id="L3"' in _text(response)
        assert 'id="L2"' not in _text(response)
        assert 'hx-swap-oob="beforeend:#log-lines"' in _text(response)
        assert "after=3" in _poll(response)

    def test_brings_nothing_while_nothing_happens(self, page: Client) -> None:
        task = rows.ServerTaskFactory(queue_time=timezone.now() + timedelta(days=2))
        address = _poll(page.get(task.get_absolute_url()))
        assert page.get(address, headers=HTMX).status_code == 204

    def test_brings_the_new_state_and_buttons(self, worker_page: Client) -> None:
        task = rows.ServerTaskFactory(queue_time=timezone.now() + timedelta(days=2))
        address = _poll(worker_page.get(task.get_absolute_url()))
        rows.ServerTask.objects.filter(pk=task.pk).update(is_prioritized=True)
        text = _text(worker_page.get(address, headers=HTMX))
        assert 'id="task-facts"' in text
        assert "Moved to top" in text
        assert 'id="task-actions"' in text
        assert 'id="prioritize"' not in text

    def test_ends_with_the_task(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        address = _poll(page.get(task.get_absolute_url()))
        rows.write_log(task, "last words")
        ServerTask.objects.filter(pk=task.pk).update(
            state=State.SUCCESS, completed_time=timezone.now()
        )
        response = page.get(address, headers=HTMX)
        assert response.status_code == 286
        assert "last words" in _text(response)
        assert "hx-get" not in _text(response)

    def test_does_not_begin_on_a_completed_task(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.SUCCESS)
        text = _text(page.get(task.get_absolute_url()))
        assert "hx-get" not in text
        assert "http-equiv" not in text

    def test_reloads_by_itself_without_scripts(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        text = _text(page.get(task.get_absolute_url()))
        assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text

    def test_jumps_to_the_end_when_it_fell_far_behind(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        rows.write_log(task, "first")
        address = _poll(page.get(task.get_absolute_url()))
        for first in range(2, 2 * LINES_SHOWN, 500):
            rows.write_log(task, *["x"] * 500, first=first)
        response = page.get(address, headers=HTMX)
        assert 'hx-swap-oob="innerHTML:#log-lines"' in _text(response)
        assert f'id="L{2 * LINES_SHOWN + 1}"' in _text(response)
        assert 'id="L2"' not in _text(response)

    def test_asks_the_same_number_of_queries_however_long_the_log_is(self, page: Client) -> None:
        task = rows.ServerTaskFactory(state=State.EXECUTING)
        rows.write_log(task, "one")
        few = _queries(page, task)
        _write_many_after(task, 1)
        assert _queries(page, task) == few


def _write_many_after(task: ServerTask, line: int) -> None:
    for first in range(line + 1, line + 5000, 500):
        rows.write_log(task, *["x"] * 500, first=first)


def _queries(page: Client, task: ServerTask) -> int:
    with CaptureQueriesContext(connection) as queries:
        page.get(task.get_absolute_url())
    return len(queries)


@pytest.mark.parametrize(
    "path",
    [
        "banana/",
        "ServerTasks-x/",
        "ServerTasks-0/",
        "ServerTasks--1/",
        "ServerTasks-404/",
        "ServerTasks-404/log/",
        "ServerTasks-404/log/raw/",
        f"ServerTasks-{2**70}/",
        "servertasks-1/",
    ],
)
def test_what_names_no_task_is_answered_clearly(page: Client, path: str) -> None:
    response = page.get(f"/tasks/{path}")
    assert response.status_code == 404
    assert "There is no task " + path.partition("/")[0] in _text(response)
    assert "<nav" in _text(response)
