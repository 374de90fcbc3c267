"""Of two people who edit one thing at once, the second is told before the first one's is lost."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from maintenance import mode
from octoserver.deployments.models import Environment, Project, Variable
from tests.conftest import ClientFor
from tests.deployments import rows
from tests.deployments.test_acts import STEP

pytestmark = pytest.mark.django_db

WARNING = "Somebody changed this since you opened it."
BEAT = {"name": "Nightly", "cron": "0 3 * * *", "time_zone": "UTC"}
EDITS = [
    ("process/{step}/", STEP, {"script": "echo mine"}, {"script": "echo theirs"}),
    ("process/{step}/", STEP, {"retries": "1"}, {"environments": "{place}"}),
    ("variables/{variable}/", {"name": "Title"}, {"value": "mine"}, {"value": "theirs"}),
    ("variables/{secret}/", {"name": "Key", "is_sensitive": "on"}, {"secret": "mine-1"},
     {"secret": "theirs-1"}),
    ("triggers/{trigger}/", BEAT | {"environment": "{place}"}, {"cron": "1 3 * * *"},
     {"cron": "2 3 * * *"}),
    ("settings/", {"name": "Shop", "slug": "shop"}, {"description": "mine"},
     {"description": "theirs"}),
    ("runbooks/{runbook}/settings/", {"name": "Chore"}, {"description": "mine"},
     {"description": "theirs"}),
    ("/projects/environments/{place}/", {}, {"name": "Mine"}, {"name": "Theirs"}),
]  # fmt: skip


@pytest.fixture
def ids(shop: Project, places: list[Environment]) -> dict[str, Any]:
    return {
        "place": places[0].pk,
        "step": rows.step(shop).pk,
        "variable": rows.variable(shop, "Title", "old").pk,
        "secret": rows.variable(shop, "Key", "old-secret", is_sensitive=True).pk,
        "trigger": rows.trigger(shop, places[0]).pk,
        "runbook": rows.runbook(shop).pk,
    }


def seen_in(page: str) -> str:
    found = re.search(r'name="_seen" value="(\w+)"', page)
    assert found
    return found[1]


def opened(client: Client, url: str) -> str:
    return seen_in(client.get(url).content.decode())


@pytest.mark.parametrize(("address", "fields", "mine", "theirs"), EDITS)
def test_whoever_is_second_is_told_and_may_replace_it(
    address: str,
    fields: dict[str, str],
    mine: dict[str, str],
    theirs: dict[str, str],
    ids: dict[str, Any],
    client_for: ClientFor,
    superuser: User,
    system_manager: User,
) -> None:
    def form(*parts: dict[str, str]) -> dict[str, str]:
        return {name: value.format(**ids) for part in parts for name, value in part.items()}

    base = "" if address.startswith("/") else "/projects/shop/"
    url = base + address.format(**ids)
    me, other = client_for(system_manager), client_for(superuser)
    first, second = opened(me, url), opened(other, url)
    sent = other.post(url, form(fields, theirs) | {"_seen": second})
    assert sent.status_code == 302
    refused = me.post(url, form(fields, mine) | {"_seen": first})
    assert refused.status_code == 200
    page = refused.content.decode()
    assert WARNING in page
    for name, value in mine.items():
        assert (value in page) is (name != "secret")
    assert me.post(url, form(fields, mine) | {"_seen": seen_in(page)}).status_code == 302


def test_a_mistake_does_not_hide_that_somebody_else_was_first(
    ids: dict[str, Any], client_for: ClientFor, superuser: User
) -> None:
    client, url = client_for(superuser), f"/projects/shop/process/{ids['step']}/"
    first = opened(client, url)
    client.post(url, STEP | {"script": "echo theirs"})
    wrong = client.post(url, STEP | {"script": "", "_seen": first}).content.decode()
    assert WARNING not in wrong
    right = client.post(url, STEP | {"script": "echo mine", "_seen": seen_in(wrong)})
    assert WARNING in right.content.decode()


def test_who_changes_the_same_thing_twice_is_not_told(
    ids: dict[str, Any], client_for: ClientFor, superuser: User
) -> None:
    client, url = client_for(superuser), f"/projects/shop/variables/{ids['variable']}/"
    for value in ("one", "two"):
        form = {"name": "Title", "value": value, "_seen": opened(client, url)}
        assert client.post(url, form).status_code == 302
    assert Variable.objects.get(name="Title").value == "two"


def test_what_a_refusal_keeps_knows_what_it_was_filled_with(
    ids: dict[str, Any], client_for: ClientFor, superuser: User, system_manager: User
) -> None:
    client, url = client_for(system_manager), f"/projects/shop/process/{ids['step']}/"
    first = opened(client, url)
    mode.enable(person=superuser, reason="Test")
    refused = client.post(url, STEP | {"script": "echo mine", "_seen": first})
    assert refused.status_code == 503
    assert f'name="_seen" value="{first}"' in refused.content.decode()
