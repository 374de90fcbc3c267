"""Where a benchmark happens: its database, processes that end with it, people signed in."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = "tests.benchmarks.gate_project"
POSTGRESQL = "postgresql://127.0.0.1:5432/test"
# Seconds for anything that takes one or two unless something is wrong.
PROMPTLY = 60.0


class Failed(Exception):  # noqa: N818 a state of the world
    """The benchmark itself went wrong, so that it found nothing out."""


@contextmanager
def sqlite() -> Iterator[str]:
    """Give the address of a database in a file of its own."""
    with tempfile.TemporaryDirectory(prefix="octoserver-bench-") as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


@contextmanager
def postgresql(url: str) -> Iterator[str]:
    """Give the address of a database made beside the one in ``url``, and drop it at the end.

    Raises ``psycopg.OperationalError`` if the server cannot be reached.
    """
    name = f"octoserver_bench_{os.getpid()}_{time.monotonic_ns() % 1_000_000}"
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        address, _, options = url.partition("?")
        yield f"{address.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")
    finally:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))


class Program:
    """A module of the project as a process, in a process group of its own."""

    def __init__(self, module: str, *arguments: str, env: dict[str, str]) -> None:
        self.module = module
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{PROJECT}.{module}", *arguments],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to pass on
        )

        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def ask(self, line: str) -> Any:
        """Send a line and return the object it answers with."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.read(timeout=PROMPTLY)

    def read(self, *, timeout: float) -> Any:
        """Return the next object it prints; None once it has ended well."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise Failed(f"{self.module} said nothing for {timeout:.0f} s.") from None
        if line:
            return json.loads(line)
        if self.process.wait(PROMPTLY):
            raise Failed(f"{self.module} ended with exit code {self.process.returncode}.")
        return None

    def rest(self) -> list[Any]:
        """Close its standard input, which asks it to stop, and return what it still prints."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return list(iter(lambda: self.read(timeout=PROMPTLY), None))

    def end(self) -> None:
        """Leave nothing of it behind."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(PROMPTLY)


class Stage:
    """One variant of the gate on one database: its processes, and people signed in there."""

    def __init__(
        self, variant: str, database: str, *, folder: Path, view_time: float, people: int
    ) -> None:
        administrators = people // 4
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("BENCH_")
        }
        self.env = inherited | {
            "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
            "BENCH_DATABASE": database,
            "BENCH_VARIANT": variant,
            "BENCH_FOLDER": str(folder),
            "BENCH_VIEW_TIME": str(view_time),
        }
        self._stack = ExitStack()
        with self._started("prepare", str(people), str(administrators)) as program:
            self.people: list[dict[str, Any]] = program.rest()[0]

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *args: object) -> None:
        self._stack.close()

    def start(self, module: str, *arguments: str) -> Program:
        """Start a process that ends at the latest with this stage."""
        return self._stack.enter_context(self._started(module, *arguments))

    @contextmanager
    def _started(self, module: str, *arguments: str) -> Iterator[Program]:
        program = Program(module, *arguments, env=self.env)
        try:
            yield program
        finally:
            program.end()


@contextmanager
def stage(variant: str, database: str, *, view_time: float, people: int) -> Iterator[Stage]:
    """Set a variant up on a database; ``view_time`` is in milliseconds."""
    with (
        tempfile.TemporaryDirectory(prefix="octoserver-bench-") as folder,
        Stage(variant, database, folder=Path(folder), view_time=view_time, people=people) as ready,
    ):
        yield ready
