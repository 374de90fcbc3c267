"""The guarantees of the queue, kept by real workers and schedulers on both shapes."""

import json
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.integration import server
from tests.integration.conftest import SHAPES
from tests.integration.server import PROMPTLY, Program, wait_until

COLUMNS = "state, message, node_name, queue_time, start_time, completed_time, id"


class Queue:
    """A prepared instance, the processes that a test starts of it, and a look into its rows."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder
        self.programs: list[Program] = []

    def start(self, command: str, **variables: str) -> Program:
        program = Program(command, env=self.env | variables)
        self.programs.append(program)
        return program

    def worker(self, name: str = "north", **variables: str) -> Program:
        """Start a worker and wait until it says in the database that it lives."""
        before = self.query(f"SELECT incarnation FROM tasks_servernode WHERE name = '{name}'")
        program = self.start("worker", NODE_NAME=name, **variables)
        wait_until(
            lambda: (
                self.query(f"SELECT incarnation FROM tasks_servernode WHERE name = '{name}'")
                != before
            ),
            what=lambda: f"no worker {name}:\n{program.output}",
        )
        return program

    def enqueue(self, script: str, *options: str, **variables: str) -> str:
        arguments = ["task", "enqueue", "RunScript", "--argument", f"script={script}", *options]
        done = server.manage(*arguments, env=self.env | variables)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.env["DATABASE_URL"]:
            with psycopg.connect(self.env["DATABASE_URL"]) as connection:
                return connection.execute(sql).fetchall()
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def row(self, task: str) -> dict[str, Any]:
        number = int(task.removeprefix("ServerTasks-"))
        (values,) = self.query(f"SELECT {COLUMNS} FROM tasks_servertask WHERE id = {number}")
        return dict(zip(COLUMNS.split(", "), values, strict=True))

    def reaches(self, task: str, *states: str, timeout: float = PROMPTLY) -> dict[str, Any]:
        wait_until(
            lambda: self.row(task)["state"] in states,
            timeout=timeout,
            what=lambda: f"{self.row(task)}\n" + "\n".join(p.output for p in self.programs),
        )
        return self.row(task)

    def log(self, task: str) -> str:
        return server.manage("task", "show", task, "--log", env=self.env).stdout

    def freeze(self, program: Program) -> None:
        """Stop a process as a debugger would, between two of its transactions on SQLite.

        There one that is stopped within keeps everybody from writing until it goes on or is
        killed. PostgreSQL ends the transaction, if it is told to.
        """
        if self.env["DATABASE_URL"]:
            program.freeze()
            return
        connection = sqlite3.connect(self.database, timeout=PROMPTLY, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            program.freeze()
        finally:
            connection.close()

    @property
    def database(self) -> Path:
        return self.folder / "octoserver.sqlite3"

    def written(self, name: str) -> str:
        """Wait until a script has written a file, and return what it holds."""
        path = self.folder / name
        wait_until(lambda: path.exists() and path.read_text(), what=f"no file {name}")
        return path.read_text().strip()


@pytest.fixture
def queue(env: dict[str, str], tmp_path: Path) -> Iterator[Queue]:
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    made = Queue(env, tmp_path)
    try:
        yield made
    finally:
        for program in made.programs:
            program.end()


def moment(value: Any) -> datetime:
    """Return a time as the databases store it."""
    if isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def is_alive(pid: str) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def test_q1_q2_a_killed_worker_loses_nothing_and_leaves_nothing_running(queue: Queue) -> None:
    worker = queue.worker(TASK_CAP="1")
    lost = queue.enqueue(
        f"sleep 300 & echo $! > {queue.folder}/child; echo $$ > {queue.folder}/me; wait"
    )
    pids = [queue.written("child"), queue.written("me")]
    waiting = queue.enqueue("echo done")

    worker.send(signal.SIGKILL)
    worker.ended()
    wait_until(lambda: not any(map(is_alive, pids)), what="the script outlived it")
    assert queue.row(lost)["state"] == "Executing"  # nobody is there yet who could say otherwise

    queue.worker(TASK_CAP="1")
    assert "stopped answering" in queue.reaches(lost, "Failed")["message"]
    queue.reaches(waiting, "Success")


def test_a_stopped_worker_finishes_what_runs_and_starts_nothing_more(queue: Queue) -> None:
    worker = queue.worker(TASK_CAP="1")
    go = queue.folder / "go"
    running = queue.enqueue(f"echo up > {queue.folder}/up; until [ -e {go} ]; do sleep 0.05; done")
    queue.written("up")
    waiting = queue.enqueue("echo done")

    worker.send(signal.SIGTERM)
    worker.wait_for("Warm shutdown")
    go.touch()

    assert worker.ended() == 0
    assert queue.row(running)["state"] == "Success"
    assert queue.row(waiting)["state"] == "Queued"
    assert queue.query("SELECT stopped IS NOT NULL FROM tasks_servernode") in ([(1,)], [(True,)])
    queue.worker(TASK_CAP="1")
    queue.reaches(waiting, "Success")


def test_q6_a_cancel_reaches_the_script_within_two_seconds(queue: Queue) -> None:
    """Of several the quickest: a machine that stands still for a moment delays one of them."""
    queue.worker()
    delays = [delay_of_a_cancel(queue, str(number)) for number in range(3)]
    assert min(delays) <= 2


def delay_of_a_cancel(queue: Queue, name: str) -> float:
    """Cancel a script that runs, and return the seconds until it heard of it."""
    told = f"{name}.told"
    task = queue.enqueue(
        f"trap 'date +%s.%N > {queue.folder}/{told}; exit 0' TERM;"
        f"echo up > {queue.folder}/{name}.up; while :; do sleep 0.05; done"
    )
    queue.written(f"{name}.up")

    before = time.time()
    canceled = server.manage("task", "cancel", task, env=queue.env)
    asked = time.time()

    assert canceled.returncode == 0, canceled.stderr
    assert queue.reaches(task, "Canceled")["message"] == "Canceled by the server."
    assert "asked to cancel" in queue.log(task)
    heard = float(queue.written(told))
    assert before <= heard
    return heard - asked


def test_q3_a_scheduled_task_starts_within_a_second_of_its_time(queue: Queue) -> None:
    """Of several the most punctual, and none too early."""
    queue.worker()
    queue.start("scheduler")
    soon = datetime.now(UTC) + timedelta(seconds=8)
    times = [(soon + timedelta(seconds=number)).isoformat() for number in range(3)]
    tasks = [queue.enqueue("true", "--at", at) for at in times]
    rows = [queue.reaches(task, "Success") for task in tasks]
    late = [(moment(row["start_time"]) - moment(row["queue_time"])).total_seconds() for row in rows]
    assert 0 <= min(late) < 1


def test_q7_two_schedulers_keep_one_beat(queue: Queue) -> None:
    every_second = {"TASK_SYSTEM_INTERVALS": json.dumps({"Health": 1})}
    queue.worker()
    for _ in range(2):
        queue.start("scheduler", **every_second)
    beats = "SELECT occurrence FROM tasks_servertask WHERE kind = 'Health' AND state = 'Success'"
    wait_until(lambda: len(queue.query(beats)) >= 4, what="no beat")
    found = [moment(beat) for (beat,) in queue.query(beats)]
    assert len(found) == len(set(found))
    assert all(beat.microsecond == 0 for beat in found)


def test_q1_a_task_whose_wake_up_is_lost_starts_all_the_same(queue: Queue) -> None:
    """Nothing listens where the wake-up is sent to; the worker looks by itself."""
    queue.worker()
    task = queue.enqueue("true", REDIS_URL="redis://127.0.0.1:9/0")
    queue.reaches(task, "Success")


def test_two_workers_of_one_name_do_not_start(queue: Queue) -> None:
    queue.worker()
    second = queue.start("worker", NODE_NAME="north")
    assert second.ended() == 1
    assert second.output.count("running on this host already") == 1
    assert "Traceback" not in second.output


@pytest.mark.parametrize("env", SHAPES[1:], indirect=True)
class TestOnSeveralNodes:
    """Two nodes share PostgreSQL and Redis; each has a folder of its own."""

    def test_a_drained_node_starts_nothing_and_another_takes_over(self, queue: Queue) -> None:
        for name in ("north", "south"):
            queue.worker(name, VAR_DIR=str(queue.folder / name))
        self.drain(queue, "north")
        tasks = [queue.enqueue("true") for _ in range(4)]
        assert {queue.reaches(task, "Success")["node_name"] for task in tasks} == {"south"}

    def test_q2_the_tasks_of_a_dead_node_are_reaped_by_a_scheduler(self, queue: Queue) -> None:
        short = {"TASK_NODE_SILENCE": "4"}
        north = queue.worker("north", VAR_DIR=str(queue.folder / "north"), **short)
        queue.start("scheduler", **short)
        task = queue.enqueue(f"echo up > {queue.folder}/up; sleep 300")
        queue.written("up")
        assert queue.row(task)["state"] == "Executing"
        north.send(signal.SIGKILL)
        assert "north stopped answering" in queue.reaches(task, "Failed")["message"]

    @staticmethod
    def drain(queue: Queue, name: str) -> None:
        with psycopg.connect(queue.env["DATABASE_URL"]) as connection:
            connection.execute(
                "UPDATE tasks_servernode SET is_draining = TRUE WHERE name = %s", [name]
            )
