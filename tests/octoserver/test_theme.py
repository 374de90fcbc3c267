"""Light, dark or as the reader's system has it: chosen by a form, kept, and never in the way."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries

from maintenance import mode
from octoserver import theme, views
from tests.conftest import ClientFor

TOKENS = (Path(settings.BASE_DIR) / "static" / "css" / "tokens.css").read_text()
COLOUR = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)")


@pytest.mark.django_db
class TestChoosing:
    @pytest.mark.parametrize("chosen", ["light", "dark"])
    def test_a_choice_holds_on_every_page_and_for_who_signs_out(
        self, chosen: str, administrator: User, client_for: ClientFor
    ) -> None:
        client = client_for(administrator)
        client.post("/theme/", {"theme": chosen, "next": "/"})
        assert f'data-theme="{chosen}"' in client.get("/").content.decode()
        assert f"theme-{chosen}" in client.get("/admin/").content.decode()
        client.logout()
        client.cookies[theme.COOKIE] = chosen
        assert f'data-theme="{chosen}"' in client.get("/login/").content.decode()

    def test_system_forgets_the_choice(self, viewer: User, client_for: ClientFor) -> None:
        client = client_for(viewer)
        client.post("/theme/", {"theme": "dark"})
        client.post("/theme/", {"theme": "system"})
        assert "data-theme=" not in client.get("/").content.decode()

    @pytest.mark.parametrize("cookie", ['"><script>', "DARK", "", "x" * 4000])
    def test_what_a_cookie_says_is_printed_only_if_it_is_a_theme(
        self, cookie: str, client: Client
    ) -> None:
        client.cookies[theme.COOKIE] = cookie
        assert "data-theme=" not in client.get("/login/").content.decode()

    def test_it_leads_back_to_the_page(self, viewer: User, client_for: ClientFor) -> None:
        page = client_for(viewer).get("/tasks/?state=Failed").content.decode()
        assert 'name="next" value="/tasks/?state=Failed"' in page
        answer = client_for(viewer).post("/theme/", {"next": "/tasks/?state=Failed"})
        assert answer.headers["Location"] == "/tasks/?state=Failed"

    @pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/"])
    def test_it_never_leads_elsewhere(self, elsewhere: str, client: Client) -> None:
        assert client.post("/theme/", {"next": elsewhere}).headers["Location"] == "/"

    def test_g1_it_is_chosen_in_maintenance_mode_too(
        self, viewer: User, client_for: ClientFor
    ) -> None:
        mode.enable()
        client = client_for(viewer)
        assert client.post("/theme/", {"theme": "dark"}).status_code == 302
        assert 'data-theme="dark"' in client.get("/").content.decode()

    def test_it_takes_the_secret_of_a_form(self, viewer: User, client_for: ClientFor) -> None:
        client = client_for(viewer, enforce_csrf_checks=True)
        assert client.post("/theme/", {"theme": "dark"}).status_code == 403


@pytest.mark.parametrize(("fault", "status"), [(OperationalError("away"), 503), (KeyError(), 500)])
@pytest.mark.django_db
def test_what_broke_is_said_in_the_theme_without_a_database(
    fault: Exception, status: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[theme.COOKIE] = "dark"
    try:
        raise fault
    except (OperationalError, KeyError):
        with django_assert_num_queries(0):
            response = views.server_error(request)
    assert response.status_code == status
    assert 'data-theme="dark"' in response.content.decode()


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


GROUNDS = ("ground", "surface", "surface-sunken")
INKS = ("ink", "ink-soft", "accent", "accent-strong", "good", "bad", "warn", "busy", "idle")
# What is written on what, of which WCAG 2.2 AA asks 4.5.
WRITTEN = [
    *[
        (ink, ground)
        for ink in ("ink", "ink-soft", "accent", "accent-strong")
        for ground in GROUNDS
    ],
    *[(ink, ground) for ink in ("good", "bad", "warn", "busy", "idle") for ground in GROUNDS],
    *[(ink, f"{ink}-ground") for ink in ("good", "bad", "warn", "busy", "idle", "accent")],
    ("accent-strong", "accent-ground"),
    ("bad-strong", "bad-ground"),
    ("ink-soft", "accent-ground"),
    ("ink-soft", "idle-ground"),
    ("ink-on-accent", "accent"),
    ("ink-on-accent", "accent-strong"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_written_stands_out_from_its_ground(scheme: str) -> None:
    colours = {
        name: light if scheme == "light" else dark for name, light, dark in COLOUR.findall(TOKENS)
    }
    found = {(ink, ground): contrast(colours[ink], colours[ground]) for ink, ground in WRITTEN}
    assert {pair: round(value, 2) for pair, value in found.items() if value < 4.5} == {}
    edges = {ground: contrast(colours["edge-strong"], colours[ground]) for ground in GROUNDS}
    assert {ground: round(value, 2) for ground, value in edges.items() if value < 3} == {}
