from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.models import ServerTask
from tasks.templatetags import task_tags


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (None, ""),
        (timedelta(0), "under 1 s"),
        (timedelta(milliseconds=999), "under 1 s"),
        (timedelta(seconds=-5), "under 1 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(seconds=65), "1 min 5 s"),
        (timedelta(hours=1, seconds=5), "1 h"),
        (timedelta(hours=25, minutes=3), "1 d 1 h"),
    ],
)
def test_a_length_of_time_is_said_by_its_two_largest_units(
    length: timedelta | None, words: str
) -> None:
    assert task_tags.duration(length) == words


def test_a_moment_says_the_exact_one_on_hover() -> None:
    text = task_tags.moment(datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC))
    assert ">2030-01-02 03:04:05</time>" in text
    assert 'title="2030-01-02 03:04:05.678+00:00"' in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (3, "3"),
        (None, "null"),
        ({"b": 1, "a": "ü"}, '{\n  "a": "ü",\n  "b": 1\n}'),
    ],
)
def test_arguments_are_text(value: Any, text: str) -> None:
    assert task_tags.as_text(value) == text


@pytest.mark.parametrize(
    ("task", "name"),
    [
        (ServerTask(person_name="dora"), "dora"),
        (ServerTask(is_system=True), "System"),
        (ServerTask(), "Server"),
    ],
)
def test_a_task_without_a_person_was_queued_by_the_server(task: ServerTask, name: str) -> None:
    assert task_tags.queued_by(task) == name


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2K\x1b[1Aup", "up"),
        ("\x1b]8;;javascript:x\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("a\tb", "a\tb"),
        ("bell\x07 back\x08 nul\0", "bell back nul"),
    ],
)
def test_a_log_line_steers_no_terminal(raw: str, shown: str) -> None:
    assert task_tags.plain(raw) == shown
