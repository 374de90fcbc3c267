"""One queue in one round: started anew, given no-ops in four ways, stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.benchmarks.queue_project import record
from tests.benchmarks.stage import PROMPTLY, ROOT, Failed

PROJECT = "tests.benchmarks.queue_project"
# Seconds in which whatever was sent must have started.
LONGEST = 60.0
LOG = "programs.log"
# Of a full queue this part is started while imports, connections and system tasks of a program that
# has just begun are under way; it does not count, for nobody.
WARM_UP = 5


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many no-ops each phase has, and how many a second come under load."""

    drain: int
    idle: int
    load: int
    rate: float = 100.0
    # Far enough apart for each to find the worker idle.
    idle_rate: float = 12.0


def contestants(*, cap: int, prefork: int) -> dict[str, list[list[str]]]:
    """Return what each queue runs as its worker, after ``python``."""
    celery = ["-m", "celery", "--quiet", "-A", f"{PROJECT}.bare", "worker", "--loglevel=ERROR"]
    other = ["-m", "procrastinate", f"--app={PROJECT}.peer.app", "worker", f"--concurrency={cap}"]
    return {
        "octoserver": [["manage.py", "worker"], ["manage.py", "scheduler"]],
        "celery": [[*celery, "--pool=prefork", f"--concurrency={prefork}"]],
        "procrastinate": [other],
    }


def prepare(queue: str, env: Mapping[str, str]) -> None:
    """Make the tables that a queue keeps its tasks in."""
    commands = {
        "octoserver": ["manage.py", "migrate", "--no-input", "--verbosity=0"],
        "procrastinate": ["-m", "procrastinate", f"--app={PROJECT}.peer.app", "schema", "--apply"],
    }
    if command := commands.get(queue):
        done = subprocess.run(
            [sys.executable, *command], env=dict(env), cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise Failed(f"{queue} could not be prepared:\n{done.stdout}{done.stderr}")


def play(
    queue: str, workers: Sequence[Sequence[str]], env: Mapping[str, str], size: Size
) -> dict[str, float]:
    """Return the rates and times of one round."""
    env = {**env, "BENCH_RECORD": f"{env['VAR_DIR']}/started-{queue}-{time.monotonic_ns()}"}
    notes = Notes(Path(env["BENCH_RECORD"]))
    with contextlib.ExitStack() as stack:
        feeder = stack.enter_context(_program(["-m", f"{PROJECT}.feed", queue], env))
        _ask(feeder, f"burst drain {size.drain}")
        for command in workers:
            notes.programs.append(stack.enter_context(_program(command, env)))
        drained = notes.of("drain", size.drain)
        _ask(feeder, f"paced idle {size.idle} {size.idle_rate}")
        idle = notes.of("idle", size.idle)
        _ask(feeder, f"paced load {size.load} {size.rate}")
        loaded = notes.of("load", size.load)
        sent = _ask(feeder, f"burst burst {size.drain}")
        burst = notes.of("burst", size.drain)
    return {
        "tasks_per_s": _rate([at for _, at in drained]),
        "burst_per_s": size.drain / (max(at for _, at in burst) - min(at for at, _ in burst)),
        "enqueued_per_s": size.drain / sent,
        **_waits("start", idle),
        **_waits("loaded", loaded),
    }


def _rate(times: Sequence[float]) -> float:
    """Return how many a second started, from when the first fifth had: programs warm up."""
    warm = sorted(times)[len(times) // WARM_UP :]
    return (len(warm) - 1) / (warm[-1] - warm[0])


def _waits(name: str, found: Sequence[tuple[float, float]]) -> dict[str, float]:
    waits = [(started - sent) * 1000 for sent, started in found]
    return {f"{name}_p50_ms": median(waits), f"{name}_p95_ms": quantiles(waits, n=20)[-1]}


class Notes:
    """What the no-ops wrote down, and the programs that run them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.programs: list[subprocess.Popen[str]] = []

    def of(self, phase: str, count: int) -> list[tuple[float, float]]:
        """Wait until everything of a phase has started, looking seldom enough not to disturb."""
        deadline = time.monotonic() + LONGEST
        while len(found := record.read(self.path, phase)) < count:
            ended = [program.args for program in self.programs if program.poll() is not None]
            if ended or time.monotonic() > deadline:
                words = (self.path.parent / LOG).read_text()[-2000:]
                raise Failed(f"{len(found)} of {count} started in {phase!r}. {ended}\n{words}")
            time.sleep(0.2)
        if len(found) > count:
            raise Failed(f"{len(found)} starts of {count} tasks in {phase!r}.")
        return found


def _ask(feeder: "subprocess.Popen[str]", line: str) -> float:
    assert feeder.stdin is not None
    assert feeder.stdout is not None
    feeder.stdin.write(f"{line}\n")
    feeder.stdin.flush()
    answer = feeder.stdout.readline()
    if not answer:
        raise Failed(f"The feeder ended at {line!r}.")
    told: dict[str, Any] = json.loads(answer)
    return float(told["seconds"])


@contextmanager
def _program(command: Sequence[str], env: Mapping[str, str]) -> "Iterator[subprocess.Popen[str]]":
    """Run a program of Python's in a process group of its own; leave nothing of it behind."""
    with Path(env["VAR_DIR"], LOG).open("a") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=dict(env),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if command[-2:-1] == [f"{PROJECT}.feed"] else log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PROMPTLY)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
