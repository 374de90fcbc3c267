"""Hold a guardian's process: the pipe by which it is told to stop, and the two that come back."""

import contextlib
import fcntl
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import guardian

READ = 64 * 1024
PIPE = 1024 * 1024
# Seconds for which to wait for output or word from the guardian.
TURN = 0.25
# Seconds between two words to the guardian that the worker lives.
ALIVE = 0.5
# A read of less than this means that the process prints line by line.
CROWD = 4096


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run and within which bounds; times in seconds.

    ``silence`` is the time for which the worker may be stopped before the script is ended, and
    ``patience`` that between SIGTERM and SIGKILL. On the file ``lock`` there is a shared lock until
    everything that the program has started has ended, even if the worker is killed.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    time_limit: float
    silence: float = math.inf
    patience: float = 10.0
    lock: Path | None = None


@dataclass
class Ending:
    """How a process ended; ``exit_code`` is None if its guardian did not live to tell."""

    exit_code: int | None = None
    timed_out: bool = False
    was_stopped: bool = False
    # The worker was stopped for too long, and its guardian ended the script.
    was_alone: bool = False
    # Processes that outlived it and were ended.
    left: int = 0


class Watched:
    """The guardian's process and the three pipes to it."""

    def __init__(self, program: Program) -> None:
        self.ending = Ending()
        self._script: int | None = None
        self._heard = b""
        self._output, output = os.pipe()
        self._status, status = os.pipe()
        control, self._control = os.pipe()
        self._open = {self._output, self._status}
        self._told = time.monotonic()
        _widen(output)
        os.set_blocking(self._control, False)
        lock = -1
        try:
            lock = _lock(program.lock)
            self._guardian = subprocess.Popen(
                _guarded(program, status, lock),
                cwd=program.folder,
                env=dict(program.environment),
                stdin=control,
                stdout=output,
                stderr=output,
                pass_fds=[status] if lock < 0 else [status, lock],
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            for descriptor in (output, status, control, lock):
                if descriptor >= 0:
                    os.close(descriptor)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *exc: object) -> None:
        """Let go: a guardian that still lives ends its script, since nobody holds it."""
        self._close()
        self._guardian.wait()

    @property
    def is_running(self) -> bool:
        return self._status in self._open

    def turn(self, output: Callable[[bytes], None]) -> bool:
        """Pass on what has come, or wait for a moment; return whether to let more gather."""
        self._say_alive()
        ready, _, _ = select.select(list(self._open), [], [], TURN)
        crowd = True
        if self._output in ready:
            data = os.read(self._output, READ)
            crowd = not 0 < len(data) < CROWD
            self._pass_on(data, output)
        if self._status in ready:
            self._hear()
        return not crowd and self.is_running

    def hear(self, seconds: float) -> None:
        """Wait for word from the guardian only."""
        if select.select([self._status], [], [], seconds)[0]:
            self._hear()

    def stop(self) -> None:
        if not self.ending.was_stopped:
            self.ending.was_stopped = True
            self._tell(b"s")

    def _say_alive(self) -> None:
        """Let the guardian know that this worker is not stopped."""
        if time.monotonic() - self._told >= ALIVE:
            self._told = time.monotonic()
            self._tell(b"h")

    def _tell(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # gone, or stopped itself for so long that it is full
            os.write(self._control, word)

    def drain(self, output: Callable[[bytes], None]) -> None:
        """Pass on what is still in the pipe, whoever may hold its other end open."""
        os.set_blocking(self._output, False)
        left = 2 * PIPE
        while self._output in self._open and left > 0:
            try:
                data = os.read(self._output, READ)
            except BlockingIOError:
                return
            left -= len(data)
            self._pass_on(data, output)

    def _pass_on(self, data: bytes, output: Callable[[bytes], None]) -> None:
        if data:
            output(data)
        else:
            self._open.discard(self._output)

    def _hear(self) -> None:
        data = os.read(self._status, 4096)
        if not data:
            self._open.discard(self._status)
            self._end_orphan()
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._note(*line.decode().split())

    def _note(self, word: str, number: str = "0") -> None:
        if word == "started":
            self._script = int(number)
        elif word == "timeout":
            self.ending.timed_out = True
        elif word == "silence":
            self.ending.was_alone = True
        elif word == "left":
            self.ending.left = int(number)
        elif word == "exit":
            self.ending.exit_code = int(number)

    def _end_orphan(self) -> None:
        """End the script of a guardian that was killed itself."""
        if self.ending.exit_code is None and self._script is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._script, signal.SIGKILL)

    def _close(self) -> None:
        for descriptor in (self._output, self._status, self._control):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _guarded(program: Program, status: int, lock: int) -> list[str]:
    """Return the command of the guardian: nothing of the server's is imported into it."""
    limits = [str(program.time_limit), str(program.silence), str(program.patience)]
    python = [sys.executable, "-I", "-S", guardian.__file__]
    return [*python, str(status), str(lock), *limits, *program.command]


def _lock(path: Path | None) -> int:
    """Return an open file with a shared lock; -1 if there is none to be had."""
    if path is None:
        return -1
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _widen(pipe: int) -> None:
    """Let the pipe hold more where the system can: who prints much then waits less."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
