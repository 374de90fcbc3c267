"""G1: one decision, for every method, person, view and state of the mode."""

import itertools

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction

from maintenance import gate, mode
from tests.conftest import ClientFor
from tests.maintenance import zoo

METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE"]
SAFE = ["GET", "HEAD", "OPTIONS", "TRACE"]

TRUTH = [
    (on, person, method, exempt)
    for on, person, method, exempt in itertools.product(
        [False, True],
        ["administrator", "superuser", "system_manager", "deployer", "viewer", "nobody", None],
        METHODS,
        [False, True],
    )
]


@pytest.mark.django_db
@pytest.mark.parametrize(("on", "person", "method", "exempt"), TRUTH)
def test_g1_a_request_is_refused_if_and_only_if_the_four_conditions_hold(
    on: bool,
    person: str | None,
    method: str,
    exempt: bool,
    request: pytest.FixtureRequest,
    client_for: ClientFor,
) -> None:
    user = request.getfixturevalue(person) if person else None
    if on:
        mode.enable(reason="Moving")
    client = client_for(user)
    address = "/zoo/exempt/" if exempt else "/zoo/read/" if method in SAFE else "/zoo/write/"

    response = client.generic(method, address)

    refused = (
        on and person not in ("administrator", "superuser") and method not in SAFE and not exempt
    )
    assert response.status_code == (503 if refused else 200)
    assert bool(zoo.changes()) is ((exempt or method not in SAFE) and not refused)


@pytest.mark.parametrize(
    "disguise",
    [
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
        {"HTTP_X_METHOD_OVERRIDE": "GET"},
        {"HTTP_X_HTTP_METHOD": "GET"},
        {"data": {"_method": "GET"}},
        {"data": {"_method": "get", "name": "x"}},
    ],
)
def test_g1_a_method_in_disguise_changes_nothing(
    disguise: dict[str, object], deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    assert client_for(deployer).post("/zoo/write/", **disguise).status_code == 503  # type: ignore[arg-type]
    assert zoo.changes() == []


def test_g1_an_inactive_administrator_is_refused(
    administrator: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    administrator.is_active = False
    assert not gate.is_administrator(administrator)


@pytest.mark.parametrize("person", [None, AnonymousUser()])
def test_g1_nobody_is_no_administrator(person: object) -> None:
    assert not gate.is_administrator(person)


def test_g1_an_exemption_is_a_mark_on_the_view_and_not_on_its_other_uses() -> None:
    from maintenance.decorators import is_exempt, maintenance_exempt

    marked = maintenance_exempt(zoo.write)

    assert is_exempt(marked)
    assert not is_exempt(zoo.write)


@pytest.mark.django_db
def test_check_outside_a_transaction_is_an_error_of_the_programmer(
    transactional_db: None, deployer: User
) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        gate.check(deployer)


def test_check_refuses_a_person_while_the_mode_is_on(
    deployer: User, maintenance_on: mode.Switch
) -> None:
    with pytest.raises(gate.InMaintenanceMode, match="Moving to a new disk"), transaction.atomic():
        gate.check(deployer)


def test_check_lets_an_administrator_in_while_the_mode_is_on(
    administrator: User, maintenance_on: mode.Switch
) -> None:
    with transaction.atomic():
        gate.check(administrator)


def test_a_change_on_behalf_of_somebody_else_is_asked_for_that_person(
    administrator: User, deployer: User, maintenance_on: mode.Switch
) -> None:
    passage = gate.admitted(administrator)
    try:
        gate.check(administrator)
        with pytest.raises(gate.InMaintenanceMode):
            gate.check(deployer)
    finally:
        passage.close()
