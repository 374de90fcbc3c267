import pytest

from tasks import paging
from tasks.models import ServerTask
from tests.tasks import rows

pytestmark = pytest.mark.django_db


def _ids(page: paging.Page) -> list[int]:
    return [task.pk for task in page.tasks]


def test_the_first_page_has_the_newest_and_nothing_newer() -> None:
    tasks = rows.many(5)
    page = paging.cut(ServerTask.objects.all(), size=2)
    assert _ids(page) == [tasks[4].pk, tasks[3].pk]
    assert page.newer_than is None
    assert page.older_than == tasks[3].pk


def test_older_pages_reach_every_task_once() -> None:
    tasks = rows.many(7)
    seen: list[int] = []
    cursor: int | None = None
    for _ in range(4):
        page = paging.cut(ServerTask.objects.all(), before=cursor, size=2)
        seen += _ids(page)
        cursor = page.older_than
    assert cursor is None
    assert seen == [task.pk for task in reversed(tasks)]


def test_newer_leads_back_to_the_page_before() -> None:
    rows.many(6)
    first = paging.cut(ServerTask.objects.all(), size=2)
    second = paging.cut(ServerTask.objects.all(), before=first.older_than, size=2)
    third = paging.cut(ServerTask.objects.all(), before=second.older_than, size=2)
    back = paging.cut(ServerTask.objects.all(), after=third.newer_than, size=2)
    assert _ids(back) == _ids(second)
    assert back.newer_than == second.newer_than
    assert back.older_than == second.older_than


def test_newer_says_when_it_came_out_beyond_the_first_page() -> None:
    tasks = rows.many(3)
    assert paging.cut(ServerTask.objects.all(), after=tasks[1].pk, size=2).overshot


def test_a_full_page_at_the_newest_end_has_nothing_newer() -> None:
    tasks = rows.many(3)
    page = paging.cut(ServerTask.objects.all(), after=tasks[0].pk, size=2)
    assert not page.overshot
    assert page.newer_than is None


def test_a_last_page_that_is_just_full_has_nothing_older() -> None:
    rows.many(2)
    assert paging.cut(ServerTask.objects.all(), size=2).older_than is None


def test_tasks_that_come_in_between_do_not_shift_the_next_page() -> None:
    tasks = rows.many(4)
    first = paging.cut(ServerTask.objects.all(), size=2)
    rows.many(3)
    second = paging.cut(ServerTask.objects.all(), before=first.older_than, size=2)
    assert _ids(second) == [tasks[1].pk, tasks[0].pk]


def test_below_the_oldest_there_is_an_empty_page_with_a_way_back() -> None:
    task = rows.ServerTaskFactory()
    page = paging.cut(ServerTask.objects.all(), before=task.pk)
    assert _ids(page) == []
    assert page.newer_than == task.pk - 1
