"""Every query of the projects' pages runs on an index, and as many are asked however much is there.

The plans are those of tables that are large as far as the planner can know.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from octoserver.deployments import deployments, projects
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Deployment
from tasks.models import ServerNode, ServerTask
from tests.benchmarks import fill, fill_deployments
from tests.benchmarks.fill_deployments import Filled
from tests.conftest import ClientFor
from tests.tasks.conftest import node as node
from tests.tasks.test_plans import for_sqlite

pytestmark = pytest.mark.django_db

MANY = 20_000
# As many rows may be read in vain.
FEW = 1_000
LARGE = (
    "deployments_deployment",
    "deployments_runbookrun",
    "deployments_release",
    "deployments_change",
    "tasks_servertask",
)


class Watch:
    """Asks for the plan of every question that reaches the database."""

    def __init__(self) -> None:
        self.scans: list[str] = []
        self.seen = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("SELECT", "WITH")) and any(name in sql for name in LARGE):
            self.seen += 1
            plan = self._plan(sql, params)
            if whole(sql, plan):
                self.scans.append(f"{sql}\n{plan}")
        return execute(sql, params, many, context)

    def _plan(self, sql: str, params: Any) -> str:
        cursor = connection.connection.cursor()
        if connection.vendor == "sqlite":
            words, values = for_sqlite(sql, params)
            cursor.execute(f"EXPLAIN QUERY PLAN {words}", values)
        else:
            cursor.execute(f"EXPLAIN ANALYZE {sql}", params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def whole(sql: str, plan: str) -> bool:
    """Tell whether a plan reads all of a large table, or all of an index of it."""
    if connection.vendor != "sqlite":
        # Of releases there are so few here that to read all of them for sixty is right.
        large = [name for name in LARGE if name != "deployments_release"]
        # An index may be gone through from one end to the other, too.
        removed = re.findall(r"Rows Removed by Filter: (\d+)", plan)
        return bool(re.search(rf"Seq Scan on ({'|'.join(large)})\b", plan)) or any(
            int(count) > FEW for count in removed
        )
    named = re.findall(rf'"({"|".join(LARGE)})"(?: (?!ON\b)(U?\w+))?', sql)
    names = {name for pair in named for name in pair if name}
    return "AUTOMATIC" in plan or any(name in names for name in re.findall(r"SCAN (\w+)", plan))


@contextmanager
def no_scans() -> Iterator[None]:
    watch = Watch()
    with connection.execute_wrapper(watch):
        yield
    assert watch.seen, "no query of a large table was seen"
    assert not watch.scans, "\n\n".join(watch.scans)


def filled(tasks: int, node: ServerNode, person: User) -> Filled:
    fill.fill(tasks, person=person.pk, node=node.pk)
    lowest = ServerTask.objects.order_by("pk")[0].pk
    return fill_deployments.fill(tasks, first_task=lowest)


def pages(found: Filled) -> dict[str, str]:
    slug, version = found.project.slug, found.version
    listing = reverse("deployments:deployments", args=[slug])
    return {
        "dashboard": reverse("deployments:dashboard"),
        "project": reverse("deployments:project", args=[slug]),
        "asleep": reverse("deployments:project", args=["asleep"]),
        "deployments": listing,
        "deep": f"{listing}?before={found.deployment}",
        "in a place": f"{listing}?environment={found.place.pk}",
        "deployment": reverse("deployments:deployment", args=[found.deployment]),
        "releases": reverse("deployments:releases", args=[slug]),
        "release": reverse("deployments:release", args=[slug, version]),
        "deploy": reverse("deployments:deploy", args=[slug, version]),
        "new release": reverse("deployments:new_release", args=[slug]),
        "history": reverse("deployments:history", args=[slug]),
        "environments_history": reverse("deployments:environments_history"),
        "triggers": reverse("deployments:triggers", args=[slug]),
        "runbook": reverse("deployments:runbook", args=[slug, found.runbook]),
        "run": reverse("deployments:runbook_run", args=[found.run]),
    }


def test_the_pages_of_projects_are_read_by_an_index(
    node: ServerNode, superuser: User, client_for: ClientFor
) -> None:
    found = filled(MANY, node, superuser)
    client = client_for(superuser)
    for name, url in pages(found).items():
        with no_scans():
            assert client.get(url).status_code == 200, name


def test_deploying_goes_by_an_index(node: ServerNode, superuser: User) -> None:
    found = filled(MANY, node, superuser)
    release = found.project.releases.get(version=found.version)
    with no_scans():
        made = deployments.deploy(release, found.place, person=None)
    newest = Deployment.objects.newest_in_each([found.project], [found.place]).get()
    assert newest == made


def test_an_environment_with_a_past_is_kept_without_reading_all_of_it(
    node: ServerNode, superuser: User
) -> None:
    found = filled(MANY, node, superuser)
    with (
        CaptureQueriesContext(connection) as queries,
        pytest.raises(Refused, match="whose record would be lost"),
    ):
        projects.delete_environment(found.place, person=None)
    asked = [each["sql"] for each in queries if 'FROM "deployments_deployment"' in each["sql"]]
    assert asked
    assert all("LIMIT 1" in sql for sql in asked)


def questions(client: Client, found: Filled) -> dict[str, int]:
    counted = {}
    for name, url in pages(found).items():
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counted[name] = len(queries)
    return counted


def test_as_many_questions_are_asked_of_many_deployments_as_of_few(
    node: ServerNode, superuser: User, client_for: ClientFor
) -> None:
    client = client_for(superuser)
    few = questions(client, filled(400, node, superuser))
    Deployment.objects.all().delete()
    for model in ("Release", "Change", "Step", "Project", "Environment"):
        Deployment._meta.apps.get_model("deployments", model).objects.all().delete()
    ServerTask.objects.all().delete()
    many = questions(client, filled(8_000, node, superuser))
    assert many == few


def test_a_scan_is_noticed(node: ServerNode, superuser: User) -> None:
    filled(MANY, node, superuser)
    watch = Watch()
    with connection.execute_wrapper(watch):
        list(Deployment.objects.filter(person_name="nobody at all"))
    assert len(watch.scans) == 1
