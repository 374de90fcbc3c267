"""System kinds are killed at random points of their work: nothing breaks, the next time does it."""

import os
import random
import signal
import time
from datetime import timedelta

import pytest
from django.db import connections

from tasks import clock, execution, kinds, lifecycle, queue
from tasks.builtin import integrity_check
from tasks.execution import Execution
from tasks.logwriter import LogWriter
from tasks.models import ServerNode, ServerTask, State
from tests.tasks import rows
from tests.tasks.conftest import make_node

# Make it hundreds for a long run.
KILLS = int(os.environ.get("KILLS", "8"))
# Tasks past their retention: more than one batch of them.
OLD = 250

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def node(db: None) -> ServerNode:
    return make_node("north")


def claim(node: ServerNode, kind: str) -> ServerTask:
    """Queue a kind's next run and claim it."""
    queue.enqueue_occurrence(kind, None)
    task = lifecycle.claim_next(node)
    assert task is not None
    assert task.kind == kind
    return task


def carry_out(task: ServerTask) -> None:
    """Do what a worker does with a task that it has claimed."""
    run = Execution(task, LogWriter(task, now=clock.now()))
    outcome = execution.carry_out(run)
    lifecycle.finish(task, state=outcome.state, message=outcome.message, last_words=run.log.close())


def killed_after(seconds: float, task: ServerTask) -> None:
    """Carry a task out in a process of its own, and kill that after so many seconds."""
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.read(reader, 1)
            carry_out(task)
        finally:
            os._exit(0)
    os.write(writer, b".")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass  # to the microsecond, as no sleep would be
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for descriptor in (reader, writer):
        os.close(descriptor)


def problems() -> list[str]:
    """Return what the system integrity check finds in the rows; no kill changes the tables."""
    checks = (integrity_check.foreign_keys, integrity_check.engine, integrity_check.logs)
    return [words for check in checks for words in check()]


def restart(node: ServerNode) -> ServerNode:
    """Let the node's worker be started again, and its predecessor's tasks be reaped."""
    ServerNode.objects.filter(pk=node.pk).delete()
    lifecycle.reap_lost()
    return make_node("north")


def leave_work(kind: str) -> None:
    """Store tasks that retention is to delete, each with a log."""
    if kind == "Retention":
        long_ago = clock.now() - timedelta(days=400)
        for task in rows.many(OLD, state=State.SUCCESS, created=long_ago):
            rows.write_log(task, "one", "two")


def work_left(kind: str) -> int:
    """Return how much of a kind's work is not done, where it leaves a trace."""
    too_old = clock.now() - timedelta(days=100)
    return (
        ServerTask.objects.filter(completed_time__lt=too_old).count() if kind == "Retention" else 0
    )


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.system()])
def test_a_system_kind_may_be_killed_at_any_moment(kind: str, node: ServerNode) -> None:
    chance = random.Random(KILLS)
    leave_work(kind)
    began = time.perf_counter()
    carry_out(claim(node, kind))
    whole = time.perf_counter() - began
    for _ in range(KILLS):
        leave_work(kind)
        task = claim(node, kind)
        killed_after(chance.uniform(0, 1.3 * whole), task)
        assert problems() == []
        node = restart(node)
        again = lifecycle.claim_next(node)
        if again is not None:  # it was not done yet, and is reaped
            assert again == task
            carry_out(again)
        task.refresh_from_db()
        assert task.state == State.SUCCESS, task.message
        assert work_left(kind) == 0
        assert problems() == []
