"""Let processes and services die at random while tasks run, and judge by what the tasks wrote down.

Run by `make chaos [SECONDS=600] [SEED=n]`. Prints the faults that it made and, last, one line of
JSON; ends with 1 unless nothing was lost, run twice, stuck or out of order.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.integration import chaos_items, chaos_verdict
from tests.integration.chaos_faults import FAULTS, Faults
from tests.integration.chaos_items import Item
from tests.integration.chaos_members import script_processes
from tests.integration.chaos_verdict import Verdict
from tests.integration.chaos_world import SHAPES, World
from tests.integration.server import command_of, wait_until

# Seconds in which all that was accepted has to complete once the faults are over: the supervisor's
# longest pause before it starts a crashed process again is half of it.
QUIESCENCE = 75.0
STOPPING = 30.0
AT_ONCE = 40


@dataclass
class Report:
    """What a run has come to."""

    shape: str
    seed: int
    tasks: int
    faults: int
    states: dict[str, int]
    verdict: Verdict = field(default_factory=Verdict)

    def numbers(self) -> dict[str, int]:
        return {"tasks": self.tasks, "faults": self.faults} | self.verdict.counts()


class Run:
    """One run on one shape, driven by a single thread, since its children end with that."""

    def __init__(self, world: World, *, shape: str, seed: int, say: Callable[[str], None]) -> None:
        self.world = world
        self.shape = shape
        self.seed = seed
        self.say = say
        self.chance = random.Random(f"{seed} {shape}")
        self.faults: Faults = FAULTS[shape](world, self.chance)
        self.items: dict[str, Item] = {}
        self.agenda: list[tuple[float, Callable[[], object]]] = []
        self.began = time.time()

    def go(self, *, seconds: float, rate: float, pause: float) -> Report:
        """Queue so many tasks a second, and let something happen every ``pause`` seconds or so."""
        for _ in range(AT_ONCE):
            self._queue_one()
        self._later(0, lambda: self._keep_queueing(rate))
        self._later(pause, lambda: self._keep_harming(pause))
        deadline = self.began + seconds
        while time.time() < deadline:
            self._turn()
        self._recover()
        return self._judge()

    def _keep_queueing(self, rate: float) -> None:
        self._queue_one()
        self._later(self.chance.expovariate(rate), lambda: self._keep_queueing(rate))

    def _keep_harming(self, pause: float) -> None:
        harm = self.faults.strike()
        self.say(f"{time.time() - self.began:6.1f} s  {self.shape}: {harm.words}")
        for after in harm.then:
            self._later(after.seconds, after.do)
        again = self.chance.uniform(0.3, 1.7) * pause
        self._later(again, lambda: self._keep_harming(pause))

    def _queue_one(self) -> None:
        item = chaos_items.draw(len(self.items) + 1, self.chance)
        self.items[item.name] = item
        seconds = chaos_items.duration(self.chance)
        self.world.feeder.ask(item.request(self.world.records, seconds=seconds))

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        self.agenda.append((time.time() + seconds, do))

    def _turn(self) -> None:
        """Do what is due, start what has ended, hear what was accepted, and rest."""
        now = time.time()
        due = [do for at, do in self.agenda if at <= now]
        self.agenda = [(at, do) for at, do in self.agenda if at > now]
        for do in due:
            do()
        for member in self.world.members:
            member.look()
        for answer in self.world.feeder.take():
            self._hear(answer)
        time.sleep(0.02)

    def _hear(self, answer: dict[str, object]) -> None:
        if answer["op"] != "enqueue" or "id" not in answer:
            return
        item = self.items[str(answer["item"])]
        item.number, item.accepted = int(str(answer["id"])), float(str(answer["at"]))
        if item.later:
            request = {"op": item.later, "item": item.name, "task": item.number}
            self._later(item.later_in, lambda: self.world.feeder.ask(request))

    def _recover(self) -> None:
        """Let the faults end, and wait until all that was accepted has completed."""
        self.agenda = [
            (at, do) for at, do in self.agenda if getattr(do, "__name__", "") != "<lambda>"
        ]
        deadline = time.time() + QUIESCENCE
        while time.time() < deadline:
            self._turn()
            if not self.agenda and self._is_quiet():
                return

    def _is_quiet(self) -> bool:
        try:
            return self.world.unfinished() == 0
        except psycopg.Error:
            return False

    def _judge(self) -> Report:
        stuck = self._beats_again() + self._clear_stuck() + self._inspect()
        rows = self.world.rows()
        stuck += [word for member in self.world.members if (word := member.end(timeout=STOPPING))]
        stuck += [crash for member in self.world.members for crash in member.crashes]
        stuck += self.faults.outlived + self._left_over()
        harms = {member.node: member.harms for member in self.world.members if member.node}
        events = chaos_verdict.read_events(self.world.records)
        verdict = chaos_verdict.judge(
            list(self.items.values()), rows, events, harms, self.faults.blurred
        )
        verdict.stuck += stuck
        states: dict[str, int] = {}
        for row in rows:
            states[row.state] = states.get(row.state, 0) + 1
        accepted = sum(item.number is not None for item in self.items.values())
        return Report(self.shape, self.seed, accepted, self.faults.count, states, verdict)

    def _beats_again(self) -> list[str]:
        """See that a system kind's beat goes on, although another is stuck all the time."""
        beats = "SELECT max(id) FROM tasks_servertask WHERE kind = 'Beat' AND state = 'Success'"
        before = self.world.query(beats)
        return self._expect(lambda: self.world.query(beats) != before, "system tasks do not run")

    def _clear_stuck(self) -> list[str]:
        """Cancel the stuck system task; who keeps time queues another, which is canceled too."""
        rows = "SELECT id FROM tasks_servertask WHERE kind = 'Stuck' AND state = 'Executing'"
        found = self.world.query(rows)
        if not found:
            return ["the stuck system task does not run"]
        ((number,), *more) = found
        self.world.feeder.ask({"op": "cancel", "item": "stuck", "task": number})
        state = f"SELECT state FROM tasks_servertask WHERE id = {number}"
        problem = self._expect(
            lambda: self.world.query(state)[0][0] == "Canceled", "the stuck task is not canceled"
        )
        return problem + ["two stuck tasks of one kind ran together"] * bool(more)

    def _inspect(self) -> list[str]:
        """Return what the system integrity check has to say about the database."""
        self.world.feeder.take()
        self.world.feeder.ask({"op": "inspect"})
        found: list[dict[str, object]] = []

        def has_answered() -> bool:
            found.extend(one for one in self.world.feeder.take() if one["op"] == "inspect")
            return bool(found)

        unanswered = self._expect(has_answered, "the inspection has no answer")
        if unanswered or "error" in found[0]:
            return unanswered or [f"the inspection failed: {found[0]['error']}"]
        return [f"inspection: {problem}" for problem in found[0]["problems"]]  # type: ignore[attr-defined]

    def _expect(self, condition: Callable[[], bool], otherwise: str) -> list[str]:
        deadline = time.time() + STOPPING
        while time.time() < deadline:
            if condition():
                return []
            self._turn()
        return [otherwise]

    def _left_over(self) -> list[str]:
        """Name the scripts that still run although every worker has stopped."""
        folders = {self.world.node_folder(member) for member in self.world.members if member.node}
        try:
            wait_until(lambda: not any(map(script_processes, folders)), timeout=30)
        except AssertionError:
            return [f"script processes are left in {folder.name}" for folder in folders]
        try:
            wait_until(lambda: not self.world.processes(), timeout=30)
        except AssertionError:
            left = (" ".join(command_of(pid)) for pid in self.world.processes())
            return [f"a process of the server is left: {command[:200]}" for command in left]
        return []


