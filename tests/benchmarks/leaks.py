"""Switch the mode under load and count the changes that committed after *enable* had returned."""

import itertools
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.benchmarks.stage import PROMPTLY, Failed, Program, stage
from tests.benchmarks.writers import Writer

# The longest time in milliseconds that the view takes between being let in and writing.
VIEW_TIME = 20.0


@dataclass(frozen=True)
class Size:
    """How long a run goes on: until it has both, but no longer than ``seconds``."""

    switches: int
    attempts: int
    seconds: float
    writers: int = 32
    processes: int = 3


def run(variant: str, database: str, *, size: Size, seed: int = 1) -> dict[str, Any]:
    """Run a variant on a database and return what was found."""
    with stage(variant, database, view_time=VIEW_TIME, people=size.writers) as ready:
        ports = [free_port() for _ in range(size.processes)]
        threads = -(-size.writers // size.processes)
        for port in ports:
            ready.start("serve", str(port), str(threads))
        for port in ports:
            wait_for_answer(port)
        writers = [
            Writer(ports[number % size.processes], one["session"], one["administrator"])
            for number, one in enumerate(ready.people)
        ]
        started = time.monotonic()
        with at_work(writers):
            switches = list(switching(ready.start("switcher", str(seed)), writers, size))
        return found(writers, switches, seconds=time.monotonic() - started)


def switching(
    switcher: Program, writers: Sequence[Writer], size: Size
) -> Iterator[dict[str, float]]:
    """Yield each switch until the run is long enough."""
    deadline = time.monotonic() + size.seconds
    for made in itertools.count(1):
        yield switcher.read(timeout=PROMPTLY)
        if time.monotonic() > deadline:
            break
        if made >= size.switches and attempts(writers) >= size.attempts:
            break
    yield from switcher.rest()


@contextmanager
def at_work(writers: Sequence[Writer]) -> Iterator[None]:
    """Have all of them send changes within this block."""
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=[stop], daemon=True) for one in writers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PROMPTLY)


def attempts(writers: Sequence[Writer]) -> int:
    return sum(one.attempts for one in writers)


def found(
    writers: Sequence[Writer], switches: Sequence[dict[str, float]], *, seconds: float
) -> dict[str, Any]:
    """Sum up a run: what the database says (``leaked``), and what the people saw."""
    if not switches:
        raise Failed("The mode was not switched once.")
    people = [one for one in writers if not one.administrator]
    waits = [one["enabled_at"] - one["asked_at"] for one in switches]
    on = [(one["enabled_at"], one["disabling_at"]) for one in switches]
    off = [(one["disabled_at"], one["asked_at"]) for one in switches]
    complaints = [text for one in writers for text in one.unexpected]
    return {
        "switches": len(switches),
        "attempts": attempts(writers),
        "leaked": int(sum(one["leaked"] for one in switches)),
        "administrators_refused": sum(len(one.refused) for one in writers if one.administrator),
        "unexpected": len(complaints),
        "unexpected_examples": sorted(set(complaints))[:3],
        "written": sum(len(one.written) for one in people),
        "refused": sum(len(one.refused) for one in people),
        "written_by_administrators": sum(len(one.written) for one in writers if one.administrator),
        "let_in_while_on": within(on, [times for one in people for times in one.written]),
        "refused_while_off": within(off, [times for one in writers for times in one.refused]),
        "unsettled": sum(not one["settled"] for one in switches),
        "enable_ms_median": round(median(waits) * 1000, 1),
        "enable_ms_max": round(max(waits) * 1000, 1),
        "attempts_per_second": round(attempts(writers) / seconds),
        "seconds": round(seconds, 1),
    }


def within(periods: Sequence[tuple[float, float]], requests: Sequence[tuple[float, float]]) -> int:
    """Count the requests that were asked for and answered within one of the periods."""
    ordered, count, number = sorted(requests), 0, 0
    for begun, ended in sorted(periods):
        while number < len(ordered) and ordered[number][0] < begun:
            number += 1
        while number < len(ordered) and ordered[number][0] < ended:
            count += ordered[number][1] <= ended
            number += 1
    return count


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(port: int) -> None:
    """Wait until a web process answers."""
    deadline = time.monotonic() + PROMPTLY
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PROMPTLY) as line:
                line.sendall(b"HEAD /page/ HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                if line.recv(5) == b"HTTP/":
                    return
        except OSError:
            time.sleep(random.uniform(0.02, 0.08))
    raise Failed("A web process did not answer.")
