"""Measure pages and the claim with few tasks and with many: ``make bench-pages [ARGS=--quick]``.

A thousand and a million tasks with ten log lines each lie side by side on each engine, each with a
process of its own; every page is asked of both by turns. Then the system's Chromium, if there is
one, says of a small server how long it takes to see a page. The last line is one JSON object.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.benchmarks import page_loads
from tests.benchmarks.page_calls import Asker
from tests.benchmarks.stage import POSTGRESQL, postgresql
from tests.services import missing

SMALL, LARGE, QUICK = 1_000, 1_000_000, 100_000


@contextmanager
def engine(name: str, url: str) -> Iterator[str]:
    """Give the address of an empty database; nothing for the server's own SQLite file."""
    if name == "sqlite":
        yield ""
        return
    with postgresql(url) as address:
        yield address


def measure(name: str, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return, for each page, its milliseconds in both sizes and their ratio."""
    large = QUICK if arguments.quick else LARGE
    with ExitStack() as stack:
        askers = []
        for tasks in (SMALL, large):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="octoserver-bench-"))
            url = stack.enter_context(engine(name, arguments.postgresql))
            asker = stack.enter_context(Asker(tasks, folder=folder, database=url))
            print(f"{name}: filled {tasks:,} tasks in {asker.seconds:.0f} s", file=sys.stderr)
            askers.append(asker)
        return compare(*askers, rounds=arguments.rounds or (5 if arguments.quick else 10))


def compare(small: Asker, large: Asker, *, rounds: int) -> dict[str, dict[str, float]]:
    found = {}
    for page in small.pages:
        few, many = [], []
        for _ in range(rounds):
            few.append(small.ask(page))
            many.append(large.ask(page))
        # The quickest of several: what a page costs, without what else the machine does.
        times = [min(one["ms"] for one in side) for side in (few, many)]
        found[page] = {
            "small_ms": round(times[0], 2),
            "large_ms": round(times[1], 2),
            "ratio": round(times[1] / times[0], 3),
            "small_queries": few[-1]["queries"],
            "large_queries": many[-1]["queries"],
            "large_kb": round(many[-1]["bytes"] / 1024, 1),
        }
    return found


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-pages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"with {QUICK:,} tasks at most")
    parser.add_argument("--rounds", type=int, default=0, help="how often each page is asked for")
    parser.add_argument("--engine", choices=["postgresql", "sqlite"], action="append")
    parser.add_argument("--postgresql", default=POSTGRESQL, metavar="URL")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse()
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for name in arguments.engine or ["postgresql", "sqlite"]:
        result[name] = measure(name, arguments)
        print(f"{name:<28}{'small ms':>10}{'large ms':>10}{'ratio':>8}{'queries':>10}{'KB':>8}")
        for page, one in result[name].items():
            queries = f"{one['small_queries']:.0f}/{one['large_queries']:.0f}"
            print(
                f"  {page:<26}{one['small_ms']:>10.2f}{one['large_ms']:>10.2f}"
                f"{one['ratio']:>8.3f}{queries:>10}{one['large_kb']:>8.1f}",
                flush=True,
            )
        result[name]["worst"] = {"ratio": max(one["ratio"] for one in result[name].values())}
    if not missing("browser"):
        result["browser"] = page_loads.measure()
        page_loads.show(result["browser"])
    print(json.dumps(result))


if __name__ == "__main__":
    main()
