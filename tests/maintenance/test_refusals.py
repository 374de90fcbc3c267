"""G8: each refusal is counted and listed, at a cost that a flood does not raise."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from maintenance import mode, refusals
from maintenance.models import Refusal
from tests.conftest import ClientFor


def test_g8_a_refusal_is_on_record_without_what_was_in_it(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client_for(deployer).post("/zoo/write/?q=1", {"name": "typed"})
    row = Refusal.objects.get()
    assert (row.person, row.person_name, row.count) == (deployer, "dora", 1)
    assert (row.method, row.path) == ("POST", "/zoo/write/")
    assert row.generation == mode.current().generation
    assert "typed" not in str(row.__dict__)


def test_g8_the_same_again_is_counted_and_not_listed_twice(
    deployer: User, viewer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    for person, times in ((deployer, 5), (viewer, 2)):
        client = client_for(person)
        for _ in range(times):
            client.post("/zoo/write/")
    counts = Refusal.objects.values_list("person_name").annotate(Sum("count")).order_by()
    assert dict(counts) == {"dora": 5, "vera": 2}
    assert Refusal.objects.count() <= 4  # one a person, or two where the hour changes on the way


def test_g8_a_flood_costs_one_statement_a_moment_and_is_counted_whole(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch, settings: object
) -> None:
    settings.MAINTENANCE_REFUSAL_INTERVAL = 3600  # type: ignore[attr-defined]
    client = client_for(deployer)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(50):
            client.post("/zoo/write/")
    writes = [query for query in queries if "maintenance_refusal" in query["sql"]]
    # The first is looked for, counted and inserted; again where the hour changes on the way.
    assert len(writes) <= 8
    refusals.flush()
    assert sum(row.count for row in Refusal.objects.all()) == 50


def test_g8_a_flood_of_different_addresses_does_not_fill_the_table(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer)
    for number in range(refusals.PATHS_LISTED + 20):
        client.post(f"/tasks/ServerTasks-{number}/cancel/")
    others = Refusal.objects.filter(path=refusals.ANY_PATH)
    assert Refusal.objects.exclude(path=refusals.ANY_PATH).count() == refusals.PATHS_LISTED
    assert 1 <= others.count() <= 2  # two where the hour changes on the way
    assert sum(row.count for row in others) == 20


def test_g8_a_flood_of_invented_methods_does_not_fill_the_table(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer)
    for number in range(30):
        client.generic(f"M{number}", "/zoo/write/")
    client.delete("/zoo/write/")
    kinds = set(Refusal.objects.values_list("method", flat=True))
    assert kinds == {refusals.ANY_METHOD, "DELETE"}
    assert sum(row.count for row in Refusal.objects.all()) == 31


def test_g8_refusals_are_pruned_by_age(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch, settings: object
) -> None:
    client_for(deployer).post("/zoo/write/")
    Refusal.objects.update(last_time=timezone.now() - timedelta(days=91))
    client_for(deployer).post("/zoo/exempt/")
    assert refusals.prune() == 1
    assert not Refusal.objects.exists()


@pytest.mark.django_db
def test_a_refusal_that_cannot_be_counted_is_still_answered(
    deployer: User,
    client_for: ClientFor,
    maintenance_on: mode.Switch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with CaptureQueriesContext(connection), connection.execute_wrapper(_no_refusals):
        assert client_for(deployer).post("/zoo/write/").status_code == 503
    assert "could not be counted" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_switch_does_not_fail_for_its_tidying(caplog: pytest.LogCaptureFixture) -> None:
    with connection.execute_wrapper(_no_refusals):
        assert mode.enable().changed
    assert mode.current().is_enabled
    assert "could not be deleted" in caplog.text


def _no_refusals(execute: object, sql: str, params: object, many: bool, context: object) -> object:
    from django.db import DatabaseError

    if "maintenance_refusal" in sql:
        raise DatabaseError("disk full")
    return execute(sql, params, many, context)  # type: ignore[operator]
