"""Send no-ops to one of the queues: ``feed QUEUE``, then a line for each phase.

``burst PHASE COUNT`` sends as fast as it goes; ``paced PHASE COUNT RATE`` sends at random times, so
many a second. Each is answered by a JSON object with the seconds that it took.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.benchmarks.queue_project import record

Send = Callable[[str], object]


@contextmanager
def octoserver() -> Iterator[Send]:
    import django

    django.setup()
    from tasks import queue

    yield lambda mark: queue.enqueue("Noop", {"mark": mark})


@contextmanager
def celery() -> Iterator[Send]:
    from tests.benchmarks.queue_project.bare import noop

    yield noop.delay


@contextmanager
def procrastinate() -> Iterator[Send]:
    from tests.benchmarks.queue_project import peer

    with peer.app.replace_connector(peer.sender) as app, app.open():
        yield lambda mark: app.tasks["noop"].defer(mark=mark)


QUEUES = {"octoserver": octoserver, "celery": celery, "procrastinate": procrastinate}


def burst(send: Send, phase: str, count: str) -> None:
    for _ in range(int(count)):
        send(record.mark(phase))


def paced(send: Send, phase: str, count: str, rate: str) -> None:
    chance = random.Random(1)
    due = time.monotonic()
    for _ in range(int(count)):
        due += chance.expovariate(float(rate))
        time.sleep(max(due - time.monotonic(), 0))
        send(record.mark(phase))


def main(name: str) -> None:
    with QUEUES[name]() as send:
        for line in sys.stdin:
            word, *arguments = line.split()
            began = time.monotonic()
            {"burst": burst, "paced": paced}[word](send, *arguments)
            sys.stdout.write(json.dumps({"seconds": time.monotonic() - began}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
