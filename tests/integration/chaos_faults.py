"""What can happen to a server: each fault does its harm at once and says what ends it, and when."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.integration import server
from tests.integration.chaos_members import Member, script_processes
from tests.integration.chaos_world import SILENCE, World

# Seconds for which a killed node's scripts may live on: SIGTERM, a moment, SIGKILL.
LAST_BREATH = 8.0


@dataclass
class After:
    """Something to be done so many seconds later."""

    seconds: float
    do: Callable[[], object]


@dataclass(frozen=True)
class Harm:
    """What was done, in words, and what follows."""

    words: str
    then: tuple[After, ...] = ()


class Faults:
    """The faults of one shape, dealt in random order, each as often as the others."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world = world
        self.chance = chance
        self.count = 0
        # Processes of scripts that had longer than they may when looked at.
        self.outlived: list[str] = []
        # Times in which the database kept everybody waiting.
        self.blurred: list[tuple[float, float]] = []
        self._left: list[Callable[[], Harm | None]] = []

    def strike(self) -> Harm:
        """Let the next fault happen; one that cannot, as its victim is down already, is skipped."""
        while True:
            if not self._left:
                self._left = self.all()
                self.chance.shuffle(self._left)
            if harm := self._left.pop()():
                self.count += 1
                return harm

    def all(self) -> list[Callable[[], Harm | None]]:
        raise NotImplementedError

    def _victim(self, command: str) -> Member | None:
        able = [one for one in self.world.of(command) if one.is_running and not one.is_paused]
        return self.chance.choice(able) if able else None

    def _doomed(self, member: Member) -> After:
        """Look later at what the scripts of a node that dies now have become."""
        folder = self.world.node_folder(member)
        doomed = script_processes(folder)

        def look() -> None:
            left = doomed & script_processes(folder)
            self.outlived += [
                f"process {pid} outlived the worker of {member.name}" for pid, _ in left
            ]

        return After(LAST_BREATH, look)


class ServicesFaults(Faults):
    """Those of a cluster on PostgreSQL and Redis."""

    def all(self) -> list[Callable[[], Harm | None]]:
        return [
            self.kill_worker, self.kill_worker, self.lose_worker, self.pause_worker,
            self.stop_worker, self.kill_scheduler, self.pause_scheduler, self.kill_redis,
            self.empty_redis, self.freeze_redis, self.cut_redis, self.restart_postgresql,
            self.crash_postgresql, self.cut_postgresql, self.block_postgresql,
        ]  # fmt: skip

    def kill_worker(self) -> Harm | None:
        return self._end_worker(signal.SIGKILL, back_in=self.chance.choice([0, 0, 1]))

    def lose_worker(self) -> Harm | None:
        """Kill one and let it be away for so long that a scheduler reaps its tasks."""
        return self._end_worker(signal.SIGKILL, back_in=SILENCE + 5)

    def stop_worker(self) -> Harm | None:
        return self._end_worker(signal.SIGTERM, back_in=self.chance.uniform(0, 2))

    def _end_worker(self, number: signal.Signals, *, back_in: float) -> Harm | None:
        worker = self._victim("worker")
        if worker is None:
            return None
        then = (self._doomed(worker),) if number == signal.SIGKILL else ()
        if number == signal.SIGKILL:
            worker.harm(number, back_in=back_in)
        else:
            worker.is_harmed, worker.due = True, back_in
            worker.send(number)
        return Harm(f"{number.name} to worker {worker.name}, back {back_in:.0f} s later", then)

    def pause_worker(self) -> Harm | None:
        """Stop one for longer than its silence may last."""
        worker = self._victim("worker")
        if worker is None or worker.is_harmed:
            return None
        worker.pause()
        seconds = self.chance.choice([1.0, 4.0, SILENCE + 7.0])
        words = f"worker {worker.name} paused for {seconds:.0f} s"
        return Harm(words, (After(seconds, worker.resume),))

    def kill_scheduler(self) -> Harm | None:
        scheduler = self._victim("scheduler")
        if scheduler is None:
            return None
        scheduler.harm(signal.SIGKILL, back_in=self.chance.uniform(0, 5))
        return Harm(f"SIGKILL to {scheduler.name}")

    def pause_scheduler(self) -> Harm | None:
        scheduler = self._victim("scheduler")
        if scheduler is None:
            return None
        scheduler.pause()
        return Harm(
            f"{scheduler.name} paused", (After(self.chance.uniform(1, 9), scheduler.resume),)
        )

    def kill_redis(self) -> Harm | None:
        redis = self.world.redis
        if redis is None or not redis.is_up:
            return None
        redis.stop(signal.SIGKILL)
        return Harm("Redis killed", (After(self.chance.uniform(0.2, 5), redis.start),))

    def empty_redis(self) -> Harm | None:
        redis = self.world.redis
        if redis is None or not redis.is_up:
            return None
        redis.client().flushall()
        return Harm("Redis emptied")

    def freeze_redis(self) -> Harm | None:
        redis = self.world.redis
        if redis is None or not redis.is_up:
            return None
        redis.freeze()
        return Harm("Redis frozen", (After(self.chance.uniform(1, 8), redis.thaw),))

    def cut_redis(self) -> Harm | None:
        redis = self.world.redis
        if redis is None or not redis.is_up:
            return None
        for kind in ("normal", "pubsub"):
            redis.client().execute_command("CLIENT", "KILL", "TYPE", kind)
        return Harm("Redis's connections cut")

    def restart_postgresql(self) -> Harm | None:
        postgresql = self.world.postgresql
        if postgresql is None or not postgresql.is_up:
            return None
        number = self.chance.choice([signal.SIGINT, signal.SIGQUIT])
        postgresql.stop(number)
        seconds = self.chance.uniform(0, 4)
        words = f"PostgreSQL stopped by {number.name}, back {seconds:.1f} s later"
        return Harm(words, (After(seconds, postgresql.start),))

    def crash_postgresql(self) -> Harm | None:
        """Kill one backend: PostgreSQL ends all others and recovers."""
        backends = self._backends()
        if not backends:
            return None
        os.kill(self.chance.choice(backends), signal.SIGKILL)
        return Harm("a backend of PostgreSQL killed")

    def cut_postgresql(self) -> Harm | None:
        if not self._backends():
            return None
        self._execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        return Harm("PostgreSQL's connections cut")

    def block_postgresql(self) -> Harm | None:
        """Let somebody hold the table of tasks, as a migration or a dump with bad luck does."""
        if not self._backends():
            return None
        assert self.world.postgresql is not None
        connection = psycopg.connect(self.world.postgresql.url, connect_timeout=5)
        try:
            connection.execute("SET lock_timeout = '3s'")
            connection.execute("LOCK TABLE tasks_servertask IN ACCESS EXCLUSIVE MODE")
        except psycopg.Error:
            connection.close()
            return None
        seconds = self.chance.uniform(0.5, 5)
        self.blurred.append((time.time() - 5, time.time() + seconds + 1))
        return Harm(
            f"the table of tasks locked for {seconds:.1f} s", (After(seconds, connection.close),)
        )

    def _backends(self) -> list[int]:
        try:
            return [
                pid for (pid,) in self._execute("SELECT pid FROM pg_stat_activity WHERE {others}")
            ]
        except psycopg.Error:
            return []

    def _execute(self, sql: str) -> list[tuple[int]]:
        others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return self.world.query(sql.format(others=others))


