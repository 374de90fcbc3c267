"""A worker that is stopped, not dead: nothing it does later counts, and its scripts end in time."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import server
from tests.integration.server import wait_until
from tests.integration.test_queue import Queue, is_alive


@pytest.fixture
def queue(env: dict[str, str], tmp_path: Path) -> Iterator[Queue]:
    env |= {"TASK_NODE_SILENCE": "8"}
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    made = Queue(env, tmp_path)
    try:
        yield made
    finally:
        for program in made.programs:
            program.end()


def test_q2_what_a_stopped_worker_ran_is_over_before_it_is_given_up(queue: Queue) -> None:
    worker = queue.worker()
    queue.start("scheduler")
    task = queue.enqueue(
        f"setsid sleep 300 & echo $! > {queue.folder}/child; trap '' TERM;"
        f" echo $$ > {queue.folder}/me; while :; do sleep 0.1; done"
    )
    pids = [queue.written("child"), queue.written("me")]

    worker.send(signal.SIGSTOP)
    row = queue.reaches(task, "Failed")

    assert "stopped answering" in row["message"]
    assert not any(map(is_alive, pids))
    worker.send(signal.SIGCONT)
    after = queue.enqueue("echo fine")
    queue.reaches(after, "Success")
    assert queue.row(task) == row
    assert worker.stop() == 0


def test_q1_a_worker_that_was_stopped_for_a_moment_goes_on(queue: Queue) -> None:
    worker = queue.worker()
    queue.start("scheduler")
    task = queue.enqueue(f"echo up > {queue.folder}/up; sleep 2")
    queue.written("up")
    worker.send(signal.SIGSTOP)
    beat = "SELECT count(*) FROM tasks_servertask WHERE kind = 'Health'"
    wait_until(lambda: queue.query(beat), what="no scheduler")
    worker.send(signal.SIGCONT)
    queue.reaches(task, "Success")
