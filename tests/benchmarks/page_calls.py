"""A process that has a filled database and times the pages of the server on it.

As a program, ``page_calls TASKS`` fills the database of its environment and then answers each line,
the name of a page, with its milliseconds and its number of queries.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.benchmarks.stage import ROOT, Failed

# As often is a page asked for one answer, which is the quickest: others run on the machine, too.
TIMES = 5


class Asker:
    """The process, and its answers."""

    def __init__(self, tasks: int, *, folder: str, database: str) -> None:
        env = os.environ | {
            "DJANGO_SETTINGS_MODULE": "octoserver.settings",
            "VAR_DIR": folder,
            "SECRET_KEY": "only-for-benchmarks",
            "VARIABLES_KEY": "",
            "PRODUCTION": "",
            "DATABASE_URL": database,
            "REDIS_URL": "",
            "ALLOWED_HOSTS": "",
        }
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.page_calls", str(tasks)],
            env=env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pages: list[str] = self._read()
        self.seconds = time.monotonic() - began

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *args: object) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, page: str) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{page}\n")
        self._process.stdin.flush()
        answer: dict[str, float] = self._read()
        return answer

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("The process with the database ended.")
        return json.loads(line)


def main(tasks: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    calls = pages(tasks)
    sys.stdout.write(json.dumps(list(calls)) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(timed(calls[line.strip()])) + "\n")
        sys.stdout.flush()


def pages(tasks: int) -> dict[str, Callable[[], int]]:
    """Fill the database and return what can be asked, by name."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    from tasks import lifecycle, node, queue, wake
    from tasks.models import ServerTask, State
    from tasks.scheduler import Scheduler
    from tests.benchmarks import fill, fill_deployments

    person = User.objects.create_superuser("someone")
    row = node.register("bench").row
    long = fill.fill(tasks, person=person.pk, node=row.pk)
    lowest = ServerTask.objects.filter(node=row).order_by("pk")[0].pk
    filled = fill_deployments.fill(tasks, first_task=lowest)
    wake._waker.request = lambda: None  # type: ignore[method-assign]
    queue.enqueue("Health")
    scheduler = Scheduler()
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(person)
    listing, detail = reverse("tasks:list"), ServerTask(pk=long).get_absolute_url()

    def get(url: str) -> int:
        answer = client.get(url)
        if answer.status_code != 200:
            raise Failed(f"{url} answered {answer.status_code}.")
        return len(answer.content)

    def claim() -> int:
        task = lifecycle.claim_next(row)
        if task is None:
            raise Failed("Nothing was ready.")
        lifecycle.finish(task, state=State.SUCCESS)
        queue.enqueue("Health")
        return 0

    def tick() -> int:
        scheduler.tick()
        return 0

    addresses = {
        "tasks": listing,
        "tasks, deep": f"{listing}?before={tasks // 20 * 10}",
        "tasks, failed": f"{listing}?state=Failed",
        "tasks, of a kind": f"{listing}?kind=RunScript",
        "tasks, of a person": f"{listing}?person=someone",
        "tasks, of people": f"{listing}?system=no",
        "tasks, on a node": f"{listing}?node=bench",
        "task and its log's end": detail,
        "task and its log's start": f"{detail}?line=1",
        **of_deployments(filled),
        "home": reverse("home"),
        "maintenance": reverse("maintenance:page"),
    }
    return {
        **{name: partial(get, url) for name, url in addresses.items()},
        "enqueue, claim, finish": claim,
        "a turn of the scheduler": tick,
    }


def of_deployments(filled: Any) -> dict[str, str]:
    """Return the addresses of the pages of projects, by name."""
    from django.urls import reverse

    slug = filled.project.slug
    listing = reverse("deployments:deployments", args=[slug])
    return {
        "projects": reverse("deployments:dashboard"),
        "project": reverse("deployments:project", args=[slug]),
        "project that sleeps": reverse("deployments:project", args=["asleep"]),
        "deployments": listing,
        "deployments, deep": f"{listing}?before={filled.deployment}",
        "deployments, in a place": f"{listing}?environment={filled.place.pk}",
        "deployments, asleep": reverse("deployments:deployments", args=["asleep"]),
        "deployment": reverse("deployments:deployment", args=[filled.deployment]),
        "releases": reverse("deployments:releases", args=[slug]),
        "release": reverse("deployments:release", args=[slug, filled.version]),
        "deploy": reverse("deployments:deploy", args=[slug, filled.version]),
        "new release": reverse("deployments:new_release", args=[slug]),
        "history of a project": reverse("deployments:history", args=[slug]),
        "history of environments": reverse("deployments:environments_history"),
        "triggers": reverse("deployments:triggers", args=[slug]),
        "runbook": reverse("deployments:runbook", args=[slug, filled.runbook]),
        "run of a runbook": reverse("deployments:runbook_run", args=[filled.run]),
    }


def timed(call: Callable[[], int]) -> dict[str, float]:
    """Return what a call costs, after one that is not counted, and the bytes of its page."""
    from django.db import connection

    queries = 0

    def count(execute: Any, *statement: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*statement)

    with connection.execute_wrapper(count):
        size = call()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return {"ms": min(times) * 1000, "queries": queries, "bytes": size}


if __name__ == "__main__":
    main(int(sys.argv[1]))
