"""A worker that is stopped, not dead: nothing it does later counts, and its scripts end in time."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.integration import server
from tests.integration.server import wait_until
from tests.integration.test_queue import Queue, is_alive


@pytest.fixture
def queue(env: dict[str, str], tmp_path: Path) -> Iterator[Queue]:
    env |= {"TASK_NODE_SILENCE": "8"}
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    end_transactions_of_the_silent(env["DATABASE_URL"])
    made = Queue(env, tmp_path)
    try:
        yield made
    finally:
        for program in made.programs:
            program.end()


def end_transactions_of_the_silent(url: str) -> None:
    """Have PostgreSQL do what docs/high-availability.md asks of it."""
    if not url:
        return
    with psycopg.connect(url, autocommit=True) as connection:
        setting = sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = '3s'")
        connection.execute(setting.format(sql.Identifier(connection.info.dbname)))


def test_q2_what_a_stopped_worker_ran_is_over_before_it_is_given_up(queue: Queue) -> None:
    worker = queue.worker()
    queue.start("scheduler")
    task = queue.enqueue(
        f"setsid sleep 300 & echo $! > {queue.folder}/child; trap '' TERM;"
        f" echo $$ > {queue.folder}/me; while :; do sleep 0.1; done"
    )
    pids = [queue.written("child"), queue.written("me")]

    queue.freeze(worker)
    row = queue.reaches(task, "Failed")

    assert "stopped answering" in row["message"]
    assert not any(map(is_alive, pids))
    worker.thaw()
    after = queue.enqueue("echo fine")
    queue.reaches(after, "Success")
    assert queue.row(task) == row
    assert worker.stop() == 0


def test_q1_a_worker_that_was_stopped_for_a_moment_goes_on(queue: Queue) -> None:
    worker = queue.worker()
    queue.start("scheduler")
    task = queue.enqueue(f"echo up > {queue.folder}/up; sleep 2")
    queue.written("up")
    queue.freeze(worker)
    beat = "SELECT count(*) FROM tasks_servertask WHERE kind = 'Health'"
    wait_until(lambda: queue.query(beat), what="no scheduler")
    worker.thaw()
    queue.reaches(task, "Success")
