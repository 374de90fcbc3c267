"""Measure the gate: does it hold at the moment of the switch, and what does it cost?

Run it by ``make bench-gate [ARGS=--quick]``. The last line is one JSON object. The exit code is 1
if a change came through after *enable* had returned, an administrator was refused, or anybody got
an answer that is neither success nor 503. ``BENCH_DATABASE_URL`` names the PostgreSQL server beside
whose database one is made for the time of the run.
"""

import argparse
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.benchmarks import gate_cost, gate_report, leaks, stage
from tests.benchmarks.gate_report import OURS, PEER, Figures


@dataclass(frozen=True)
class Plan:
    """How much is measured; each kind of request is compared in so many rounds or seconds."""

    postgresql: leaks.Size
    sqlite: leaks.Size
    rounds: int
    seconds: float


FULL = Plan(
    postgresql=leaks.Size(switches=100, attempts=100_000, seconds=1500),
    # One writer at a time, who takes some 10 ms: there are far fewer attempts in the same time.
    sqlite=leaks.Size(switches=30, attempts=5_000, seconds=300),
    rounds=3000,
    seconds=120,
)
QUICK = Plan(
    postgresql=leaks.Size(switches=10, attempts=1_000, seconds=5, processes=2),
    sqlite=leaks.Size(switches=4, attempts=200, seconds=3, processes=2),
    rounds=300,
    seconds=3,
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measure the gate of the maintenance mode.")
    parser.add_argument("--quick", action="store_true", help="take less than 50 seconds")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    gates = [OURS, PEER] if has_peer() else [OURS]
    found: dict[str, Figures] = {}
    with server() as address:
        if address is not None:
            found["postgresql"] = measure(gates, address, plan.postgresql, plan)
    with stage.sqlite() as address:
        # In a hurry the cost is compared on one database: the one of production, if it is there.
        compared = None if found and plan is QUICK else plan
        found["sqlite"] = measure(gates, address, plan.sqlite, compared)
    summary = gate_report.sum_up(found)
    sys.stdout.write(gate_report.table(found) + json.dumps(summary) + "\n")
    return int(any(summary[name] for name in gate_report.FAULTS))


def has_peer() -> bool:
    if importlib.util.find_spec("maintenance_mode") is None:
        say("django-maintenance-mode is not installed (make bench-gate does it): left out.")
        return False
    return True


@contextmanager
def server() -> Iterator[str | None]:
    """Give the address of a database on the PostgreSQL server; None, and say so, without one."""
    url = os.environ.get("BENCH_DATABASE_URL") or stage.POSTGRESQL
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        say(f"PostgreSQL cannot be reached, so SQLite is measured alone: {error}")
        yield None
        return
    with stage.postgresql(url) as address:
        yield address


def measure(gates: Sequence[str], database: str, size: leaks.Size, plan: Plan | None) -> Figures:
    """Return the figures of each gate on one database; without a plan, none of the cost."""
    engine = database.partition("://")[0]
    figures: Figures = {}
    for gate in gates:
        say(f"{engine}: switching under load, {gate} ...")
        figures[gate] = leaks.run(gate, database, size=size)
    if plan is not None:
        say(f"{engine}: comparing the cost of a request ...")
        variants = ["none", *gates]
        costs = gate_cost.compare(variants, database, rounds=plan.rounds, seconds=plan.seconds)
        for gate, more in costs.items():
            figures[gate] = figures.get(gate, {}) | more
    return figures


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    # What stops this process must stop the others too, and drop the database.
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
