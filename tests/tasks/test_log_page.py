import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tasks import log
from tasks.models import ServerTask, State
from tasks.views import page as pages
from tests.conftest import ClientFor
from tests.tasks import rows


@pytest.fixture
def page(client_for: ClientFor, viewer: User) -> Client:
    return client_for(viewer)


@pytest.fixture
def task(db: None) -> ServerTask:
    return rows.ServerTaskFactory(state=State.SUCCESS)


def search(page: Client, task: ServerTask, words: str) -> str:
    answer = page.get(reverse("tasks:log_search", args=[task.pk]), {"find": words})
    assert answer.status_code == 200
    return answer.content.decode()


# Colours


def test_colours_are_shown_as_classes_without_any_style(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "\x1b[1;31mbad\x1b[0m <i>")
    text = page.get(task.get_absolute_url()).content.decode()
    assert '<span class="sgr-bold sgr-fg-red">bad</span> &lt;i&gt;' in text
    assert "style=" not in text


def test_a_colour_goes_on_where_a_page_of_the_log_begins(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "\x1b[32mgreen", "still")
    rows.write_log(task, "too", "\x1b[0mplain", first=3)
    text = page.get(task.get_absolute_url(), {"line": 3}).content.decode()
    assert '<span class="sgr-fg-green">too</span>' in text
    assert "<span>plain</span>" in text


def test_a_colour_goes_on_in_lines_that_come_later(page: Client) -> None:
    task = rows.ServerTaskFactory(state=State.EXECUTING)
    rows.write_log(task, "\x1b[32mgreen")
    rows.write_log(task, "later", first=2)
    url = reverse("tasks:log", args=[task.pk])
    text = page.get(url, {"after": 1}, headers={"HX-Request": "true"}).content.decode()
    assert '<span class="sgr-fg-green">later</span>' in text


def test_the_raw_log_keeps_what_was_printed(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "\x1b[32mgreen")
    answer = page.get(reverse("tasks:log_raw", args=[task.pk]))
    assert b"\x1b[32mgreen\n" in b"".join(answer.streaming_content)  # type: ignore[arg-type]


# Search


def test_lines_are_found_in_whatever_case_and_linked_into_the_log(
    page: Client, task: ServerTask
) -> None:
    rows.write_log(task, "nothing", "An Error here", "fine")
    rows.write_log(task, "error again", first=4)
    text = search(page, task, "ERROR")
    assert "2 lines hold “ERROR”." in text
    for number in (2, 4):
        assert f'href="{task.get_absolute_url()}?line={number}#L{number}"' in text
    assert "nothing" not in text


def test_words_are_found_although_colours_stand_between_their_letters(
    page: Client, task: ServerTask
) -> None:
    rows.write_log(task, "se\x1b[31mcr\x1b[0met word")
    assert "1 line holds “secret”." in search(page, task, "secret")


def test_what_is_not_there_is_not_found_nor_are_times_and_marks(
    page: Client, task: ServerTask
) -> None:
    rows.write_log(task, "one", "two")
    assert "No line holds “0 o”." in search(page, task, "0 o")


def test_what_was_typed_is_escaped(page: Client, task: ServerTask) -> None:
    text = search(page, task, '"><script>')
    assert "<script>x" not in text
    assert "&quot;&gt;&lt;script&gt;" in text


def test_only_so_many_lines_are_shown_and_the_page_says_so(
    page: Client, task: ServerTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "LINES_FOUND", 2)
    rows.write_log(task, *["same"] * 3)
    text = search(page, task, "same")
    assert "Only the first 2 lines with “same” are shown." in text
    assert text.count('class="line ') == 2


def test_without_words_nothing_is_searched(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "line")
    assert 'id="found"' not in search(page, task, "  ")


def test_a_task_that_is_not_there_is_said_so(page: Client, db: None) -> None:
    assert page.get("/tasks/ServerTasks-999/log/search/?find=x").status_code == 404


def test_a_person_without_permission_may_not_search(
    client_for: ClientFor, nobody: User, task: ServerTask
) -> None:
    url = reverse("tasks:log_search", args=[task.pk])
    assert client_for(nobody).get(url, {"find": "x"}).status_code == 403


def test_a_search_stops_at_its_limit(task: ServerTask) -> None:
    rows.write_log(task, *["same"] * 5)
    assert [line.number for line in log.search(task, "same", limit=3)] == [1, 2, 3]
