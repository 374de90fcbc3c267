"""Drain, pause and ping, kept by real workers: one node goes, another takes over, all may rest."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.integration import server
from tests.integration.conftest import SHAPES
from tests.integration.server import wait_until
from tests.integration.test_queue import Queue, queue

__all__ = ["queue"]

# Says where it runs, and goes on until it is told to end.
HELD = "echo up > {folder}/{name}; while [ ! -e {folder}/end-{name} ]; do sleep 0.05; done"


def manage(queue: Queue, *words: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = server.manage(*words, env=queue.env)
    assert done.returncode == expect, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def held(queue: Queue, name: str) -> str:
    """Queue a task that runs until it is let go, and wait until it runs."""
    task = queue.enqueue(HELD.format(folder=queue.folder, name=name))
    queue.written(name)
    return task


def let_go(queue: Queue, name: str) -> None:
    (queue.folder / f"end-{name}").touch()


def state_of(queue: Queue, name: str) -> str:
    found = json.loads(manage(queue, "node", "list", "--json").stdout)["nodes"]
    return str(next(node["state"] for node in found if node["name"] == name))


@pytest.mark.parametrize("env", SHAPES[1:], indirect=True)
class TestTwoNodes:
    """Two workers of different names share PostgreSQL and Redis, each with a folder of its own."""

    @pytest.fixture(autouse=True)
    def _workers(self, queue: Queue) -> None:
        for name in ("north", "south"):
            queue.worker(name, VAR_DIR=str(queue.folder / name))

    def test_one_is_drained_and_the_other_takes_over(self, queue: Queue) -> None:
        manage(queue, "node", "drain", "south")
        running = held(queue, "first")
        assert queue.row(running)["node_name"] == "north"
        manage(queue, "node", "drain", "north")
        assert (state_of(queue, "north"), state_of(queue, "south")) == ("Draining", "Drained")

        waiting = [queue.enqueue("true") for _ in range(5)]
        shown = manage(queue, "task", "show", waiting[0]).stdout
        assert "All server nodes are drained." in shown
        assert queue.row(running)["state"] == "Executing"

        manage(queue, "node", "resume", "south")
        done = [queue.reaches(task, "Success")["node_name"] for task in waiting]
        assert set(done) == {"south"}
        late = manage(queue, "node", "drain", "north", "--wait", "--timeout", "1s", expect=3)
        assert f"Not drained in time: {running} still running." in late.stderr

        let_go(queue, "first")
        manage(queue, "node", "drain", "north", "--wait", "--timeout", "30s")
        assert queue.row(running)["state"] == "Success"
        assert state_of(queue, "north") == "Drained"

        manage(queue, "node", "resume", "--all")
        manage(queue, "node", "drain", "south")
        again = queue.enqueue("true")
        assert queue.reaches(again, "Success")["node_name"] == "north"

    def test_a_drain_may_cancel_what_runs(self, queue: Queue) -> None:
        manage(queue, "node", "drain", "south")
        task = held(queue, "stubborn")
        manage(
            queue, "node", "drain", "north", "--wait", "--cancel-tasks", "--cancel-timeout", "30s"
        )
        assert queue.row(task)["state"] == "Canceled"


def test_the_cap_of_a_running_worker_is_changed(queue: Queue) -> None:
    queue.worker(TASK_CAP="1")
    first = held(queue, "first")
    second = queue.enqueue(HELD.format(folder=queue.folder, name="second"))
    assert queue.row(second)["state"] == "Queued"
    manage(queue, "node", "cap", "north", "2")
    queue.written("second")
    for name in ("first", "second"):
        let_go(queue, name)
    for task in (first, second):
        queue.reaches(task, "Success")


def test_a_pause_holds_back_what_people_queued_and_nothing_else(queue: Queue) -> None:
    queue.worker()
    queue.start("scheduler", TASK_SYSTEM_INTERVALS=json.dumps({"Health": 1}))
    running = held(queue, "running")
    manage(queue, "queue", "pause", "--reason", "A new disk")
    task = queue.enqueue("true")
    beats = "SELECT count(*) FROM tasks_servertask WHERE kind = 'Health' AND state = 'Success'"
    ((before,),) = queue.query(beats)
    wait_until(lambda: queue.query(beats)[0][0] >= before + 3, what="no beat while paused")
    assert queue.row(task)["state"] == "Queued"
    assert "The queue is paused" in manage(queue, "task", "show", task).stdout
    facts = json.loads(manage(queue, "queue", "status", "--json").stdout)
    assert (facts["queued"], facts["startable"]) == (1, 0)
    let_go(queue, "running")
    queue.reaches(running, "Success")
    manage(queue, "queue", "resume")
    queue.reaches(task, "Success")


def test_the_ping_of_a_real_server_follows_its_drain(env: dict[str, str], tmp_path: Path) -> None:
    server.prepare(env)
    name = env["NODE_NAME"]

    def is_running() -> bool:
        return bool(web.get("/octopusservernodes/ping")[1]["state"] == "Running")

    def ping() -> tuple[int, Any]:
        status, facts = web.get("/octopusservernodes/ping")
        return status, facts["state"]

    with server.running(env=env) as web:
        wait_until(is_running, what="the node does not come up")
        assert ping() == (200, "Running")
        assert server.manage("node", "drain", name, "--wait", env=env).returncode == 0
        assert ping() == (418, "Drained")
        assert server.manage("maintenance", "on", env=env).returncode == 0
        assert ping() == (418, "Drained")
        assert server.manage("node", "resume", name, env=env).returncode == 0
        assert ping() == (200, "Running")
