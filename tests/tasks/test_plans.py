"""Every query of the pages and of the queue's steps runs on an index, as the engine plans it.

The plans are those of a table that is large as far as the planner can know: a few thousand tasks,
counted, of which few are queued or running.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tasks import lifecycle, log, queue, wake
from tasks.builtin import retention
from tasks.claiming import Lane
from tasks.lifecycle import Ending
from tasks.models import LogChunk, ServerNode, ServerTask, State
from tasks.scheduler import Scheduler
from tests.benchmarks import fill
from tests.conftest import ClientFor
from tests.tasks import nested, rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("zoo_kinds")]

MANY = 4000
LARGE = ("tasks_servertask", "tasks_logchunk")
# What reads a whole table: a sequential scan, or a scan without any index.
ON_POSTGRESQL = re.compile(rf"Seq Scan on ({'|'.join(LARGE)})\b")
ON_SQLITE = re.compile(r"SCAN (\w+)\b(?! USING)")
# The admin site's count, which stops at a number of rows: where they are common, the first of a
# table are as good as those of an index, and the tables here have fewer.
STOPS = re.compile(r"SELECT COUNT\(\*\) FROM \(SELECT .* LIMIT \d+\) subquery")


class Watch:
    """Asks for the plan of every statement that reaches the database."""

    def __init__(self) -> None:
        self.scans: list[str] = []
        self.seen: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        is_planned = re.match(r"\s*(SELECT|UPDATE|DELETE|WITH|INSERT)\b", sql, re.I)
        if is_planned and not many and concerns(sql):
            self.seen.append(sql)
            plan = "\n".join(self._plan(sql, params))
            if whole(sql, plan):
                self.scans.append(f"{sql}\n{plan}")
        return execute(sql, params, many, context)

    def _plan(self, sql: str, params: Any) -> Iterator[str]:
        is_sqlite = connection.vendor == "sqlite"
        with connection.execute_wrapper(lambda execute, *rest: execute(*rest)):
            cursor = connection.connection.cursor()
            if is_sqlite:
                words, values = for_sqlite(sql, params)
                cursor.execute(f"EXPLAIN QUERY PLAN {words}", values)
            else:
                cursor.execute(f"EXPLAIN {sql}", params)
            yield from (str(row[-1]) for row in cursor.fetchall())


def concerns(words: str) -> bool:
    """Tell whether a statement is one whose plan counts."""
    return any(table in words for table in LARGE) and not STOPS.search(words)


def for_sqlite(sql: str, params: Any) -> tuple[str, Any]:
    if isinstance(params, dict):
        return re.sub(r"%\((\w+)\)s", r":\1", sql), params
    return sql.replace("%s", "?").replace("%%", "%"), params or ()


def whole(sql: str, plan: str) -> bool:
    """Tell whether a plan reads all of a large table."""
    if connection.vendor != "sqlite":
        return bool(ON_POSTGRESQL.search(plan))
    if "AUTOMATIC" in plan:  # an index made for this one statement, from all of a table
        return True
    if re.search(r'FROM "tasks_servertask" ORDER BY "tasks_servertask"."id" DESC LIMIT', sql):
        return "TEMP B-TREE" in plan  # the first rows by their number: the table itself has them so
    small = set(re.findall(r'"?tasks_(?:servernode|queuepause|schedulermark)"? (\w+)', sql))
    return any(name not in small and not is_small(name) for name in ON_SQLITE.findall(plan))


def is_small(name: str) -> bool:
    return name.startswith(
        (
            "tasks_servernode",
            "tasks_queuepause",
            "tasks_schedulermark",
            "CONSTANT",
            "json_each",
            "subquery",
        )
    )


@pytest.fixture
def large(db: None, node: ServerNode, deployer: User) -> ServerTask:
    """Make tables that are large, and return a task with a log in their middle."""
    number = fill.fill(MANY, person=deployer.pk, node=node.pk)
    task = ServerTask.objects.get(pk=number)
    queue.enqueue("Simple")
    return task


@contextmanager
def no_scans() -> Iterator[Watch]:
    """Fail where a statement reads a whole table, be it one inside a procedure."""
    watch = Watch()
    inside = nested.plans() if connection.vendor == "postgresql" else nullcontext([])
    with inside as found, connection.execute_wrapper(watch):
        yield watch
    called = [plan for plan in found if concerns(plan)]
    watch.seen += called
    watch.scans += filter(ON_POSTGRESQL.search, called)
    assert watch.seen, "no query of a large table was seen"
    assert not watch.scans, "\n\n".join(watch.scans)


@pytest.fixture
def browser(client_for: ClientFor, administrator: User) -> Client:
    return client_for(administrator)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?before=2000",
        "?after=100",
        "?state=Success",
        "?state=Failed",
        "?state=TimedOut",
        "?state=Queued",
        "?kind=Simple",
        "?kind=RunScript&before=1000",
        "?node=north",
        "?person=dora",
        "?person=dora&state=Failed",
        "?system=yes",
        "?system=no",
        "?system=yes&before=2000",
        "?state=Failed&kind=RunScript&system=no",
    ],
)
def test_the_list_of_tasks_is_read_by_an_index(
    large: ServerTask, browser: Client, query: str
) -> None:
    with no_scans():
        assert browser.get(f"{reverse('tasks:list')}{query}").status_code in {200, 302}


@pytest.mark.parametrize("query", ["", "?line=1", "?line=2000"])
def test_a_tasks_page_is_read_by_an_index(large: ServerTask, browser: Client, query: str) -> None:
    with no_scans():
        assert browser.get(f"{large.get_absolute_url()}{query}").status_code == 200


@pytest.mark.parametrize("state", State.values)
def test_a_tasks_page_is_read_by_an_index_in_every_state(
    large: ServerTask, browser: Client, state: str
) -> None:
    task = rows.ServerTaskFactory(state=state, concurrency_key="key")
    with no_scans():
        assert browser.get(task.get_absolute_url()).status_code == 200


def test_a_log_is_polled_searched_and_downloaded_by_an_index(
    large: ServerTask, browser: Client
) -> None:
    log_page = reverse("tasks:log", args=[large.pk])
    with no_scans():
        assert browser.get(f"{log_page}?after=3000").status_code in {200, 286}
        assert browser.get(f"{log_page}search/?find=line").status_code == 200
        assert b"".join(browser.get(f"{log_page}raw/").streaming_content)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/configuration/maintenance/",
        "/configuration/nodes/",
        "/search?q=ServerTasks-7",
        "/admin/tasks/servertask/",
        "/admin/tasks/servertask/?q=ServerTasks-7",
        "/admin/tasks/servertask/?state__exact=Failed",
        "/admin/tasks/servertask/?kind=Simple",
        "/admin/tasks/servertask/?system=yes",
        "/admin/tasks/servertask/?system=no",
        "/admin/tasks/servertask/?node__id__exact={node}",
        "/admin/tasks/servertask/{task}/change/",
    ],
)
def test_pages_around_the_queue_are_read_by_an_index(
    large: ServerTask, node: ServerNode, browser: Client, address: str
) -> None:
    with no_scans():
        assert browser.get(address.format(node=node.pk, task=large.pk)).status_code == 200


def claim(node: ServerNode, task: ServerTask) -> None:
    assert lifecycle.claim_next(node) is not None


def turn_over(node: ServerNode, task: ServerTask) -> None:
    run = lifecycle.claim_next(node)
    assert run is not None
    queue.enqueue("Simple")
    words = LogChunk(task=run, first_line=1, line_count=1, started=run.start_time, text="0 i x")
    ending = Ending(task=run, state=State.SUCCESS, last_words=[words])
    done, following = lifecycle.turn_over([ending], node=node, wanted={Lane.PEOPLE: 1})
    assert done == [True]
    assert len(following) == 1


def finish(node: ServerNode, task: ServerTask) -> None:
    run = lifecycle.claim_next(node)
    assert run is not None
    assert lifecycle.finish(run, state=State.FAILED, message="no")


def expire(node: ServerNode, task: ServerTask) -> None:
    Scheduler().expire(now=timezone.now() + timedelta(days=2))


def reap(node: ServerNode, task: ServerTask) -> None:
    run = lifecycle.claim_next(node)
    ServerNode.objects.update(stopped=timezone.now())
    assert lifecycle.reap_lost() == [run]


def cancel(node: ServerNode, task: ServerTask) -> None:
    assert lifecycle.cancel(queue.enqueue("Simple"))


def is_any_ready(node: ServerNode, task: ServerTask) -> None:
    ServerTask.objects.is_any_ready()


def queue_occurrences(node: ServerNode, task: ServerTask) -> None:
    assert Scheduler().queue_occurrences()


def wake_workers(node: ServerNode, task: ServerTask) -> None:
    Scheduler().wake_workers()
    Scheduler().until_next_turn()


def write_log(node: ServerNode, task: ServerTask) -> None:
    log.append(task, "Words.")


@pytest.mark.parametrize(
    "step",
    [
        claim,
        turn_over,
        finish,
        expire,
        reap,
        cancel,
        queue_occurrences,
        is_any_ready,
        wake_workers,
        write_log,
    ],
)
def test_a_step_of_the_queue_goes_by_an_index(
    large: ServerTask,
    node: ServerNode,
    step: Callable[[ServerNode, ServerTask], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wake, "request", lambda: None)
    with no_scans():
        step(node, large)


def test_retention_goes_by_an_index(large: ServerTask, settings: Any) -> None:
    settings.TASK_RETENTION_COUNT = 100
    settings.TASK_RETENTION_DAYS = 100_000
    with no_scans():
        assert sum(retention.prune(now=timezone.now())) == MANY - 100


def test_a_scan_is_noticed(large: ServerTask) -> None:
    watch = Watch()
    with connection.execute_wrapper(watch):
        list(ServerTask.objects.filter(description__contains="nothing at all"))
    assert len(watch.scans) == 1
