"""Measure what open pages cost: ``python -m tests.benchmarks.live [--pages 200] [--seconds 20]``.

A web process of its own with a thousand tasks is asked on the loopback by so many pages, each at
its own interval, as browsers do; first while nothing happens, then while a task writes 20 lines a
second and the list changes every second. Browsers ask less often where nothing happens and nobody
moves; these do not, so that it is the most that so many pages ask. The last line is JSON.
"""

import argparse
import heapq
import http.client
import json
import os
import random
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from statistics import quantiles
from typing import Any

from tests.benchmarks.stage import POSTGRESQL, PROMPTLY, ROOT, Failed, postgresql

TASKS = 1_000
PORT = 8196
# Connections that the pages share; a browser keeps one each, but only the requests cost.
CONNECTIONS = 32
POLL = re.compile(r'hx-get="([^"]+)"[^>]*? hx-trigger="every (\d+)s')
# Of a hundred open pages, how many show what.
SHARES = {"task": 35, "tasks": 30, "home": 15, "dashboard": 10, "nodes": 5, "maintenance": 5}


@dataclass
class OpenPage:
    """One page in somebody's browser: what it asks, and how often."""

    kind: str
    address: str
    interval: float


@dataclass
class Tally:
    """What was seen of one kind of page; times in milliseconds."""

    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)


