"""What the server of the browser tests and of the screenshots holds, made by the server's writers.

Runs in a process that has the server's environment, as ``manage.py shell`` does, before it starts.
"""

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from maintenance import mode, windows
from maintenance.models import Activity, Refusal, Source
from maintenance.notices import subscriptions, webhooks
from maintenance.notices.models import Webhook
from maintenance.trail import Origin
from octoserver.deployments import deployments, projects, releases, triggers, variables
from octoserver.deployments.models import (
    Environment,
    Project,
    Release,
    Runbook,
    Trigger,
    Variable,
)
from tasks import queue
from tasks.models import ServerTask
from tests.browser import PASSWORD
from tests.deployments import rows

PEOPLE = {
    "ada": "System Administrator",
    "manuel": "System Manager",
    "dora": "Project Deployer",
    "vera": "Project Viewer",
    "nils": "",
}

BACKUP = """\
printf '\\033[1mBackup of orders\\033[0m\\n'
for table in customers orders invoices payments shipments; do
  printf '%-10s \\033[32mdone\\033[0m\\n' "$table"
done
printf '\\033[33mwarning:\\033[0m 2 rows of shipments had no order\\n' >&2
"""
IMPORT = """\
echo "Reading prices.csv"
for line in $(seq 40); do echo "line $line: ok"; done
echo "line 41: price is not a number: 'n/a'" >&2
exit 3
"""
REINDEX = """\
echo "Building the search index"
until [ -e '{go}' ]; do echo "still at it"; sleep 1; done
echo "The index has 48210 documents"
"""
SHOP_BUILD = """\
echo "Fetching shop-$(get_octopusvariable Octopus.Release.Number).tar.gz"
echo "Unpacked 312 files"
"""
SHOP_MIGRATE = """\
echo "Applying 0042_add_vouchers"
echo "The schema is current"
"""
FAILING = """\
echo "Waiting for http://billing.internal/health"
echo "503 Service Unavailable" >&2
exit 1
"""


def make() -> dict[str, Any]:
    """Do what `make run` does before it starts the processes, and fill what it made."""
    silent = {"verbosity": 0, "interactive": False}
    call_command("migrate", **silent)
    call_command("collectstatic", **silent)
    call_command("first_start", stdout=StringIO())
    return fill()


def fill() -> dict[str, Any]:
    """Make people, projects, releases, tasks and a window; return the numbers that tests need."""
    people = make_people()
    ada, dora = people["ada"], people["dora"]
    switch_once(ada)
    places = list(Environment.objects.order_by("position"))
    shop = make_shop(places, ada)
    billing = make_billing(places, ada)
    sample = Release.objects.get(project__slug="sample-website")
    deployments.deploy(sample, places[0], person=dora)
    first, second = (releases.create(shop, person=ada, version=v) for v in ("2.3.0", "2.4.0"))
    deployments.deploy(first, places[0], person=dora)
    deployments.deploy(releases.create(billing, person=ada, version="1.0.7"), places[0], person=ada)
    deployments.run_runbook(Runbook.objects.get(), places[0], person=dora)
    failed, running = make_tasks(dora, people["manuel"])
    # Waits for the one before it, whose place it takes.
    deployments.deploy(second, places[0], person=dora)
    make_webhook(ada)
    window = plan_window(ada)
    return {"failed": failed, "running": running, "window": window}


def make_people() -> dict[str, User]:
    made = {}
    for name, group in PEOPLE.items():
        made[name] = User.objects.create_user(
            name, f"{name}@example.com", PASSWORD, is_staff=name in ("ada", "manuel")
        )
        if group:
            made[name].groups.add(Group.objects.get(name=group))
    return made


def switch_once(person: User) -> None:
    """Leave a history of the mode, and a refusal in it."""
    origin: dict[str, Any] = {"person": person, "source": Source.PAGE, "address": "10.0.0.7"}
    mode.enable(reason="Kernel update of the database host", **origin)
    Refusal.objects.create(
        key="k", generation=1, method="POST", path="/tasks/new/", view="tasks:new",
        person_name="dora", count=1,
    )  # fmt: skip
    mode.disable(**origin)


