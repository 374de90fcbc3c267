"""A PostgreSQL and a Redis server of one's own, which may be killed without harm to anybody else's.

Both listen on the loopback only, keep their files in a folder that goes with them, and end with the
process that started them, however that ends.
"""

import ctypes
import glob
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis

from tests.integration.server import wait_until

# Below those that the system gives to clients: while a server is down, one of its own clients could
# be given its port.
PORTS = range(15_000, 30_000)
SET_PARENT_DEATH_SIGNAL = 1


class Service:
    """One server process that is started, stopped and killed at will."""

    def __init__(self, command: list[str], *, last: signal.Signals, user: str | None) -> None:
        self.command = command
        self.last = last
        self.user = user
        self.process: subprocess.Popen[bytes] | None = None
        self.is_frozen = False

    @property
    def is_up(self) -> bool:
        """Whether it runs, as far as it is up to us."""
        return self.process is not None and self.process.poll() is None and not self.is_frozen

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=self.user,
            extra_groups=None if self.user is None else [],
            preexec_fn=dying_with_parent(self.last),
        )

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def freeze(self) -> None:
        self.is_frozen = True
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.is_frozen = False
        self.send(signal.SIGCONT)

    def stop(self, number: signal.Signals | None = None) -> None:
        """Send the signal and wait for the end; one that was frozen is thawed first."""
        if self.process is None:
            return
        self.thaw()
        self.send(number or self.last)
        self.process.wait(30)


def lasting_port() -> int:
    """Return a free port that stays free while nobody listens."""
    for port in random.sample(PORTS, k=100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def dying_with_parent(number: signal.Signals) -> Callable[[], None]:
    """Return what has the kernel send the signal to this process when its parent ends."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(SET_PARENT_DEATH_SIGNAL, int(number), 0, 0, 0) and None


class Redis(Service):
    """Redis that keeps nothing over a restart."""

    def __init__(self, folder: Path) -> None:
        self.port = lasting_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port)]
        keep_nothing = ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__([*command, *keep_nothing], last=signal.SIGKILL, user=None)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)

    def answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False


class PostgreSQL(Service):
    """PostgreSQL with one database; at its end every connection is cut at once."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.port = lasting_port()
        self.data = folder / "data"
        user = "postgres" if os.geteuid() == 0 else None
        self.owner = user or pwd.getpwuid(os.geteuid()).pw_name
        self.url = f"postgresql://{self.owner}@127.0.0.1:{self.port}/postgres"
        # Without fsync: processes die here, machines do not.
        settings = {"port": self.port, "listen_addresses": "127.0.0.1", "fsync": "off"}
        settings |= {"unix_socket_directories": "", "max_connections": 200}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(binaries / "postgres"), "-D", str(self.data), *options]
        super().__init__(command, last=signal.SIGQUIT, user=user)
        self._binaries = binaries

    def make(self) -> None:
        """Make the cluster's files."""
        done = subprocess.run(
            [self._binaries / "initdb", "-D", self.data, "-A", "trust", "-N", "-E", "UTF8"],
            user=self.user,
            extra_groups=None if self.user is None else [],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr}")

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True


def postgresql_binaries() -> Path | None:
    """Return the folder with the newest initdb on this machine."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    path = found[-1] if found else shutil.which("initdb")
    return Path(path).parent if path else None


@contextmanager
def redis_server() -> Iterator[Redis]:
    with _folder() as folder:
        service = Redis(folder)
        with _running(service, lambda: service.answers()):
            yield service


@contextmanager
def postgresql_server(binaries: Path) -> Iterator[PostgreSQL]:
    with _folder() as folder:
        service = PostgreSQL(binaries, folder)
        if service.user is not None:
            shutil.chown(folder, service.user)
        service.make()
        with _running(service, lambda: service.answers()):
            yield service


@contextmanager
def _running(service: Service, answers: Callable[[], bool]) -> Iterator[None]:
    service.start()
    try:
        wait_until(answers, timeout=60, what=f"{service.command[0]} does not answer")
        yield
    finally:
        with suppress(subprocess.TimeoutExpired):
            service.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder outside those of pytest, which no other user may enter."""
    path = tempfile.mkdtemp(prefix="octoserver-chaos-")
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
