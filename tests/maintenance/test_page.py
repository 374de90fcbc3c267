"""Configuration → Maintenance and its twin in the admin site: who sees what, who may switch."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from maintenance import mode
from maintenance.models import MaintenanceMode, ModeSwitch
from tests.conftest import ClientFor

PAGE, ADMIN = "/configuration/maintenance/", "/admin/maintenance/maintenancemode/"
PEOPLE = ["system_manager", "deployer", "viewer", "nobody"]


@pytest.mark.parametrize("page", [PAGE, ADMIN])
def test_an_administrator_turns_it_on_and_off(
    page: str, administrator: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    until = (timezone.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    on = client.post(f"{page}enable/", {"reason": "New <disk>", "until": until}, follow=True)
    assert on.redirect_chain == [(page, 302)]
    text = on.content.decode()
    assert "Maintenance mode is on. No change made before is still in progress." in text
    assert escape("New <disk>") in text
    assert "New <disk>" not in text
    off = client.post(f"{page}disable/", follow=True).content.decode()
    assert "Maintenance mode is off. People can change things again." in off
    sources = [entry.source for entry in ModeSwitch.objects.all()]
    assert sources == (["page"] * 2 if page == PAGE else ["admin"] * 2)
    assert ModeSwitch.objects.filter(address="127.0.0.1", person=administrator).count() == 2


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("action", ["enable/", "disable/"])
@pytest.mark.parametrize("page", [PAGE, ADMIN])
@pytest.mark.django_db
@pytest.mark.parametrize("on", [False, True])
def test_g9_nobody_else_switches_it(
    person: str, action: str, page: str, on: bool, request: pytest.FixtureRequest,
    client_for: ClientFor,
) -> None:  # fmt: skip
    if on:
        mode.enable()
    client = client_for(request.getfixturevalue(person))
    assert client.post(page + action).status_code in (403, 302)
    assert mode.current().is_enabled is on


@pytest.mark.parametrize("action", ["enable/", "disable/"])
@pytest.mark.parametrize("page", [PAGE, ADMIN])
def test_g9_a_switch_is_a_post_with_csrf(
    action: str, page: str, administrator: User, client_for: ClientFor
) -> None:
    assert client_for(administrator).get(page + action).status_code == 405
    forged = client_for(administrator, enforce_csrf_checks=True).post(page + action)
    assert forged.status_code == 403
    assert not ModeSwitch.objects.exists()


@pytest.mark.parametrize("page", [PAGE, ADMIN])
@pytest.mark.parametrize(
    ("until", "complaint"),
    [
        ("2001-01-01T00:00", "The expected end lies in the past."),
        ("soon", "This is no date and time, such as 2026-11-30 22:00."),
        ("9999-12-31T23:59-12:00", "The expected end lies too far ahead."),
    ],
)
def test_a_wrong_end_is_said_at_the_field_and_the_rest_is_kept(
    page: str, until: str, complaint: str, administrator: User, client_for: ClientFor
) -> None:
    response = client_for(administrator).post(
        f"{page}enable/", {"reason": "typed with care", "until": until}
    )
    text = response.content.decode()
    assert complaint in text
    assert "typed with care" in text
    assert f'value="{until}"' in text
    assert not mode.current().is_enabled


@pytest.mark.parametrize("person", ["administrator", *PEOPLE])
def test_everybody_who_signs_in_sees_the_page_and_only_administrators_the_buttons(
    person: str, request: pytest.FixtureRequest, client_for: ClientFor, deployer: User
) -> None:
    mode.enable(name="ada", reason="New disk")
    client_for(deployer).post("/zoo/write/")
    response = client_for(request.getfixturevalue(person)).get(PAGE)
    assert response.status_code == 200
    text = response.content.decode()
    assert "New disk" in text
    is_administrator = person == "administrator"
    assert ("Disable maintenance mode" in text) is is_administrator
    assert ("/zoo/write/" in text) is is_administrator


def test_a_mode_that_ended_by_itself_was_ended_by_nobody(
    administrator: User, client_for: ClientFor
) -> None:
    mode.enable(name="ada", until=timezone.now() + timedelta(hours=1), closes_itself=True)
    MaintenanceMode.objects.update(until=timezone.now() - timedelta(minutes=5))
    assert mode.record()
    text = client_for(administrator).get(PAGE).content.decode()
    assert "by by" not in text
    assert "by itself" in text


def test_the_page_says_what_the_queue_is_doing(administrator: User, client_for: ClientFor) -> None:
    text = client_for(administrator).get(PAGE).content.decode()
    assert "The queue" in text
    assert "executing" in text


BANNERED = ["/", PAGE, "/tasks/", "/password/", "/admin/", "/admin/auth/user/", "/zoo/unknown/"]


@pytest.mark.parametrize("address", BANNERED)
def test_every_page_says_that_the_mode_is_on_why_and_until_when(
    address: str, administrator: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    assert "banner-maintenance" not in client.get(address).content.decode()
    mode.enable(reason="New <disk>", until=timezone.now() + timedelta(hours=3))
    text = client.get(address).content.decode()
    assert "banner-maintenance" in text
    assert escape("New <disk>") in text
    assert mode.current().until.strftime("%Y-%m-%d %H:%M") in text  # type: ignore[union-attr]


@pytest.mark.parametrize("address", ["/login/", "/admin/login/"])
def test_g5_the_sign_in_pages_say_it_too(address: str, maintenance_on: mode.Switch) -> None:
    assert "banner-maintenance" in Client().get(address).content.decode()


@pytest.mark.parametrize(
    ("person", "refused"), [("administrator", False), ("system_manager", True)]
)
@pytest.mark.parametrize(
    "address", ["/password/", "/admin/auth/group/add/", "/admin/password_change/"]
)
def test_g7_what_would_be_refused_is_disabled_with_the_reason_for_whom_it_would_be(
    person: str, refused: bool, address: str, request: pytest.FixtureRequest,
    client_for: ClientFor, maintenance_on: mode.Switch,
) -> None:  # fmt: skip
    client = client_for(request.getfixturevalue(person))
    text = client.get(address).content.decode()
    assert (f'title="{escape(_sentence())}"' in text) is refused
    mode.disable()
    assert "disabled aria-disabled" not in client.get(address).content.decode()


def _sentence() -> str:
    from maintenance import gate

    return gate.describe(mode.current())


def test_the_trail_of_a_mode_that_was_never_switched_is_no_error(
    administrator: User, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    for address in (PAGE, ADMIN, reverse("admin:maintenance_modeswitch_changelist")):
        assert client.get(address).status_code == 200
