"""Run the web, worker and scheduler processes of one machine together and stop them in order.

Standard library only, and started by its path: the package would load Django and Celery into a
process that needs neither.
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
PR_SET_PDEATHSIG = 1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
# One that ran this long, in seconds, did not crash at its start.
PROVEN = 60.0
# A terminal, make and a time-out tool each pass on the one signal that a person sent.
SAME_SIGNAL = 0.5
REMINDER = 15.0


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def say(text: str, *, name: str = "octoserver") -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone; the processes still want a stop
        os.write(sys.stdout.fileno(), f"{name:<10} | {text}\n".encode())


@dataclass
class Child:
    """One process of the server, with its process group and its output."""

    name: str
    command: list[str]
    # Seconds between being asked to stop and being killed; nothing waits for it to finish.
    patience: float | None
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    crashes: int = 0
    due: float = 0.0
    unfinished: bytes = field(default=b"", repr=False)

    def start(self) -> None:
        supervisor = os.getpid()

        # Safe although it runs between fork and exec: this process has one thread.
        def tie_to_supervisor() -> None:
            die_with_parent()
            if os.getppid() != supervisor:
                os._exit(1)

        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            preexec_fn=tie_to_supervisor,
        )
        self.started = time.monotonic()
        os.set_blocking(self.output.fileno(), False)

    @property
    def output(self) -> IO[bytes]:
        if self.process is None or self.process.stdout is None:
            raise ValueError(f"{self.name} does not run")
        return self.process.stdout

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Signal the process itself; its own children are its own business."""
        if self.process is not None and self.is_running():
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill what is left of the process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def pass_on_output(self) -> None:
        """Print the lines that have come; the last one too, if the process has closed its end."""
        while (piece := self._read()) is not None:
            *lines, self.unfinished = (self.unfinished + piece).split(b"\n")
            if not piece and self.unfinished:
                lines, self.unfinished = [self.unfinished], b""
            for line in filter(None, lines):
                say(line.decode(errors="replace"), name=self.name)
            if not piece:
                return

    def _read(self) -> bytes | None:
        try:
            return os.read(self.output.fileno(), 65536)
        except BlockingIOError:
            return None


class Supervisor:
    """Keeps the children running until a signal asks it to stop them, in the order given."""

    def __init__(self, children: list[Child], *, address: tuple[str, int]) -> None:
        self.children = children
        self.address = address
        self.signals: list[float] = []
        self.selector = selectors.DefaultSelector()
        self.is_announced = False

    def run(self) -> int:
        self._listen()
        for child in self.children:
            self._start(child)
        while not self.signals:
            self._look_around()
            for child in self.children:
                self._keep_running(child)
            if not self.is_announced:
                self._announce()
        code = self._stop()
        for number in STOP_SIGNALS:  # one more must not turn what is done into a failure
            signal.signal(number, signal.SIG_IGN)
        return code

    def _listen(self) -> None:
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self.wake = (reader, writer)
        self.selector.register(reader, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: self.signals.append(time.monotonic()))

    def _look_around(self, *, seconds: float = 0.2) -> None:
        """Wait for output, the end of a child or a signal, at most so many seconds."""
        for key, _ in self.selector.select(seconds):
            if isinstance(key.data, Child):
                key.data.pass_on_output()
            else:
                with contextlib.suppress(BlockingIOError):
                    self.wake[0].recv(4096)

    def _start(self, child: Child) -> None:
        child.start()
        self.selector.register(child.output, selectors.EVENT_READ, child)

    def _close(self, child: Child) -> None:
        """End what the process left behind, print its last words and forget it."""
        child.kill()
        child.pass_on_output()
        self.selector.unregister(child.output)
        child.output.close()
        child.process = None

    def _keep_running(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due:
                self._start(child)
        elif not child.is_running():
            code = child.process.returncode
            child.crashes = 0 if now - child.started >= PROVEN else child.crashes
            delay = BACK_OFF[min(child.crashes, len(BACK_OFF) - 1)]
            child.crashes, child.due = child.crashes + 1, now + delay
            self._close(child)
            say(f"{child.name} {_ending(code)}; starting it again in {delay:.0f} s.")

    def _announce(self) -> None:
        host, port = self.address
        if _answers(host, port):
            self.is_announced = True
            say(f"Octoserver is running at http://{_in_url(host)}:{port}/ (Ctrl-C stops it)")

    def _stop(self) -> int:
        for child in self.children:
            if child.process is None:
                continue
            child.send(signal.SIGTERM)
            if not self._wait_for(child):
                return self._kill_everything()
            self._close(child)
        say("Stopped.")
        return 0

    def _wait_for(self, child: Child) -> bool:
        """Wait until the child has ended; False if a second signal says not to wait."""
        asked, reminded = time.monotonic(), time.monotonic()
        say(f"Waiting for {child.name} to {_last_duty(child)}.")
        while child.is_running():
            self._look_around()
            now = time.monotonic()
            if self.signals[-1] - self.signals[0] > SAME_SIGNAL:
                return False
            if child.patience is not None and now - asked > child.patience:
                say(f"{child.name} did not stop within {child.patience:.0f} s: killing it.")
                child.kill()
            if now - reminded > REMINDER:
                reminded = now
                say(f"Still waiting for {child.name} ({now - asked:.0f} s).")
        return True

    def _kill_everything(self) -> int:
        say("Not waiting any longer: killing everything.")
        for child in self.children:
            child.kill()
        for child in self.children:
            if child.process is not None:
                child.process.wait()
                self._close(child)
        return 1


def _last_duty(child: Child) -> str:
    if child.patience is None:
        return "finish its running tasks; press Ctrl-C again to stop at once"
    return "stop"


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}"


def _answers(host: str, port: int) -> bool:
    """Return whether a request for its health gets any answer from the web process."""
    try:
        with socket.create_connection((host, port), timeout=0.5) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(5) == b"HTTP/"
    except OSError:
        return False


def lock(folder: Path) -> IO[str]:
    """Return the lock on an instance's folder; raise ``BlockingIOError`` if it runs already."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "supervisor.lock").open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def children(*, manage: Path, bind: str) -> list[Child]:
    """Return the processes in the order in which they stop: nothing comes in while tasks finish."""
    command = [sys.executable, str(manage)]
    return [
        Child("web", [*command, "web", "--bind", bind], patience=10.0),
        Child("scheduler", [*command, "scheduler"], patience=10.0),
        Child("worker", [*command, "worker"], patience=None),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where the instance's files are")
    parser.add_argument("--manage", type=Path, default=MANAGE, help="the script that they run")
    options = parser.parse_args()
    try:
        held = lock(options.folder)
    except BlockingIOError:
        sys.stderr.write(
            f"Octoserver is running already on {options.folder}: stop it, or set VAR_DIR "
            "to another folder.\n"
        )
        return 1
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104
    bind = f"{_in_url(options.host)}:{options.port}"
    with held:
        processes = children(manage=options.manage, bind=bind)
        return Supervisor(processes, address=(host, options.port)).run()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main())
