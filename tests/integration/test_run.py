"""The whole server as `make run` starts it: it answers, it stops, and it leaves nothing behind."""

import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration import server
from tests.integration.server import Server, manage, wait_until


@pytest.fixture
def running(env: dict[str, str]) -> Iterator[Server]:
    server.prepare(env)
    with server.running(env=env) as one:
        yield one


@pytest.fixture
def folder(env: dict[str, str]) -> Path:
    return Path(env["VAR_DIR"])


def enqueue_script(env: dict[str, str], *, script: str) -> str:
    done = manage("task", "enqueue", "RunScript", "--argument", f"script={script}", env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[0]


def state(env: dict[str, str], task: str) -> str:
    listed = manage("task", "list", env=env).stdout.splitlines()
    return next(line.split("\t")[1] for line in listed if line.startswith(f"{task}\t"))


@pytest.fixture
def long_script(running: Server, env: dict[str, str]) -> Callable[[], list[int]]:
    """Have a script run that takes far too long; give what finds its processes."""
    seconds = f"600.{secrets.randbelow(10**9)}"
    enqueue_script(env, script=f"sleep {seconds} & sleep {seconds}")

    def processes() -> list[int]:
        return server.processes_that_run("sleep", seconds)

    wait_until(lambda: len(processes()) == 2, what=lambda: running.output)
    return processes


def test_it_answers_as_soon_as_it_says_so_and_stops_when_asked(
    running: Server, folder: Path
) -> None:
    assert running.get("/healthz") == (200, {"status": "ok", "in_maintenance_mode": False})
    assert running.get("/readyz")[0] == 200
    assert running.get("/login/")[0] == 200
    assert running.stop() == 0
    assert server.processes_of(folder) == []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", running.port))


def test_a_stop_lets_a_running_task_finish(
    running: Server, env: dict[str, str], tmp_path: Path
) -> None:
    went_on = tmp_path / "go on"
    script = f"echo begun; until [ -e '{went_on}' ]; do sleep 0.1; done; echo the end"
    task = enqueue_script(env, script=script)
    wait_until(lambda: state(env, task) == "Executing", what=lambda: running.output)
    running.send(signal.SIGINT)
    running.wait_for("finish its running tasks")
    went_on.touch()
    assert running.ended() == 0
    assert state(env, task) == "Success"


def test_a_second_signal_leaves_nothing_running(
    running: Server, folder: Path, long_script: Callable[[], list[int]]
) -> None:
    running.send(signal.SIGINT)
    running.wait_for("press Ctrl-C again")

    def asked_again() -> bool:
        if running.process.poll() is None:
            running.send(signal.SIGINT)
        return "killing everything" in running.output

    wait_until(asked_again, what=lambda: running.output)
    assert running.ended() == 1
    wait_until(lambda: not long_script(), what="the script outlived its worker")
    assert server.processes_of(folder) == []


def test_nothing_outlives_a_killed_supervisor(
    running: Server, folder: Path, long_script: Callable[[], list[int]]
) -> None:
    running.send(signal.SIGKILL)
    running.ended()
    wait_until(lambda: not server.processes_of(folder), what="a process lives on")
    wait_until(lambda: not long_script(), what="the script outlived its worker")


def test_a_killed_process_comes_back_and_the_server_goes_on(
    running: Server, env: dict[str, str]
) -> None:
    for name in ("web", "scheduler", "worker"):
        running.kill_child(name)
        running.wait_for(f"{name} was ended by signal 9; starting it again")
    wait_until(lambda: running.answers("/readyz"), what=lambda: running.output)
    task = enqueue_script(env, script="true")
    wait_until(lambda: state(env, task) == "Success", what=lambda: running.output)


def test_a_port_in_use_is_said_in_one_sentence(env: dict[str, str]) -> None:
    server.prepare(env)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = manage("run", "--bind", address, env=env)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"{address} is in use by another program" in done.stderr