def run(
    shape: str,
    *,
    seed: int,
    seconds: float,
    folder: Path,
    rate: float = 8.0,
    pause: float = 1.2,
    say: Callable[[str], None] = print,
) -> Report:
    """Make a server of this shape in ``folder``, harm it for so long, and judge."""
    with SHAPES[shape](folder) as world:
        return Run(world, shape=shape, seed=seed, say=say).go(
            seconds=seconds, rate=rate, pause=pause
        )


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(
        prefix="octoserver-chaos-", ignore_cleanup_errors=True
    ) as path:
        yield Path(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="of faults, over all shapes")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--shape", choices=sorted(SHAPES), action="append")
    parser.add_argument("--pause", type=float, default=2.5, help="seconds between faults, about")
    parser.add_argument("--rate", type=float, default=6.0, help="tasks a second")
    parser.add_argument("--keep", type=Path, help="a new folder for all files, to be kept")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    shapes = options.shape or list(SHAPES)
    # An end by these must come as an exception, for everything to be cleared up.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    print(f"seed {seed}", flush=True)
    reports = []
    with _folder(options.keep) as folder:
        for shape in shapes:
            report = run(
                shape,
                seed=seed,
                seconds=options.seconds / len(shapes),
                folder=folder / shape,
                rate=options.rate,
                pause=options.pause,
                say=lambda words: print(words, flush=True),
            )
            for sentence in report.verdict.sentences():
                print(f"{shape}: {sentence}")
            print(f"{shape}: {report.states}", flush=True)
            reports.append(report)
    total = {name: sum(one.numbers()[name] for one in reports) for name in reports[0].numbers()}
    print(json.dumps(total | {"seed": seed}))
    return int(any(total[name] for name in Verdict().counts()))


if __name__ == "__main__":
    sys.exit(main())
