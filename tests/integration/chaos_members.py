"""The processes of a server that live through chaos: killed, paused, and started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration import server
from tests.integration.private import dying_with_parent

# Seconds after which a process that ended by itself is started again, as systemd would.
RESTART = 1.0
# What a process says that ends at its start, for its supervisor to start it again.
REFUSALS = ("CommandError: The ", "The database ", "The worker could not register: ")
# Seconds in which one that has just been started may not listen to signals yet.
YOUNG = 15.0


@dataclass
class Member:
    """One process of the server, which is started again whenever it ends, until told not to."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    node: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    due: float = 0.0
    is_paused: bool = False
    # Whether its end, or its pause, is of our making.
    is_harmed: bool = False
    # When it was harmed, and until when that may have had consequences.
    harms: list[tuple[float, float]] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(server.ROOT / "manage.py"), *self.command],
                env=self.env,
                cwd=server.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dying_with_parent(signal.SIGKILL),
            )
        self.started, self.is_paused, self.is_harmed = time.time(), False, False
        if self.harms:
            self.harms[-1] = (self.harms[-1][0], max(self.harms[-1][1], self.started + 5))

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(number)

    def harm(self, number: signal.Signals, *, back_in: float) -> None:
        """Kill or stop it, to be started again so many seconds after its end."""
        self.note_harm()
        self.is_harmed = True
        self.due = back_in
        self.send(signal.SIGCONT)
        self.send(number)

    def note_harm(self) -> None:
        self.harms.append((time.time(), time.time() + 5))

    def pause(self) -> None:
        self.note_harm()
        self.is_paused = True
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        if self.is_paused:
            self.is_paused = False
            self.harms[-1] = (self.harms[-1][0], time.time() + 10)
            self.started = time.time()  # it may have been about to start
            self.send(signal.SIGCONT)

    def look(self) -> None:
        """Start it again when its time has come."""
        if self.process is not None and not self.is_running:
            if not self.is_harmed:
                self._note_end(self.process.returncode)
                self.due = RESTART
            self.process, self.due = None, time.time() + self.due
        if self.process is None and time.time() >= self.due:
            self.start()

    def _note_end(self, code: int) -> None:
        """Remember an end that nobody asked for, unless a service was away at the start."""
        age = time.time() - self.started
        if code != 1 or not self._was_refused():
            self.crashes.append(f"{self.name} ended by itself with {code} after {age:.0f} s")

    def _was_refused(self) -> bool:
        """Return whether its last words are that the database or the broker was away."""
        lines = self.log.read_text(errors="replace").splitlines()
        return any(line.startswith(REFUSALS) for line in lines[-5:])

    def end(self, *, timeout: float) -> str:
        """Stop it in order; return what was wrong with that."""
        if self.process is None:
            return ""
        self.resume()
        self.send(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"{self.name} did not stop within {timeout:.0f} s"
        is_young = time.time() - self.started < YOUNG
        is_well = code == 0 or self.is_harmed or (is_young and code in (1, -signal.SIGTERM))
        return "" if is_well else f"{self.name} ended with exit code {code}"

    def kill(self) -> None:
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.wait()


def script_processes(folder: Path) -> set[tuple[int, str]]:
    """Return the living guardians and scripts of a node, by number and time of start."""
    mark = f"TMPDIR={folder}/work/".encode()
    found = set()
    for pid in _numbers():
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if stat[0] not in "ZX" and any(word.startswith(mark) for word in environment.split(b"\0")):
            found.add((pid, stat[19]))
    return found


def _numbers() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())