def make_shop(places: list[Environment], person: User) -> Project:
    """Make a project with one of everything that a project can have."""
    shop = projects.save(
        Project(), person=person, name="Web shop", slug="web-shop",
        description="The shop that customers see, and its database.",
    )  # fmt: skip
    rows.step(shop, "Fetch the package", SHOP_BUILD)
    rows.step(shop, "Migrate the database", SHOP_MIGRATE)
    for name, value, fields in (
        ("Database.Host", "db.internal", {}),
        ("Database.Host", "db-production.internal", {"environments": places[-1:]}),
        ("Database.Password", "not-a-real-secret", {"is_sensitive": True}),
    ):
        variables.save(
            Variable(project=shop), person=person, name=name, value=value,
            **({"is_sensitive": False, "environments": []} | fields),
        )  # fmt: skip
    chore = projects.save_runbook(
        Runbook(project=shop), person=person, name="Clear the caches",
        description="After a change of prices.",
    )  # fmt: skip
    rows.step(shop, "Clear", "echo cleared 1204 entries", runbook=chore)
    triggers.save(
        Trigger(project=shop), person=person, name="Nightly", environment=places[0],
        cron="0 2 * * *", time_zone="Europe/Berlin",
    )  # fmt: skip
    return shop


def make_billing(places: list[Environment], person: User) -> Project:
    billing = projects.save(
        Project(), person=person, name="Billing API", slug="billing-api",
        description="Invoices and payments.",
    )  # fmt: skip
    rows.step(billing, "Publish", "echo published")
    rows.step(billing, "Health check", FAILING)
    return billing


def make_tasks(dora: User, manuel: User) -> tuple[int, int]:
    """Queue what succeeds, fails, runs on and waits; return the second and the third."""

    def script(text: str, person: User, **more: Any) -> int:
        arguments = {"script": text, "time_limit": 900, "shell": "sh"}
        return queue.enqueue("RunScript", arguments, person=person, **more).pk

    script(BACKUP, manuel)
    failed = script(IMPORT, dora)
    tomorrow = timezone.now() + timedelta(days=1)
    script("echo 'Month-end report'", dora, queue_time=tomorrow)
    return failed, script(REINDEX.format(go=Path(settings.VAR_DIR) / "go"), dora)


def make_webhook(person: User) -> None:
    """Make one with a delivery that fails: no name under .invalid leads anywhere."""
    by = person.get_username()
    hook = Webhook(name="Team chat", url="https://chat.invalid/hooks/octoserver")
    webhooks.save(hook, by=by)
    webhooks.test(hook, by=by)


def plan_window(person: User) -> int:
    starts = timezone.now() + timedelta(days=3)
    draft = windows.Draft(
        starts=starts, ends=starts + timedelta(hours=2), closes_itself=True,
        activity=Activity.OS_PATCHES, reason="Patches of the operating system",
    )  # fmt: skip
    return windows.plan(draft, origin=Origin(person=person, source=Source.PAGE)).pk


def addresses() -> dict[str, str]:
    """Return a path for every entry of the URL table, filled with ids of what there is."""
    from tests.octoserver import test_matrix

    objects: dict[str, int | str] = {}
    for model in apps.get_models():
        row = model._default_manager.first()
        if row is not None:
            objects[f"{model._meta.app_label}/{model._meta.model_name}"] = row.pk
    objects["token"] = subscriptions.renew_calendar(User.objects.get(username="nils"))
    shop = Project.objects.get(slug="web-shop")
    chore, release = shop.runbooks.get(), shop.releases.order_by("pk")[0]
    steps = shop.steps.filter(runbook=None)
    objects |= {
        "project": shop.slug,
        "version": release.version,
        "environment": Environment.objects.order_by("position")[0].pk,
        "step": steps[0].pk,
        "variable": shop.variables.all()[0].pk,
        "runbook": chore.pk,
        "trigger": shop.triggers.get().pk,
        "deployment": release.deployments.all()[0].pk,
        "runbook_run": chore.runs.all()[0].pk,
    }
    return {
        name: test_matrix.path_of(route, objects) for name, route in test_matrix.addresses().items()
    }


def unsettled() -> int:
    """Count what has still to come to its end, but for the task that waits for a file."""
    due = ServerTask.objects.people().filter(
        state__in=["Queued", "Executing"], queue_time__lte=timezone.now()
    )
    return due.exclude(description__contains="search index").count()


def main(what: str) -> None:
    """Print as JSON what one of these functions returned."""
    print(json.dumps({"make": make, "addresses": addresses, "unsettled": unsettled}[what]()))