class Server:
    """A web process, and the rows that it shows."""

    def __init__(self, *, folder: str, database: str) -> None:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="octoserver.settings",
            VAR_DIR=folder,
            SECRET_KEY=secrets.token_hex(32),
            DATABASE_URL=database,
            REDIS_URL="",
            ALLOWED_HOSTS="",
            LOG_LEVEL="ERROR",
        )
        self.cookie, self.pages, self.watched = _prepare()
        command = [sys.executable, "manage.py", "web", "--bind", f"127.0.0.1:{PORT}"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=os.environ.copy())

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + PROMPTLY
        while time.monotonic() < deadline:
            try:
                self.get(self.connect(), "/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return self
        self.__exit__()
        raise Failed("The web process did not answer.")

    def __exit__(self, *args: object) -> None:
        self._process.terminate()
        self._process.wait(PROMPTLY)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", PORT, timeout=PROMPTLY)

    def get(
        self, connection: http.client.HTTPConnection, address: str, *, poll: bool = False
    ) -> tuple[int, bytes]:
        headers = {"Cookie": self.cookie} | ({"HX-Request": "true"} if poll else {})
        connection.request("GET", address, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()

    def processor_seconds(self) -> float:
        """Return the processor time of the web process and its children so far."""
        ticks = sum(_ticks(pid) for pid in _family(self._process.pid))
        return ticks / os.sysconf("SC_CLK_TCK")

    def open(self, number: int) -> list[OpenPage]:
        """Open so many pages, of each kind its share."""
        connection, opened = self.connect(), []
        for kind, share in SHARES.items():
            status, body = self.get(connection, self.pages[kind])
            found = POLL.search(body.decode())
            if status != 200 or found is None:
                raise Failed(f"The page {kind} answered {status} and asks for nothing.")
            count = round(number * share / 100)
            address, interval = unescape(found[1]), float(found[2])
            opened += [OpenPage(kind, address, interval) for _ in range(count)]
        return opened


def _prepare() -> tuple[str, dict[str, str], Any]:
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connections
    from django.test import Client
    from django.urls import reverse

    from tasks import node
    from tests.benchmarks import fill, fill_deployments
    from tests.tasks import rows

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    person = User.objects.create_superuser("someone")
    row = node.register("bench").row
    fill.fill(TASKS, person=person.pk, node=row.pk)
    fill_deployments.fill(TASKS, first_task=1)
    watched = rows.ServerTaskFactory(state="Executing", node=row)
    rows.write_log(watched, *["a line of the log of a running task"] * 400)
    client = Client()
    client.force_login(person)
    connections.close_all()
    names = {"tasks": "tasks:list", "home": "home", "nodes": "nodes:list"}
    names |= {"dashboard": "deployments:dashboard", "maintenance": "maintenance:page"}
    addresses = {kind: reverse(name) for kind, name in names.items()}
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    return cookie, addresses | {"task": watched.get_absolute_url()}, watched


def _family(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(word) for word in file.read().split()]
    return [pid, *(each for child in children for each in _family(child))]


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


class Crowd:
    """All open pages: whose turn has come is asked for by the next free connection."""

    def __init__(self, server: Server, pages: Sequence[OpenPage]) -> None:
        self._server = server
        begin = time.monotonic()
        turns = [(begin + random.random() * page.interval, i) for i, page in enumerate(pages)]
        heapq.heapify(turns)
        self._turns, self._pages = turns, pages
        self._lock = threading.Lock()
        self.tallies = {page.kind: Tally() for page in pages}

    def go(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._ask, args=(until,)) for _ in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, until: float) -> None:
        connection = self._server.connect()
        while True:
            with self._lock:
                if not self._turns or self._turns[0][0] >= until:
                    return
                due, index = heapq.heappop(self._turns)
            time.sleep(max(due - time.monotonic(), 0))
            page = self._pages[index]
            began = time.monotonic()
            status, body = self._server.get(connection, page.address, poll=True)
            ended = time.monotonic()
            found = POLL.search(body.decode())
            with self._lock:
                tally = self.tallies[page.kind]
                tally.times.append((ended - began) * 1000)
                tally.statuses[status] += 1
                tally.sizes.append(len(body))
                page.address = unescape(found[1]) if found else page.address
                heapq.heappush(self._turns, (max(due + page.interval, ended), index))


@contextmanager
def happening(watched: Any) -> Iterator[None]:
    """Let the watched task write, and tasks change, every second."""
    from tasks import log
    from tasks.models import ServerTask
    from tests.tasks import rows

    over = threading.Event()

    def happen() -> None:
        while not over.wait(1.0):
            first = log.line_count(watched) + 1
            rows.write_log(watched, *["one more line of the running task"] * 20, first=first)
            newest = ServerTask.objects.newest().exclude(pk=watched.pk)[0]
            ServerTask.objects.filter(pk=newest.pk).update(message=f"Seen {first} lines.")

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(server: Server, *, pages: int, seconds: float) -> dict[str, Any]:
    """Return what ``pages`` open pages cost in ``seconds``."""
    crowd = Crowd(server, server.open(pages))
    began, used = time.monotonic(), server.processor_seconds()
    crowd.go(seconds)
    took, used = time.monotonic() - began, server.processor_seconds() - used
    kinds = {kind: _summed(tally) for kind, tally in crowd.tallies.items()}
    asked = sum(one["requests"] for one in kinds.values())
    return {
        "requests_s": round(asked / took, 1),
        "processor_percent": round(100 * used / took, 1),
        "processor_ms_per_request": round(1000 * used / asked, 2),
        "kinds": kinds,
    }


def _summed(tally: Tally) -> dict[str, Any]:
    cuts = quantiles(tally.times, n=20)
    return {
        "requests": len(tally.times),
        "p50_ms": round(cuts[9], 1),
        "p95_ms": round(cuts[18], 1),
        "mean_bytes": round(sum(tally.sizes) / len(tally.sizes)),
        "statuses": dict(tally.statuses),
    }


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="live", description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="how many pages are open")
    parser.add_argument("--seconds", type=float, default=20, help="how long each part lasts")
    parser.add_argument("--engine", choices=["postgresql", "sqlite"], default="sqlite")
    parser.add_argument("--postgresql", default=POSTGRESQL, metavar="URL")
    return parser.parse_args(arguments)


@contextmanager
def database(arguments: argparse.Namespace) -> Iterator[str]:
    """Give the address of an empty database; nothing for the server's own SQLite file."""
    if arguments.engine == "sqlite":
        yield ""
        return
    with postgresql(arguments.postgresql) as address:
        yield address


def main() -> None:
    arguments = parse()
    result = {}
    with (
        tempfile.TemporaryDirectory(prefix="octoserver-bench-") as folder,
        database(arguments) as url,
        Server(folder=folder, database=url) as server,
    ):
        wanted = {"pages": arguments.pages, "seconds": arguments.seconds}
        result["idle"] = measure(server, **wanted)
        with happening(server.watched):
            result["busy"] = measure(server, **wanted)
    for name, one in result.items():
        print(
            f"{name}: {one['requests_s']} requests/s, "
            f"{one['processor_percent']} % of one processor, "
            f"{one['processor_ms_per_request']} ms each"
        )
        for kind, seen in one["kinds"].items():
            print(f"  {kind:<12}{seen}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
