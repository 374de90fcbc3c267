"""Measure the queue beside bare Celery and procrastinate: ``make bench-queue [ARGS=--quick]``.

Each shape has a database and a broker of its own, each round every queue once, one after another on
the same machine. The server's tasks are durable rows with logs; Celery's are bare messages. The
last line printed is one JSON object.
"""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from urllib.parse import urlsplit

import redis

from tests.benchmarks import contest
from tests.benchmarks.stage import POSTGRESQL, Failed, postgresql

FULL = contest.Size(drain=2000, idle=100, load=500)
QUICK = contest.Size(drain=500, idle=25, load=100)
PEERS = {"embedded": ["celery"], "services": ["celery", "procrastinate"]}
COLUMNS = {
    "tasks_per_s": "drain /s",
    "burst_per_s": "burst /s",
    "enqueued_per_s": "enqueue /s",
    "start_p50_ms": "idle p50 ms",
    "start_p95_ms": "p95",
    "loaded_p50_ms": "load p50 ms",
    "loaded_p95_ms": "p95",
}


@contextmanager
def shape(name: str, arguments: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Give the environment of an instance on a database and a broker of its own."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="octoserver-bench-"))
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": f"{contest.PROJECT}.settings",
            "VAR_DIR": folder,
            "SECRET_KEY": "only-for-benchmarks",
            "PRODUCTION": "",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "LOG_LEVEL": "WARNING",
            "NODE_NAME": "bench",
            "TASK_CAP": str(arguments.cap),
            "TASK_SYSTEM_INTERVALS": "",
        }
        if name == "services":
            env["DATABASE_URL"] = stack.enter_context(postgresql(arguments.postgresql))
            env["REDIS_URL"] = stack.enter_context(empty_redis(arguments.redis))
        yield env


@contextmanager
def empty_redis(url: str) -> Iterator[str]:
    """Give the address of a database of Redis that nobody uses, and empty it afterwards."""
    for number in range(15, 0, -1):
        address = urlsplit(url)._replace(path=f"/{number}").geturl()
        with redis.Redis.from_url(address) as connection:
            if connection.dbsize() == 0:
                try:
                    yield address
                finally:
                    connection.flushdb()
                return
    raise Failed("Every numbered database of Redis holds something.")


def run(name: str, arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what each queue reached in a shape: medians over the rounds."""
    size = QUICK if arguments.quick else FULL
    workers = contest.contestants(cap=arguments.cap, prefork=arguments.prefork)
    queues = ["octoserver", *(peer for peer in PEERS[name] if is_here(peer))]
    rounds: dict[str, list[dict[str, float]]] = {queue: [] for queue in queues}
    with shape(name, arguments) as env:
        for queue in queues:
            contest.prepare(queue, env)
        for _ in range(arguments.rounds or (1 if arguments.quick else 3)):
            for queue in queues:
                rounds[queue].append(contest.play(queue, workers[queue], env, size))
                show(name, queue, rounds[queue][-1])
    return {queue: medians(found) for queue, found in rounds.items()}


def is_here(peer: str) -> bool:
    found = importlib.util.find_spec(peer) is not None
    if not found:
        print(f"{peer} is not installed: left out", file=sys.stderr)
    return found


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


def show(name: str, queue: str, found: Mapping[str, float], *, note: str = "") -> None:
    values = "".join(f"{found[column]:>12,.1f}" for column in COLUMNS)
    print(f"{name:<9} {queue:<14}{values}  {note}", flush=True)


def summary(found: Mapping[str, Mapping[str, float]]) -> dict[str, float | None]:
    """Return the figures of a shape for its JSON object."""
    ours = found["octoserver"]
    rates = {queue: one["tasks_per_s"] for queue, one in found.items()}
    return {
        **{column: round(ours[column], 2) for column in COLUMNS},
        "celery_tasks_per_s": round(rates["celery"], 1),
        "procrastinate_tasks_per_s": (
            round(rates["procrastinate"], 1) if "procrastinate" in rates else None
        ),
        "ratio_to_celery": round(rates["octoserver"] / rates["celery"], 3),
        "burst_ratio_to_celery": round(ours["burst_per_s"] / found["celery"]["burst_per_s"], 3),
        "celery_start_p50_ms": round(found["celery"]["start_p50_ms"], 2),
        "celery_start_p95_ms": round(found["celery"]["start_p95_ms"], 2),
    }


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-queue", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each, in a minute")
    parser.add_argument("--rounds", type=int, default=0, help="how often each queue has its turn")
    parser.add_argument("--shape", choices=PEERS, action="append", help="only this one")
    parser.add_argument("--cap", type=int, default=5, help="tasks at once here; the default cap")
    parser.add_argument("--prefork", type=int, default=os.cpu_count() or 2, help="of Celery's pool")
    parser.add_argument("--postgresql", default=POSTGRESQL, metavar="URL")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379", metavar="URL")
    return parser.parse_args(arguments)


def main() -> None:
    arguments = parse()
    head = "".join(f"{label:>12}" for label in COLUMNS.values())
    print(f"{'shape':<9} {'queue':<14}{head}", flush=True)
    found = {name: run(name, arguments) for name in arguments.shape or PEERS}
    for name, queues in found.items():
        for queue, one in queues.items():
            show(name, queue, one, note="median")
    print(json.dumps({name: summary(queues) for name, queues in found.items()}))


if __name__ == "__main__":
    main()