class EmbeddedFaults(Faults):
    """Those of one machine, where a supervisor starts again what ends."""

    def all(self) -> list[Callable[[], Harm | None]]:
        return [
            self.kill_worker, self.kill_worker, self.kill_scheduler, self.kill_web,
            self.kill_supervisor, self.stop_supervisor, self.empty_broker,
        ]  # fmt: skip

    def kill_worker(self) -> Harm | None:
        supervisor = self._victim("run")
        then = (self._doomed(supervisor),) if supervisor else ()
        return self._kill("worker", then=then)

    def kill_scheduler(self) -> Harm | None:
        return self._kill("scheduler")

    def kill_web(self) -> Harm | None:
        return self._kill("web")

    def _kill(self, name: str, *, then: tuple[After, ...] = ()) -> Harm | None:
        supervisor = self._victim("run")
        if supervisor is None or supervisor.process is None:
            return None
        children = server.children_of(supervisor.process.pid)
        found = [pid for pid in children if name in server.command_of(pid)]
        if not found:
            return None
        if name == "worker":
            supervisor.note_harm()
        os.kill(found[0], signal.SIGKILL)
        return Harm(f"SIGKILL to {name}", then)

    def kill_supervisor(self) -> Harm | None:
        supervisor = self._victim("run")
        if supervisor is None:
            return None
        then = (self._doomed(supervisor),)
        supervisor.harm(signal.SIGKILL, back_in=self.chance.choice([0, 1]))
        return Harm("SIGKILL to the supervisor", then)

    def stop_supervisor(self) -> Harm | None:
        supervisor = self._victim("run")
        if supervisor is None:
            return None
        supervisor.is_harmed, supervisor.due = True, 0
        supervisor.send(signal.SIGTERM)
        return Harm("SIGTERM to the supervisor")

    def empty_broker(self) -> Harm | None:
        shutil.rmtree(Path(self.world.env["VAR_DIR"], "broker"), ignore_errors=True)
        return Harm("the broker's folder deleted")


FAULTS: dict[str, type[Faults]] = {"services": ServicesFaults, "embedded": EmbeddedFaults}
