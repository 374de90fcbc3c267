"""Work in Python that never returns: it holds up nobody, and no worker that is to end."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import server
from tests.integration.server import wait_until
from tests.integration.test_queue import Queue, is_alive

STUCK = ("Asleep", "Spinning")
GONE = "Server node north stopped answering while it ran this task"


@pytest.fixture
def queue(env: dict[str, str], tmp_path: Path) -> Iterator[Queue]:
    env |= {
        "DJANGO_SETTINGS_MODULE": "tests.integration.stuck_app.settings",
        "TASK_SYSTEM_INTERVALS": json.dumps({"Beat": 1}),
        "TASK_NODE_SILENCE": "4",
    }
    assert server.manage("migrate", "--no-input", env=env).returncode == 0
    made = Queue(env, tmp_path)
    try:
        yield made
    finally:
        for program in made.programs:
            program.end()


class Stuck:
    """A worker and two schedulers; the worker runs a task of each kind that never returns."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.worker = queue.worker(TASK_CAP="1")
        self.schedulers = [queue.start("scheduler") for _ in range(2)]
        self.asleep, self.spinning = (self._running(kind) for kind in STUCK)

    def _running(self, kind: str) -> str:
        sql = f"SELECT id FROM tasks_servertask WHERE kind = '{kind}' AND state = 'Executing'"
        wait_until(lambda: self.queue.query(sql), what=lambda: f"no {kind}:\n{self.worker.output}")
        ((number,),) = self.queue.query(sql)
        return f"ServerTasks-{number}"

    def others_go_on(self) -> None:
        """Wait until tasks of people and beats of the system that come now have been run."""
        beats = "SELECT count(*) FROM tasks_servertask WHERE kind = 'Beat' AND state = 'Success'"
        ((before,),) = self.queue.query(beats)
        tasks = [self.queue.enqueue("echo fine") for _ in range(2)]
        for task in tasks:
            self.queue.reaches(task, "Success")
        wait_until(lambda: self.queue.query(beats)[0][0] >= before + 2, what="no beat")

    def leaves_nothing_behind(self) -> None:
        """See that of the worker, which has ended, no process is left."""
        schedulers = {program.process.pid for program in self.schedulers}
        left = set(server.processes_of(self.queue.folder)) - schedulers
        assert not left, [server.command_of(pid) for pid in left]
        assert not server.processes_of_session(self.worker.process.pid)


def attempts(queue: Queue, task: str) -> int:
    number = task.removeprefix("ServerTasks-")
    ((found,),) = queue.query(f"SELECT attempt FROM tasks_servertask WHERE id = {number}")
    return int(found)


def enqueue(queue: Queue, kind: str) -> str:
    done = server.manage("task", "enqueue", kind, env=queue.env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def written_log(queue: Queue, task: str) -> str:
    number = task.removeprefix("ServerTasks-")
    chunks = queue.query(f"SELECT text FROM tasks_logchunk WHERE task_id = {number}")
    return "\n".join(text for (text,) in chunks)


def cancel(queue: Queue, task: str) -> None:
    """Ask to cancel a task that hears nothing, and see that this is what is shown."""
    done = server.manage("task", "cancel", task, env=queue.env)
    assert done.returncode == 0, done.stderr
    row = queue.row(task)
    assert (row["state"], row["message"]) == ("Cancelling", "the server asked to cancel.")
    wait_until(lambda: "asked to cancel" in queue.log(task), what="its worker heard nothing")
    assert queue.row(task)["state"] == "Cancelling"


def is_reaped_once(queue: Queue, stuck: Stuck) -> None:
    """See that what nobody canceled starts again, that the rest is Canceled, and both once."""
    row = queue.reaches(stuck.asleep, "Queued")
    assert row["message"] == f"{GONE}. It starts again."
    row = queue.reaches(stuck.spinning, "Canceled")
    assert row["message"] == f"Canceled by the server. {GONE}."
    queue.worker()
    queue.reaches(stuck.asleep, "Executing")
    assert attempts(queue, stuck.asleep) == 2
    assert attempts(queue, stuck.spinning) == 1
    for task in (stuck.asleep, stuck.spinning):
        assert written_log(queue, task).count(GONE) == 1
    stuck.others_go_on()


def test_q7_what_never_returns_holds_up_neither_others_nor_the_end_of_its_worker(
    queue: Queue,
) -> None:
    stuck = Stuck(queue)
    stuck.others_go_on()
    cancel(queue, stuck.spinning)
    stuck.others_go_on()

    assert stuck.worker.stop() == 0  # long before the hour that tasks of people have

    stuck.leaves_nothing_behind()
    is_reaped_once(queue, stuck)


def test_q7_what_never_returns_is_reaped_once_when_its_worker_is_killed(queue: Queue) -> None:
    stuck = Stuck(queue)
    cancel(queue, stuck.spinning)

    stuck.worker.send(signal.SIGKILL)
    stuck.worker.ended()

    stuck.leaves_nothing_behind()
    is_reaped_once(queue, stuck)


def test_q2_a_task_of_somebody_that_never_returns_fails_when_its_worker_stops(
    queue: Queue,
) -> None:
    worker = queue.worker(TASK_STOP_TIMEOUT="1")
    queue.start("scheduler")
    task = enqueue(queue, "Stubborn")
    queue.reaches(task, "Executing")

    assert worker.stop() == 0

    row = queue.reaches(task, "Failed")
    assert row["message"] == f"{GONE}: nobody knows how far it came. Rerun it if that is safe."
    assert "has waited 1 second for this task" in queue.log(task)


def test_q2_a_worker_whose_interpreter_is_held_is_given_up_with_its_scripts(queue: Queue) -> None:
    worker = queue.worker()
    queue.start("scheduler")
    script = queue.enqueue(f"echo $$ > {queue.folder}/me; while :; do sleep 0.1; done")
    pid = queue.written("me")
    holding = enqueue(queue, "Holding")

    for task in (script, holding):
        assert queue.reaches(task, "Failed")["message"].startswith(GONE)
    assert not is_alive(pid)

    worker.send(signal.SIGKILL)
    worker.ended()
    queue.worker()
    queue.reaches(queue.enqueue("echo fine"), "Success")
