"""The German texts: each is there, says what its original does, and is the one that is shown."""

import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import translation

from octoserver import words
from tasks.models import ServerTask
from tests import messages
from tests.conftest import ClientFor

CATALOGUES = list(messages.catalogues())
PARTS = ("maintenance", "octoserver", "tasks", "templates", "manage.py")


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-5])
def test_every_text_is_translated(path: Path) -> None:
    assert not list(messages.mistakes(path))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-5])
def test_what_is_compiled_is_what_is_written(path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(path)


@pytest.mark.gettext
def test_no_text_of_the_source_is_missing_in_a_catalogue(tmp_path: Path) -> None:
    for part in PARTS:
        source = messages.ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / part)
    messages.extract(tmp_path)
    for fresh in messages.catalogues(tmp_path):
        kept = messages.ROOT / fresh.relative_to(tmp_path)
        assert messages.texts(fresh) == messages.texts(kept), "run make messages"


@pytest.mark.django_db
def test_a_reader_whose_browser_asks_for_german_gets_it(
    client_for: ClientFor, deployer: User, client: Client
) -> None:
    german = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}
    assert "Anmelden" in client.get("/login/", headers=german).content.decode()
    page = client_for(deployer).get("/tasks/", headers=german).content.decode()
    assert '<html lang="de"' in page
    assert "Aufgabe einreihen" not in page
    assert "Neue Aufgabe" in page


def test_every_model_and_field_has_a_name_to_translate() -> None:
    with translation.override("en"):
        assert words.names() == words.WORDS


def test_the_admin_site_names_them_in_the_reader_s_language() -> None:
    queue_time = ServerTask._meta.get_field("queue_time")
    with translation.override("de"):
        assert str(ServerTask._meta.verbose_name_plural) == "Serveraufgaben"
        assert str(queue_time.verbose_name) == "Startzeit"
    with translation.override("en"):
        assert str(queue_time.verbose_name) == "queue time"


@pytest.mark.django_db
def test_every_permission_is_named_in_the_reader_s_language() -> None:
    ours = Permission.objects.filter(content_type__app_label__in=words.APPLICATIONS)
    assert {held.name for held in ours if not held.name.startswith("Can view ")} >= {
        "Administer System", "Can run scripts", "Can cancel task",
    }  # fmt: skip
    with translation.override("de"):
        named = {held.codename: words.permission(held) for held in ours}
    assert named["run_script"] == "Aufgaben | Serveraufgabe | Skripte ausführen"
    assert named["view_servertask"] == "Aufgaben | Serveraufgabe | Serveraufgabe ansehen"
    assert not [name for name in named.values() if "Can " in name]


@pytest.mark.django_db
def test_the_form_of_a_group_names_permissions_so(
    client_for: ClientFor, administrator: User
) -> None:
    page = client_for(administrator).get(
        "/admin/auth/group/add/", headers={"Accept-Language": "de"}
    )
    assert "Serveraufgabe ansehen" in page.content.decode()
    assert "Can view server task" not in page.content.decode()
