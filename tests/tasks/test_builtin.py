"""The system kinds that every server has."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import CheckConstraint, Q
from pytest_django import Settings

from octoserver.celery import app
from tasks import clock, execution, kinds, log, queue, wake
from tasks.builtin import integrity_check, retention
from tasks.execution import Execution, Outcome
from tasks.logwriter import LogWriter
from tasks.models import LogChunk, ServerNode, ServerTask, State
from tests.tasks.conftest import make_node
from tests.tasks.rows import ServerTaskFactory, many, write_log

pytestmark = pytest.mark.django_db


def carry_out(kind: str) -> tuple[Outcome, list[str]]:
    task = queue.enqueue_occurrence(kind, clock.now())
    assert task is not None
    run = Execution(task, LogWriter(task, now=task.created))
    outcome = execution.carry_out(run)
    LogChunk.objects.bulk_create(run.log.close())
    return outcome, [line.text for line in log.lines(task)]


@pytest.mark.parametrize(
    ("kind", "interval", "at_start"),
    [
        ("Retention", timedelta(hours=4), False),
        ("SystemIntegrityCheck", timedelta(hours=24), True),
        ("Health", timedelta(minutes=5), False),
    ],
)
def test_the_beats_are_those_of_octopus_deploy(
    kind: str, interval: timedelta, at_start: bool
) -> None:
    found = kinds.get(kind)
    assert (found.current_interval, found.at_start) == (interval, at_start)
    assert found.is_system
    assert found.idempotent


# Retention


def aged(days: int, **fields: object) -> ServerTask:
    created = clock.now() - timedelta(days=days)
    return ServerTaskFactory(created=created, state=State.SUCCESS, **fields)


def test_retention_deletes_old_completed_tasks_with_their_logs(settings: Settings) -> None:
    settings.TASK_RETENTION_DAYS = 30
    old, new = aged(31), aged(29)
    waiting = ServerTaskFactory(created=clock.now() - timedelta(days=31))
    for task in (old, new):
        write_log(task, "line")

    outcome, words = carry_out("Retention")

    assert outcome.state == State.SUCCESS
    assert set(ServerTask.objects.people()) == {new, waiting}
    assert not LogChunk.objects.filter(task_id=old.pk).exists()
    assert log.line_count(new) == 1
    assert any("Deleted 1 completed task" in line for line in words)


def test_retention_keeps_only_the_newest_completed_tasks(settings: Settings) -> None:
    settings.TASK_RETENTION_COUNT = 3
    waiting = ServerTaskFactory()
    tasks = many(5, state=State.SUCCESS)
    carry_out("Retention")
    assert list(ServerTask.objects.people()) == [*reversed(tasks[2:]), waiting]


def test_retention_keeps_the_last_task_of_a_beat_or_it_would_be_served_twice(
    settings: Settings,
) -> None:
    settings.TASK_RETENTION_DAYS = 30
    beats = [
        aged(days, kind="Health", is_system=True, occurrence=clock.now() - timedelta(days=days))
        for days in (50, 40)
    ]
    carry_out("Retention")
    assert set(ServerTask.objects.filter(kind="Health")) == {beats[1]}


def test_retention_goes_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        aged(1000)
    assert list(retention.prune(now=clock.now())) == [2, 2, 1]


def test_children_and_reruns_outlive_what_they_came_from(settings: Settings) -> None:
    settings.TASK_RETENTION_DAYS = 30
    old = aged(31)
    child = aged(1, parent=old, rerun_of=old)
    carry_out("Retention")
    child.refresh_from_db()
    assert (child.parent, child.rerun_of) == (None, None)


# Integrity


def test_a_sound_database_passes() -> None:
    outcome, words = carry_out("SystemIntegrityCheck")
    assert outcome == Outcome(State.SUCCESS), words


def test_a_migration_that_is_not_applied_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'tasks'")
    outcome, words = carry_out("SystemIntegrityCheck")
    assert outcome.state == State.FAILED
    assert "tasks.0001_initial is not applied." in words


def test_a_migration_of_a_newer_version_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('tasks', '9999_later', CURRENT_TIMESTAMP)"
        )
    assert list(integrity_check.migrations()) == [
        "tasks.9999_later is applied, but this version does not know it."
    ]


def test_a_missing_constraint_is_found() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX servertask_one_running_per_key")
    assert list(integrity_check.constraints()) == [
        "The constraint servertask_one_running_per_key is missing."
    ]


def test_a_missing_condition_of_a_table_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    later = CheckConstraint(condition=Q(task_cap__lte=1000), name="servernode_of_a_later_version")
    there = ServerNode._meta.constraints
    monkeypatch.setattr(ServerNode._meta, "constraints", [*there, later])
    assert list(integrity_check.constraints()) == [
        "The constraint servernode_of_a_later_version is missing."
    ]


@pytest.mark.sqlite
def test_the_check_does_not_parse_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python, as Django does it: that would hold up what a worker starts meanwhile."""
    monkeypatch.setattr(connection.introspection, "get_constraints", pytest.fail)
    assert list(integrity_check.constraints()) == []


@pytest.mark.sqlite
def test_a_row_that_points_nowhere_is_found() -> None:
    task = ServerTaskFactory()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tasks_servertask SET node_id = 4711")
    assert list(integrity_check.foreign_keys()) == [
        f"ServerTask {task.pk} points to a ServerNode that is not there."
    ]
    ServerTask.objects.update(node=None)


def test_a_gap_in_a_log_is_found() -> None:
    task = ServerTaskFactory(state=State.SUCCESS)
    write_log(task, "one")
    write_log(task, "three", first=3)
    assert list(integrity_check.logs()) == [f"The log of {task.name} has a gap before line 3."]


# Health


def test_health_tells_of_nodes_database_and_broker() -> None:
    now = clock.now()
    make_node("running")
    for name, change in {
        "draining": {"is_draining": True},
        "stopped": {"stopped": now},
        "silent": {"last_seen": now - timedelta(hours=1)},
    }.items():
        ServerNode.objects.filter(pk=make_node(name).pk).update(**change)

    outcome, words = carry_out("Health")

    assert outcome.state == State.SUCCESS
    for beginning in (
        "The database answered in ",
        "Node running runs: 0 of 5 tasks.",
        "Node draining drains: 0 of 5 tasks.",
        "Node stopped is stopped.",
        "Node silent is silent since ",
        "The broker answered in ",
    ):
        assert any(line.startswith(beginning) for line in words), (beginning, words)


@pytest.fixture
def dead_broker() -> Iterator[None]:
    living = app.conf.broker_url
    app.conf.broker_url = app.conf.broker_write_url = "redis://127.0.0.1:9/0"
    yield
    app.conf.broker_url = app.conf.broker_write_url = living
    wake.renew()


@pytest.mark.usefixtures("dead_broker")
def test_health_fails_when_the_broker_does_not_answer() -> None:
    wake.renew()
    outcome, _ = carry_out("Health")
    assert outcome.state == State.FAILED
    assert outcome.message.startswith("The broker does not answer: ")
