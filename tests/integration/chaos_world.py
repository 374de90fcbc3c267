"""The server under chaos: its processes, its services, and a look into its rows."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.integration import private, server
from tests.integration.chaos_members import Member
from tests.integration.chaos_verdict import Row
from tests.integration.private import PostgreSQL, Redis, dying_with_parent

INTERVALS = {"Beat": 2, "Stuck": 3, "Health": 5, "Retention": 7, "SystemIntegrityCheck": 11}
# Seconds without a heartbeat after which a node counts as lost here.
SILENCE = 8
COLUMNS = """id, kind, state, message, arguments, concurrency_key, node_name, attempt,
is_prioritized, queue_time, start_time, completed_time"""


class Feeder:
    """A process that queues tasks, asked and answering line by line."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self.answers: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, str(server.ROOT / "manage.py"), "feed"],
            env=env,
            cwd=server.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            text=True,
            start_new_session=True,
            preexec_fn=dying_with_parent(9),  # type: ignore[arg-type]
        )
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, request: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def take(self) -> list[dict[str, Any]]:
        """Return the answers that have come since the last time."""
        count = len(self.answers)
        taken, self.answers[:count] = self.answers[:count], []
        return taken

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.answers.append(json.loads(line))


class World:
    """Everything that a run has started."""

    def __init__(self, folder: Path, *, redis: Redis | None, postgresql: PostgreSQL | None) -> None:
        self.folder = folder
        self.redis = redis
        self.postgresql = postgresql
        self.records = folder / "records"
        for name in ("ran", "keys"):
            (self.records / name).mkdir(parents=True)
        self.env = server.environment(
            folder / "server",
            DJANGO_SETTINGS_MODULE="tests.integration.chaos_app.settings",
            DATABASE_URL=postgresql.url if postgresql else "",
            REDIS_URL=redis.url if redis else "",
            TASK_SYSTEM_INTERVALS=json.dumps(INTERVALS),
            TASK_NODE_SILENCE=str(SILENCE),
            CHAOS_RECORDS=str(self.records),
            LOG_LEVEL="WARNING",
        )
        self.members: list[Member] = []
        self.feeder: Feeder

    def prepare(self) -> None:
        done = server.manage("migrate", "--no-input", env=self.env)
        assert done.returncode == 0, done.stderr
        if not self.postgresql:
            server.manage("collectstatic", "--no-input", env=self.env)
        self.feeder = Feeder(self.env, self.folder / "feeder.log")

    def add(self, name: str, *command: str, node: str = "", **variables: str) -> Member:
        member = Member(name, command, self.env | variables, self.folder, node)
        self.members.append(member)
        member.start()
        return member

    def of(self, command: str) -> list[Member]:
        return [member for member in self.members if member.command[0] == command]

    def node_folder(self, member: Member) -> Path:
        return Path(member.env["VAR_DIR"])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.postgresql:
            with psycopg.connect(self.postgresql.url, connect_timeout=5) as connection:
                return connection.execute(sql).fetchall()
        connection = sqlite3.connect(self.folder / "server" / "octoserver.sqlite3", timeout=20)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def rows(self) -> list[Row]:
        """Return the tasks that this run has queued."""
        where = "WHERE kind IN ('Recorded', 'Repeatable') ORDER BY id"
        return [
            _row(*found) for found in self.query(f"SELECT {COLUMNS} FROM tasks_servertask {where}")
        ]

    def unfinished(self) -> int:
        kinds = "kind IN ('Recorded', 'Repeatable')"
        states = "state IN ('Queued', 'Executing', 'Cancelling')"
        ((count,),) = self.query(
            f"SELECT count(*) FROM tasks_servertask WHERE {kinds} AND {states}"
        )
        return int(count)

    def processes(self) -> list[int]:
        """Return the living processes of the server, orphans too; the feeder is none of it."""
        mark = f"CHAOS_RECORDS={self.records}"
        return [pid for pid in server.processes_with(mark) if pid != self.feeder.process.pid]

    def end(self) -> None:
        """Leave nothing behind."""
        for member in self.members:
            member.kill()
        for pid in self.processes() if hasattr(self, "feeder") else []:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if hasattr(self, "feeder"):
            self.feeder.process.kill()
            self.feeder.process.wait()


def _row(*found: Any) -> Row:
    number, kind, state, message, arguments, key, node, attempt, prioritized, *times = found
    item = (json.loads(arguments) if isinstance(arguments, str) else arguments)["item"]
    queued, started, completed = map(_seconds, times)
    return Row(
        id=number, kind=kind, state=state, message=message, item=item, key=key or "", node=node,
        attempt=attempt, prioritized=bool(prioritized), queued=queued or 0, started=started,
        completed=completed,
    )  # fmt: skip


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@contextmanager
def services(folder: Path) -> Iterator[World]:
    """Three nodes and two schedulers on a PostgreSQL and a Redis of their own, clocks apart."""
    binaries = private.postgresql_binaries()
    assert binaries, "PostgreSQL's programs are not installed: there is no initdb"
    with private.redis_server() as redis, private.postgresql_server(binaries) as postgresql:
        world = World(folder, redis=redis, postgresql=postgresql)
        with _ending(world):
            for name, off in (("north", 0), ("south", 600), ("west", -600)):
                variables = {"VAR_DIR": str(folder / name), "CHAOS_CLOCK_OFF": str(off)}
                world.add(name, "worker", node=name, NODE_NAME=name, **variables)
            for name, off in (("first", 0), ("second", 600)):
                world.add(f"scheduler-{name}", "scheduler", CHAOS_CLOCK_OFF=str(off))
            yield world


@contextmanager
def embedded(folder: Path) -> Iterator[World]:
    """Everything as `make run` has it, under its supervisor."""
    world = World(folder, redis=None, postgresql=None)
    with _ending(world):
        bind = f"127.0.0.1:{server.free_port()}"
        world.add("supervisor", "run", "--bind", bind, node="here", NODE_NAME="here")
        yield world


@contextmanager
def _ending(world: World) -> Iterator[None]:
    try:
        world.prepare()
        yield
    finally:
        world.end()


SHAPES: dict[str, Callable[[Path], Any]] = {"services": services, "embedded": embedded}
