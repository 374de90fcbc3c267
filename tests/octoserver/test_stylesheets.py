"""A page has one stylesheet, and everything that is meant to be in it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from pytest_django import Settings

from octoserver import stylesheets
from octoserver.settings import STORAGES
from tests.conftest import ClientFor

SOURCES = Path(settings.BASE_DIR) / "static" / "css"
COLLECTIONS = ("site.css", "admin-site.css")


@pytest.fixture
def collected(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Collect the static files as a server does."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = STORAGES
    staticfiles_storage._wrapped = stylesheets.SiteStorage(location=tmp_path)
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
        yield tmp_path
    finally:
        staticfiles_storage._setup()


def text(folder: Path, name: str) -> str:
    hashed = staticfiles_storage.stored_name(f"css/{name}")
    assert hashed != f"css/{name}"
    return (folder / hashed).read_text()


def test_every_file_of_the_look_is_in_a_stylesheet_of_a_page() -> None:
    imported = {
        found["name"]
        for name in COLLECTIONS
        for found in stylesheets.IMPORT.finditer((SOURCES / name).read_text())
    }
    assert imported == {file.name for file in SOURCES.glob("*.css")} - set(COLLECTIONS)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_stylesheet_holds_what_it_imports_in_its_order(collected: Path, name: str) -> None:
    parts = [found["name"] for found in stylesheets.IMPORT.finditer((SOURCES / name).read_text())]
    whole = text(collected, name)
    places = [whole.index(first_words(part)) for part in parts]
    assert len(places) > 2
    assert places == sorted(places)
    assert "@import" not in whole


def first_words(name: str) -> str:
    return (SOURCES / name).read_text().partition("\n")[0]


def test_small_pictures_are_in_the_stylesheet_so_that_nobody_asks_for_them(collected: Path) -> None:
    assert "data:image/svg+xml;base64," in text(collected, "site.css")
    for name in COLLECTIONS:
        assert re.findall(r"url\((?![\"']?data:)[^)]*\)", text(collected, name)) == []


def test_a_stylesheet_is_there_compressed_too(collected: Path) -> None:
    hashed = staticfiles_storage.stored_name("css/site.css")
    assert (collected / f"{hashed}.gz").stat().st_size < (collected / hashed).stat().st_size / 2


def test_a_part_that_is_not_there_is_said_by_name() -> None:
    with pytest.raises(ValueError, match=r"css/site\.css, which is not there"):
        stylesheets.whole("css/site.css", {})


@pytest.mark.parametrize("path", ["/", "/projects/", "/tasks/", "/configuration/maintenance/"])
def test_a_page_asks_for_one_stylesheet_and_waits_for_no_script(
    path: str, client_for: ClientFor, administrator: User
) -> None:
    page = client_for(administrator).get(path).content.decode()
    assert re.findall(r'<link rel="stylesheet" href="([^"]*)"', page) == ["/static/css/site.css"]
    scripts = re.findall(r"<script\b[^>]*>", page)
    assert scripts
    # A module waits for the page by itself.
    waiting = (" defer", 'type="module"')
    assert [script for script in scripts if not any(word in script for word in waiting)] == []
