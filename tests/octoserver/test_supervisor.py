"""The supervisor over real processes: stand-ins that do what each test needs, nothing of Django."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from octoserver import supervisor
from tests.integration.server import free_port, processes_of, wait_until

# Each stand-in leaves its pid in a file; a test says by another file's presence what it is to do.
STAND_IN = """
    import http.server, os, signal, subprocess, sys, time
    from pathlib import Path

    kind, folder = sys.argv[1], Path(os.environ["VAR_DIR"])

    def stop(*_):
        with (folder / "stopped").open("a") as file:
            file.write(kind + "\\n")
        while (folder / f"{kind}.finishing").exists():
            time.sleep(0.02)
        print(kind, "finished")
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if (folder / f"{kind}.deaf").exists() else stop)
    if (folder / f"{kind}.broken").exists():
        print("half a line", end="")
        sys.exit(3)
    helper = subprocess.Popen(["sleep", "600"])
    (folder / f"{kind}.helper").write_text(str(helper.pid))
    (folder / f"{kind}.pid").write_text(str(os.getpid()))
    print(kind, "began")
    if kind == "web":
        host, port = sys.argv[3].rsplit(":", 1)

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        http.server.HTTPServer((host, int(port)), Page).serve_forever()
    while True:
        time.sleep(0.5)
"""
KINDS = ["web", "scheduler", "worker"]


class Supervised:
    """A supervisor over stand-ins in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "output"
        manage = folder / "manage.py"
        manage.write_text(textwrap.dedent(STAND_IN))
        command = [sys.executable, "-P", supervisor.__file__, "--manage", str(manage)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--folder", str(folder)]
        self.command = command
        self.env = os.environ | {"VAR_DIR": str(folder)}

    def start(self) -> None:
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.env
            )

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.output, what=lambda: f"no {text!r} in {self.output}")

    def wait_until_all_began(self) -> None:
        for kind in KINDS:
            self.wait_for(f"{kind} began")
        self.wait_for("Octoserver is running")

    @property
    def output(self) -> str:
        return self.log.read_text()

    @property
    def stopped(self) -> list[str]:
        return (self.folder / "stopped").read_text().split()

    def pid(self, kind: str) -> int:
        return int((self.folder / f"{kind}.pid").read_text())

    def tell(self, what: str) -> Path:
        path = self.folder / what
        path.touch()
        return path


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    one = Supervised(tmp_path)
    try:
        yield one
    finally:
        for pid in processes_of(tmp_path):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def started(supervised: Supervised) -> Supervised:
    supervised.start()
    supervised.wait_until_all_began()
    return supervised


def test_it_prints_the_address_and_prefixes_what_each_process_prints(started: Supervised) -> None:
    assert f"octoserver | Octoserver is running at http://127.0.0.1:{started.port}/" in (
        started.output
    )
    assert "worker     | worker began" in started.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_web_then_scheduler_then_worker(
    started: Supervised, number: signal.Signals
) -> None:
    started.process.send_signal(number)
    assert started.process.wait(30) == 0
    assert started.stopped == ["web", "scheduler", "worker"]
    assert processes_of(started.folder) == []


def test_it_waits_for_the_worker_and_says_so(started: Supervised) -> None:
    finishing = started.tell("worker.finishing")
    started.process.send_signal(signal.SIGINT)
    started.wait_for("Waiting for worker to finish its running tasks")
    assert started.process.poll() is None
    finishing.unlink()
    assert started.process.wait(30) == 0
    assert "worker finished" in started.output


def test_a_second_signal_kills_everything_at_once(started: Supervised) -> None:
    started.tell("worker.finishing")
    started.process.send_signal(signal.SIGINT)
    started.wait_for("Waiting for worker to finish")

    def asked_again() -> bool:
        started.process.send_signal(signal.SIGINT)
        return "killing everything" in started.output

    wait_until(asked_again, what="the second signal changed nothing")
    assert started.process.wait(30) == 1
    wait_until(lambda: not processes_of(started.folder), what="something outlived it")


def test_one_that_does_not_listen_is_killed_after_its_patience(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(supervisor.__file__).read_text().replace("patience=10.0", "patience=0.3")
    impatient = supervised.folder / "supervisor.py"
    impatient.write_text(source)
    supervised.command[2] = str(impatient)
    supervised.tell("scheduler.deaf")
    supervised.start()
    supervised.wait_until_all_began()
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(30) == 0
    assert "scheduler did not stop within" in supervised.output
    assert supervised.stopped == ["web", "worker"]


def test_a_killed_process_is_started_again_and_its_group_is_gone(started: Supervised) -> None:
    first, helper = started.pid("scheduler"), int((started.folder / "scheduler.helper").read_text())
    os.kill(first, signal.SIGKILL)
    started.wait_for("scheduler was ended by signal 9; starting it again in 1 s.")
    wait_until(lambda: started.pid("scheduler") != first, what=lambda: started.output)
    assert helper not in processes_of(started.folder)


def test_one_that_crashes_again_and_again_is_started_less_and_less_often(
    supervised: Supervised,
) -> None:
    broken = supervised.tell("scheduler.broken")
    supervised.start()
    supervised.wait_for("scheduler ended with exit code 3; starting it again in 1 s.")
    supervised.wait_for("scheduler ended with exit code 3; starting it again in 2 s.")
    assert "scheduler  | half a line\n" in supervised.output
    broken.unlink()
    supervised.wait_until_all_began()


def test_nothing_outlives_a_supervisor_that_was_killed(started: Supervised) -> None:
    started.process.kill()
    started.process.wait()
    for kind in KINDS:
        pid = started.pid(kind)
        wait_until(lambda: pid not in processes_of(started.folder), what=f"{kind} lives on")  # noqa: B023


def test_a_second_supervisor_on_the_same_folder_says_so(started: Supervised) -> None:
    second = subprocess.run(
        started.command, env=started.env, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert second.stderr.startswith("Octoserver is running already on")
    assert started.process.poll() is None


def test_its_file_needs_neither_django_nor_celery() -> None:
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "print([name for name in ('django', 'celery', 'kombu') if name in sys.modules])"
    )
    command = [sys.executable, "-P", "-c", code, supervisor.__file__]
    assert subprocess.check_output(command, text=True).strip() == "[]"
