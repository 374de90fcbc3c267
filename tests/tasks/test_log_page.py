import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tasks import log, window
from tasks.models import ServerTask, State
from tasks.views import logs as pages
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


def test_a_script_is_told_the_numbers_of_all_lines_that_hold_the_words(
    page: Client, task: ServerTask
) -> None:
    rows.write_log(task, "An error", "fine", "e\x1b[31mrr\x1b[0mor", "\x1b]0;a title", "error")
    rows.write_log(task, "ERROR", first=6)
    url = reverse("tasks:log_search", args=[task.pk])
    answer = page.get(url, {"find": "error"}, headers={"Accept": "application/json"})
    assert answer.json() == {"total": 4, "lines": [1, 3, 5, 6]}
    assert "no-store" in answer["Cache-Control"]


def test_the_times_and_marks_of_lines_are_no_words(task: ServerTask) -> None:
    rows.write_log(task, "one", "two")
    assert log.numbers_of(task, "0 o") == []


# Walking through what was found, without a script


def test_the_first_match_is_shown_in_the_log_with_links_to_those_beside_it(
    page: Client, task: ServerTask
) -> None:
    rows.write_log(task, *(f"word {n}" if n % 40 == 0 else "x" for n in range(1, 121)))
    text = page.get(task.get_absolute_url(), {"find": "WORD"}).content.decode()
    assert "1 of 3" in text
    assert '<li id="L40" class="line line-output line-at">' in text
    assert "<mark>word</mark> 40" in text
    assert "?find=WORD&amp;line=80#L80" in text
    assert "?find=WORD&amp;line=120#L120" in text


def test_the_walk_goes_on_from_a_line(page: Client, task: ServerTask) -> None:
    rows.write_log(task, *(f"word {n}" if n % 40 == 0 else "x" for n in range(1, 121)))
    text = page.get(task.get_absolute_url(), {"find": "word", "line": 41}).content.decode()
    assert "2 of 3" in text
    assert 'id="L80" class="line line-output line-at"' in text


def test_words_that_are_nowhere_are_said_to_be_nowhere(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "x")
    text = page.get(task.get_absolute_url(), {"find": "<b>"}).content.decode()
    assert "nothing found" in text
    assert 'value="&lt;b&gt;"' in text


# Parts, for the viewer


def part(page: Client, task: ServerTask, first: int, last: int) -> str:
    url = reverse("tasks:log_lines", args=[task.pk])
    answer = page.get(url, {"first": first, "last": last})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def test_a_part_is_just_the_lines_that_were_asked_for(page: Client, task: ServerTask) -> None:
    rows.write_log(task, *map(str, range(1, 301)))
    rows.write_log(task, *map(str, range(301, 601)), first=301)
    text = part(page, task, 251, 500)
    assert text.count("<li ") == 250
    assert text.startswith('<li id="L251" ')
    assert 'id="L500"' in text


def test_a_part_begins_in_the_colours_of_the_lines_before(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "\x1b[32mgreen", "still")
    assert '<span class="sgr-fg-green">still</span>' in part(page, task, 2, 2)


def test_a_part_behind_the_end_is_empty(page: Client, task: ServerTask) -> None:
    rows.write_log(task, "only")
    assert part(page, task, 251, 500) == ""


@pytest.mark.parametrize("query", [{}, {"first": 2, "last": 1}, {"first": 1, "last": 10**6}])
def test_a_part_of_senseless_length_is_refused(
    page: Client, task: ServerTask, query: dict[str, int]
) -> None:
    assert page.get(reverse("tasks:log_lines", args=[task.pk]), query).status_code == 400


# Bounds


def test_the_page_shows_no_more_than_so_many_characters(
    page: Client, task: ServerTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "CHARACTERS_SHOWN", 1000)
    rows.write_log(task, *["x" * 300] * 10)
    text = page.get(task.get_absolute_url()).content.decode()
    assert [f'id="L{n}"' in text for n in (7, 8, 10)] == [False, True, True]
    text = page.get(task.get_absolute_url(), {"line": 2}).content.decode()
    assert [f'id="L{n}"' in text for n in (1, 2, 4, 5)] == [False, True, True, False]
    assert "?line=5#L5" in text


def test_a_line_too_long_for_the_page_is_shown_nevertheless(
    page: Client, task: ServerTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "CHARACTERS_SHOWN", 10)
    rows.write_log(task, "x" * 300, "y" * 300)
    assert 'id="L2"' in page.get(task.get_absolute_url()).content.decode()
