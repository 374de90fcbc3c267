"""Watch over one script so that it ends when it should, even when its worker is killed.

Run as a program of its own, with nothing but the standard library::

    guardian.py STATUS_FD LOCK_FD TIME_LIMIT SILENCE PATIENCE COMMAND...

Its standard input is the worker's hold on it: ``h`` says that the worker lives, ``s`` asks to stop
the script, its end means that the worker is gone; so does silence for longer than SILENCE. On
STATUS_FD it tells the worker, a line each: ``started PID``, ``timeout``, ``silence``, ``left
COUNT`` (processes that outlived the script), ``exit CODE`` (minus the number of the signal that
ended the script). Standard output and error are the script's. LOCK_FD is kept open to the end, and
from the script; -1 is none. TIME_LIMIT, SILENCE and PATIENCE, the time between SIGTERM and SIGKILL,
are in seconds.
"""

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress

# Seconds between SIGTERM and SIGKILL when nobody waits for an orderly end.
HASTE = 2.0
# Seconds between two looks at processes that were told to end, and after which to give up on them.
LOOK, FUTILE = 0.05, 5.0
# Seconds between two looks at the time, and by how much one must be late for this process to have
# been stopped itself: the worker's silence meanwhile means nothing.
TICK, GAP = 1.0, 1.0
SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36
IS_LINUX = sys.platform == "linux"
# A stop of the whole server sends these to everything; the worker decides what they mean for us.
SPARED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Guardian:
    """The script, what it was told, and how it ended."""

    def __init__(
        self,
        *,
        status: int,
        time_limit: float,
        silence: float,
        patience: float,
        command: list[str],
    ) -> None:
        self.status = status
        self.silence = silence
        self.patience = patience
        self.control: int | None = os.dup(0)
        self.heard = time.monotonic()
        self.deadline = self.heard + time_limit
        # When SIGKILL is due; None while nobody told the script to end.
        self.kill_at: float | None = None
        self.exit_code: int | None = None
        # Whether the worker was silent for too long, so that its tasks may be another's by now.
        self.is_alone = False
        self.child_died = _hear_of_children()
        self.script = _start(command)
        self.report(f"started {self.script}")

    def report(self, line: str) -> None:
        try:
            os.write(self.status, f"{line}\n".encode())
        except OSError:  # the worker is gone
            return

    def watch(self) -> None:
        """Wait for the script to end, and make it when it must."""
        while self.exit_code is None:
            self.wait()
            self.reap()
            if time.monotonic() >= self.deadline and self.kill_at is None:
                self.report("timeout")
                self.stop(self.patience)
            if time.monotonic() >= self.heard + self.silence and not self.is_alone:
                self.is_alone = True
                self.report("silence")
                self.stop(HASTE)
            if self.kill_at is not None and time.monotonic() >= self.kill_at:
                self.tell(signal.SIGKILL)

    def clear_up(self) -> None:
        """End what outlives the script: its process group, or everything if it was stopped."""
        was_stopped = self.kill_at is not None
        left = self.left(everything=was_stopped)
        if not left:
            return
        self.report(f"left {len(left)}")
        self.stop(HASTE, everything=was_stopped)
        while self.left(everything=was_stopped) and self.kill_at is not None:
            if time.monotonic() >= self.kill_at + FUTILE:
                return
            if time.monotonic() >= self.kill_at:
                self.tell(signal.SIGKILL, everything=was_stopped)
            self.wait(at_most=LOOK)
            self.reap()

    def wait(self, *, at_most: float | None = None) -> None:
        """Wait for a child's end, the worker's word, or the next deadline."""
        due = self.deadline if self.kill_at is None else self.kill_at
        began = time.monotonic()
        # Past the kill, what was killed is looked at again and again: it may have forked meanwhile.
        seconds = min(max(due - began, LOOK), TICK)
        inputs = [self.child_died] if self.control is None else [self.child_died, self.control]
        seconds = seconds if at_most is None else min(seconds, at_most)
        ready, _, _ = select.select(inputs, [], [], seconds)
        if time.monotonic() - began > seconds + GAP:
            self.heard = time.monotonic()
        if self.child_died in ready:
            os.read(self.child_died, 4096)
        if self.control in ready and self.control is not None:
            self.hear(os.read(self.control, 4096))

    def hear(self, words: bytes) -> None:
        """Do as the worker says."""
        self.heard = time.monotonic()
        if not words:
            self.control = None
            self.stop(HASTE)
        elif b"s" in words:
            self.stop(self.patience)

    def reap(self) -> None:
        """Take note of ended children, adopted ones too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.script:
                self.exit_code = os.waitstatus_to_exitcode(status)

    def stop(self, patience: float, *, everything: bool = True) -> None:
        """Tell the script to end, once, and bring the time for SIGKILL forward if need be."""
        kill_at = time.monotonic() + patience
        if self.kill_at is None:
            self.kill_at = kill_at
            self.tell(signal.SIGTERM, everything=everything)
        self.kill_at = min(self.kill_at, kill_at)

    def tell(self, number: signal.Signals, *, everything: bool = True) -> None:
        """Send a signal to the script's process group, and to who left it if ``everything``."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.script, number)
        for pid in self.left(everything=everything) if IS_LINUX else []:
            with suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != self.script:
                    os.kill(pid, number)

    def left(self, *, everything: bool) -> list[int]:
        """Return the processes that descend from the script, or only those in its group."""
        if not IS_LINUX:
            return [self.script] if _group_lives(self.script) else []
        table = _processes()
        if not everything:
            return [pid for pid, (_, group) in table.items() if group == self.script]
        # Whoever loses its parent is adopted by this process, so every chain of parents ends here.
        found: list[int] = []
        parents = {os.getpid()}
        while children := {pid for pid, (parent, _) in table.items() if parent in parents}:
            found += children
            parents = children
        return found


def _processes() -> dict[int, tuple[int, int]]:
    """Return the parent and the process group of every process that has not ended."""
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    state, parent, group = file.read().rpartition(b")")[2].split()[:3]
            except OSError:
                continue
            if state not in b"ZX":
                table[int(name)] = (int(parent), int(group))
    return table


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


def _hear_of_children() -> int:
    """Return a file descriptor that becomes readable when a child ends."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def _start(command: list[str]) -> int:
    """Start the script in a session of its own and keep none of its files."""
    libc = ctypes.CDLL(None) if IS_LINUX else None
    if libc is not None:
        libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in SPARED:
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    script = os.fork()
    if script == 0:
        _become(command, libc, nothing)
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    return script


def _become(command: list[str], libc: "ctypes.CDLL | None", nothing: int) -> None:
    """Turn this new process into the script."""
    try:
        os.setsid()
        if libc is not None:
            libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        for number in (*SPARED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(nothing, 0)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]} cannot be run: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main() -> None:
    status, lock, time_limit, silence, patience, *command = sys.argv[1:]
    for descriptor in (status, lock):
        if int(descriptor) >= 0:
            os.set_inheritable(int(descriptor), False)
    guardian = Guardian(
        status=int(status),
        time_limit=float(time_limit),
        silence=float(silence),
        patience=float(patience),
        command=command,
    )
    guardian.watch()
    guardian.clear_up()
    guardian.report(f"exit {guardian.exit_code}")


if __name__ == "__main__":
    main()
