"""Compare what a request costs with the mode off: ``calls ROUNDS SECONDS VARIANT...``.

All the applications live in this one process and take turns request by request, in an order drawn
anew each time: two processes of the same program differ by one or two percent for as long as they
live, which is what there is to measure. Each kind of request gets so many rounds, or as many as fit
into so many seconds. Prints one JSON object by variant.
"""

import io
import json
import random
import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.benchmarks.gate_project import parent, prepare

PATHS = {"safe": ("GET", "/page/"), "unsafe": ("POST", "/change/")}
TOKEN = "a" * 32
WARM_UP = 20


class Visitor:
    """Somebody signed in, and the application behind one gate."""

    def __init__(self, variant: str, user: Any) -> None:
        backend = settings.BACKENDS.get(variant, settings.STOCK)
        self.session = prepare.sign_in(user, backend=backend)
        bare = settings.MIDDLEWARE
        settings.MIDDLEWARE = [*bare, *settings.GATES[variant]]
        self.application = WSGIHandler()  # reads the middleware now, and never again
        settings.MIDDLEWARE = bare

    def environ(self, kind: str) -> dict[str, Any]:
        method, path = PATHS[kind]
        body = f"csrfmiddlewaretoken={TOKEN}".encode() if method == "POST" else b""
        return {
            "REQUEST_METHOD": method, "PATH_INFO": path, "SCRIPT_NAME": "", "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1", "HTTP_ACCEPT": "text/html",
            "HTTP_COOKIE": f"sessionid={self.session}; csrftoken={TOKEN}",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr,
        }  # fmt: skip

    def call(self, kind: str) -> float:
        """Send a request, take the whole answer and return the seconds that took."""
        status: list[str] = []
        variables = self.environ(kind)
        started = time.perf_counter()
        response = self.application(variables, lambda line, headers: status.append(line))
        b"".join(response)
        response.close()
        seconds = time.perf_counter() - started
        if not status[0].startswith("200"):
            raise SystemExit(f"{variables['PATH_INFO']} answered {status[0]}")
        return seconds

    def statements(self, kind: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.call(kind)
        return len(queries)


def main(rounds: int, seconds: float, variants: Sequence[str]) -> None:
    parent.die_with_it()
    django.setup()
    user = prepare.person(0, is_staff=False)
    visitors = {variant: Visitor(variant, user) for variant in variants}
    facts: dict[str, dict[str, float]] = {variant: {} for variant in variants}
    for kind in PATHS:
        take_turns(visitors, kind, rounds=WARM_UP, seconds=seconds)
        times = take_turns(visitors, kind, rounds=rounds, seconds=seconds)
        for variant, own in times.items():
            pairs = zip(times[variants[0]], own, strict=True)
            facts[variant] |= {
                f"{kind}_ratio": round(median(bare / gated for bare, gated in pairs), 4),
                f"{kind}_ms": round(median(own) * 1000, 3),
                f"{kind}_statements": visitors[variant].statements(kind),
                "rounds": len(own),
            }
    sys.stdout.write(json.dumps(facts) + "\n")


def take_turns(
    visitors: dict[str, Visitor], kind: str, *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Return the seconds that each request took, by variant."""
    times: dict[str, list[float]] = {variant: [] for variant in visitors}
    order, chance = list(visitors), random.Random(rounds)
    deadline = time.monotonic() + seconds
    for _ in range(rounds):
        chance.shuffle(order)
        for variant in order:
            times[variant].append(visitors[variant].call(kind))
        if time.monotonic() > deadline:
            break
    return times


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
