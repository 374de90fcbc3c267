"""What somebody else deletes while a form that names it is sent is missed with a clear message."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import Client

from octoserver.deployments import processes, projects, releases
from octoserver.deployments.errors import Refused
from octoserver.deployments.models import Environment, Project
from tests.conftest import ClientFor
from tests.deployments import rows
from tests.deployments.test_acts import STEP

MEANWHILE = "deleted meanwhile"
GONE = "404"
VALUE = {"name": "Title", "value": "hello"}
BEAT = {"name": "Weekly", "cron": "0 0 * * 1", "time_zone": "UTC"}


class World:
    """A row of everything that somebody may delete, and of what else a form may name."""

    def __init__(self) -> None:
        self.place, self.project = rows.environment(), rows.project()
        self.step = rows.step(self.project)
        self.variable = rows.variable(self.project, "Greeting", "hello")
        self.runbook = rows.runbook(self.project)
        rows.step(self.project, "Sweep", runbook=self.runbook)
        self.group = Group.objects.create(name="Team")
        # Not used for anything that would keep it from being deleted.
        self.chore = rows.runbook(self.project, "Chore")
        self.sweep = rows.step(self.project, "Sweep", runbook=self.chore)
        self.release = rows.release(self.project)
        self.ids = {name: getattr(row, "pk", None) for name, row in vars(self).items()}

    def filled(self, fields: dict[str, Any]) -> dict[str, str]:
        return {name: str(value).format(**self.ids) for name, value in fields.items()}


def delete(world: World, what: str) -> None:
    deleting: dict[str, Callable[[], Any]] = {
        "place": lambda: projects.delete_environment(world.place, person=None),
        "project": lambda: projects.delete(world.project, person=None),
        "step": lambda: processes.delete(world.step, person=None),
        "chore": lambda: projects.delete_runbook(world.chore, person=None),
        "group": lambda: world.group.delete(),
        "person": lambda: User.objects.get(username="root").delete(),
    }
    deleting[what]()


def census() -> dict[str, Any]:
    """Return all rows of deployments and of what joins them."""
    models = [
        model
        for model in Project._meta.apps.get_models(include_auto_created=True)
        if model._meta.app_label == "deployments"
    ]
    return {
        model._meta.label: sorted(map(str, model._default_manager.values_list()))
        for model in models
    }


FORMS = [
    ("place", "shop/variables/new/", VALUE | {"environments": "{place}"}, MEANWHILE),
    ("place", "shop/variables/{variable}/", VALUE | {"environments": "{place}"}, MEANWHILE),
    ("place", "shop/process/new/", STEP | {"name": "New", "environments": "{place}"}, MEANWHILE),
    ("place", "shop/process/{step}/", STEP | {"environments": "{place}"}, MEANWHILE),
    ("place", "shop/settings/", {"name": "S", "slug": "s", "environments": "{place}"}, MEANWHILE),
    ("place", "new/", {"name": "New", "slug": "n", "environments": "{place}"}, MEANWHILE),
    ("place", "shop/triggers/new/", BEAT | {"environment": "{place}"}, MEANWHILE),
    ("place", "shop/releases/1.0.0/deploy/", {"environment": "{place}"}, MEANWHILE),
    ("place", "shop/runbooks/{runbook}/run/", {"environment": "{place}"}, MEANWHILE),
    ("place", "environments/{place}/", {"name": "Other"}, GONE),
    ("place", "environments/{place}/", {"name": "Other", "groups": "{group}"}, GONE),
    ("place", "environments/{place}/move/", {"direction": "up"}, ""),
    ("place", "environments/{place}/delete/", {}, GONE),
    ("group", "environments/{place}/", {"name": "Other", "groups": "{group}"}, MEANWHILE),
    ("group", "environments/new/", {"name": "New", "groups": "{group}"}, MEANWHILE),
    ("step", "shop/variables/new/", VALUE | {"steps": "{step}"}, MEANWHILE),
    ("step", "shop/variables/{variable}/", VALUE | {"steps": "{step}"}, MEANWHILE),
    ("step", "shop/process/{step}/", STEP, GONE),
    ("step", "shop/process/{step}/move/", {"direction": "up"}, ""),
    ("step", "shop/process/{step}/delete/", {}, GONE),
    ("chore", "shop/variables/new/", VALUE | {"steps": "{sweep}"}, MEANWHILE),
    ("chore", "shop/process/new/?runbook={chore}", STEP | {"name": "New"}, MEANWHILE),
    ("chore", "shop/process/{sweep}/", STEP | {"name": "New"}, GONE),
    ("chore", "shop/triggers/new/", BEAT | {"environment": "{place}", "runbook": "{chore}"},
     MEANWHILE),
    ("chore", "shop/runbooks/{chore}/settings/", {"name": "Other"}, GONE),
    ("chore", "shop/runbooks/{chore}/delete/", {}, GONE),
    ("chore", "shop/runbooks/{chore}/run/", {"environment": "{place}"}, ""),
    ("project", "shop/settings/", {"name": "Other", "slug": "other"}, GONE),
    ("project", "shop/delete/", {}, GONE),
    ("project", "shop/process/new/", STEP | {"name": "New"}, GONE),
    ("project", "shop/process/{step}/", STEP, GONE),
    ("project", "shop/process/{step}/move/", {"direction": "up"}, GONE),
    ("project", "shop/variables/new/", VALUE, GONE),
    ("project", "shop/variables/{variable}/delete/", {}, GONE),
    ("project", "shop/runbooks/new/", {"name": "New"}, GONE),
    ("project", "shop/runbooks/{chore}/settings/", {"name": "Other"}, GONE),
    ("project", "shop/runbooks/{chore}/delete/", {}, GONE),
    ("project", "shop/runbooks/{runbook}/run/", {"environment": "{place}"}, GONE),
    ("project", "shop/triggers/new/", BEAT | {"environment": "{place}"}, GONE),
    ("project", "shop/releases/new/", {"version": "2.0.0"}, GONE),
    ("project", "shop/releases/1.0.0/deploy/", {"environment": "{place}"}, GONE),
    ("project", "shop/releases/1.0.0/update-variables/", {}, GONE),
    ("person", "shop/variables/new/", VALUE, MEANWHILE),
    ("person", "shop/releases/new/", {"version": "2.0.0"}, MEANWHILE),
    ("person", "shop/releases/1.0.0/deploy/", {"environment": "{place}"}, MEANWHILE),
    ("person", "environments/new/", {"name": "New"}, MEANWHILE),
]  # fmt: skip


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("what", "address", "fields", "answer"), FORMS, ids=[f"{one[0]}-{one[1]}" for one in FORMS]
)
def test_a_form_that_waits_for_a_deletion_changes_nothing_and_says_so(
    what: str,
    address: str,
    fields: dict[str, str],
    answer: str,
    client_for: ClientFor,
    superuser: User,
) -> None:
    world, client = World(), client_for(superuser)
    client.raise_request_exception = False
    url = f"/projects/{address.format(**world.ids)}"
    with transaction.atomic():
        delete(world, what)
        sending = Sending(client, url, world.filled(fields))
        sending.until_it_waits()
        left = census()
    response = sending.answer()
    assert census() == left
    text = response.content.decode()
    assert response.status_code != 500, text
    if answer == GONE:
        assert response.status_code == 404
        assert MEANWHILE in text or not fields or "direction" in fields
    elif answer == MEANWHILE:
        assert response.status_code == 200
        assert MEANWHILE in text


class Sending(threading.Thread):
    """A form on its way, on a connection of its own."""

    def __init__(self, client: Client, url: str, fields: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.client, self.url, self.fields = client, url, fields
        self.response: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.response = self.client.post(self.url, self.fields)
        finally:
            connection.close()

    def until_it_waits(self) -> None:
        """Return when another connection waits for what this one holds, or the answer is there."""
        while self.is_alive():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))",
                    [connection.connection.info.backend_pid],
                )
                if cursor.fetchone():
                    return
            self.join(0.01)

    def answer(self) -> Any:
        self.join(30)
        assert self.response is not None, "no answer"
        return self.response


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_is_given_what_is_gone_by_now_refuses_and_writes_nothing() -> None:
    world = World()
    place = Environment.objects.get(pk=world.place.pk)
    delete(world, "place")
    left = census()
    with pytest.raises(Refused, match=MEANWHILE):
        rows.variable(world.project, "Title", "hello", environments=[place])
    with pytest.raises(Refused, match=MEANWHILE):
        rows.step(world.project, "New", environments=[place])
    with pytest.raises(Environment.DoesNotExist):
        projects.save_environment(place, person=None, name="Development")
    assert census() == left


KEEPING = [
    ("environments/{place}/delete/", "environments", "place", "is in the scope of"),
    ("shop/process/{step}/delete/", "steps", "step", "is scoped to this step"),
    ("shop/runbooks/{chore}/delete/", "steps", "sweep", "is scoped to the step"),
]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("address", "scope", "row", "words"), KEEPING)
def test_a_deletion_that_waits_for_what_names_its_row_is_refused(
    address: str, scope: str, row: str, words: str, client_for: ClientFor, superuser: User
) -> None:
    world, client = World(), client_for(superuser)
    with transaction.atomic():
        rows.variable(world.project, **VALUE, **{scope: [getattr(world, row)]})
        sending = Sending(client, f"/projects/{address.format(**world.ids)}", {})
        sending.until_it_waits()
        left = census()
    assert sending.answer().status_code == 302
    assert census() == left
    assert words in client.get("/projects/").content.decode()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["group", "user"])
def test_a_group_or_an_account_is_deleted_with_what_has_just_named_it(
    what: str, client_for: ClientFor, superuser: User, administrator: User, deployer: User
) -> None:
    world, client = World(), client_for(superuser)
    client.raise_request_exception = False
    row = world.group if what == "group" else deployer
    with transaction.atomic():
        if what == "group":
            projects.save_environment(world.place, person=None, name="Live", groups=[world.group])
        else:
            releases.create(world.project, person=deployer, version="2.0.0")
        sending = Sending(client, f"/admin/auth/{what}/{row.pk}/delete/", {"post": "yes"})
        sending.until_it_waits()
    assert sending.answer().status_code == (200 if what == "group" else 302)
    assert type(row)._default_manager.filter(pk=row.pk).exists() is (what == "group")
    if what == "user":
        assert world.project.releases.get(version="2.0.0").person is None
