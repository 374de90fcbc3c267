"""Run a command as a real process under its guardian, its output going where it is wanted."""

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import conf, guardian

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

# What a script sees of the server's environment; everything else, secrets first, stays here.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
READ = 64 * 1024
PIPE = 1024 * 1024
# Seconds between two looks at whether to stop.
TURN = 0.25
# A read of less than this means that the process prints line by line: a short rest lets its lines
# gather, since waking for each would cost more than it does to print it.
CROWD, REST = 4096, 0.005


@dataclass
class Ending:
    """How a process ended; ``exit_code`` is None if its guardian did not live to tell."""

    exit_code: int | None = None
    timed_out: bool = False
    was_stopped: bool = False
    # Processes that outlived it and were ended.
    left: int = 0


def run(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    time_limit: float,
    output: Callable[[bytes], None],
    should_stop: Callable[[], bool],
    idle: Callable[[], None] = lambda: None,
) -> Ending:
    """Run ``command`` in ``folder`` for at most ``time_limit`` seconds and return how it ended.

    ``output`` gets what it prints as it comes; once ``should_stop`` says so, its process group gets
    SIGTERM, and SIGKILL 10 seconds later; ``idle`` is called at least four times a second.
    """
    with _Watched(
        command, folder=folder, environment=environment, time_limit=time_limit
    ) as watched:
        while watched.is_running:
            rest = watched.turn(output)
            if should_stop():
                watched.stop()
            idle()
            if rest:
                watched.hear(REST)
        watched.drain(output)
    return watched.ending


def environment(**more: str) -> dict[str, str]:
    """Return the environment that a script gets: little of the server's, and ``more``."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": DEFAULT_PATH, **passed, **more}


def work_folder(node_name: str) -> Path:
    """Return the folder that holds the private ones of a node's scripts."""
    return conf.var_dir() / "work" / node_name.replace(os.sep, "_")


@contextlib.contextmanager
def private_folder(node_name: str, prefix: str) -> Iterator[Path]:
    """Make a folder that nobody else can look into, gone afterwards."""
    parent = work_folder(node_name)
    parent.mkdir(parents=True, exist_ok=True)
    path = tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent)
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Watched:
    """The guardian's process and the three pipes to it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        time_limit: float,
    ) -> None:
        self.ending = Ending()
        self._script: int | None = None
        self._heard = b""
        self._output, output = os.pipe()
        self._status, status = os.pipe()
        control, self._control = os.pipe()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl(output, F_SETPIPE_SZ, PIPE)
        try:
            self._guardian = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    guardian.__file__,
                    str(status),
                    str(time_limit),
                    *command,
                ],
                cwd=folder,
                env=dict(environment),
                stdin=control,
                stdout=output,
                stderr=output,
                pass_fds=[status],
                start_new_session=True,
            )
        except BaseException:
            self._close()
            raise
        finally:
            for descriptor in (output, status, control):
                os.close(descriptor)
        self._open = {self._output, self._status}

    def __enter__(self) -> "_Watched":
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
            with contextlib.suppress(OSError):
                os.write(self._control, b"s")

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
        elif word == "left":
            self.ending.left = int(number)
        elif word == "exit":
            self.ending.exit_code = int(number)

    def _end_orphan(self) -> None:
        """End the script of a guardian that was killed itself."""
        if self.ending.exit_code is None and self._script is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._script, 9)

    def _close(self) -> None:
        for descriptor in (self._output, self._status, self._control):
            with contextlib.suppress(OSError):
                os.close(descriptor)
