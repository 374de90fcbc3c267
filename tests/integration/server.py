"""Real server processes for tests: started as `make run` starts them, stopped whatever happens."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# Variables of the developer's or of the tests' settings that a server must not inherit.
FOREIGN = {"DJANGO_SETTINGS_MODULE", "DEBUG", "LOG_LEVEL", "TASK_CAP", "ALLOWED_HOSTS"}
PROMPTLY = 60.0


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return the environment of an instance whose files all lie in ``folder``."""
    inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return inherited | {
        "VAR_DIR": str(folder),
        "SECRET_KEY": "only-for-tests",
        "VARIABLES_KEY": "",
        "PRODUCTION": "",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "TASK_SYSTEM_INTERVALS": "",
        "NODE_NAME": "node-of-the-tests",
        **variables,
    }


def manage(
    *arguments: str, env: dict[str, str], timeout: float = PROMPTLY
) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def prepare(env: dict[str, str]) -> str:
    """Do what `make run` does before it starts the processes; return the password it printed."""
    for command in (["migrate", "--no-input"], ["collectstatic", "--no-input"]):
        done = manage(*command, env=env)
        assert done.returncode == 0, done.stderr
    found = re.search(r"password (\S+)", manage("first_start", env=env).stdout)
    return found.group(1) if found else ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One command of the server as a real process, its output at hand."""

    def __init__(self, *arguments: str, env: dict[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, *, timeout: float = PROMPTLY) -> None:
        """Wait until the output matches ``text``; fail with all of it if it does not come."""
        wait_until(
            lambda: re.search(text, self.output) is not None,
            timeout=timeout,
            what=lambda: f"no {text!r} in:\n{self.output}",
        )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def freeze(self) -> None:
        """Stop it where it is, and return once the kernel has."""
        self.send(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def stop(self, *, timeout: float = PROMPTLY) -> int:
        """Ask it to stop and return its exit code."""
        self.send(signal.SIGTERM)
        return self.ended(timeout=timeout)

    def ended(self, *, timeout: float = PROMPTLY) -> int:
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def end(self) -> None:
        """Leave nothing behind, whatever the test has come to."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Server(Program):
    """The whole server on a port of its own, as `make run` supervises it."""

    def __init__(self, *, env: dict[str, str], port: int | None = None) -> None:
        self.port = port or free_port()
        super().__init__("run", "--bind", f"127.0.0.1:{self.port}", env=env)

    def wait_until_running(self) -> None:
        self.wait_for("Octoserver is running at")

    def answers(self, path: str) -> bool:
        """Return whether a page answers 200; a server that is just starting may refuse."""
        try:
            return self.get(path)[0] == 200
        except OSError:
            return False

    def kill_child(self, name: str) -> None:
        """Kill one of the three processes, as a crash or the kernel would."""
        words = {"web": "granian"}
        (child, *_) = (
            pid for pid in children_of(self.process.pid) if words.get(name, name) in command_of(pid)
        )
        os.kill(child, signal.SIGKILL)

    def get(self, path: str) -> tuple[int, Any]:
        """Return the status and the JSON or text of a page that needs no sign-in."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        is_json = response.getheader("Content-Type", "").startswith("application/json")
        return response.status, json.loads(body) if is_json else body


@contextmanager
def running(*, env: dict[str, str]) -> Iterator[Server]:
    """Run a prepared server for a while, from its first answer on."""
    server = Server(env=env)
    try:
        server.wait_until_running()
        yield server
    finally:
        server.end()


def wait_until(condition: Any, *, timeout: float = PROMPTLY, what: Any = "") -> None:
    """Look until the condition holds; fail, saying what did not happen, when it takes too long."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(what() if callable(what) else what)
        time.sleep(0.05)


def processes_of(folder: Path) -> list[int]:
    """Return the living processes of the instance in ``folder``, by the environment they got."""
    return processes_with(f"VAR_DIR={folder}")


def processes_with(variable: str) -> list[int]:
    """Return the living processes whose environment has ``NAME=value``."""
    return [pid for pid in _processes() if variable in _words(pid, "environ")]


def processes_of_session(leader: int) -> list[int]:
    """Return the living processes of the session that a program was started in."""
    return [pid for pid in _processes() if _session(pid) == leader]


def processes_that_run(*words: str) -> list[int]:
    return [pid for pid in _processes() if command_of(pid) == list(words)]


def children_of(parent: int) -> list[int]:
    return [
        int(pid)
        for thread in Path(f"/proc/{parent}/task").iterdir()
        for pid in (thread / "children").read_text().split()
    ]


def command_of(pid: int) -> list[str]:
    return _words(pid, "cmdline")


def _processes() -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if pid != os.getpid()]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _words(pid: int, file: str) -> list[str]:
    """Return what the kernel has on a process; nothing of one that is gone or not ours."""
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []
