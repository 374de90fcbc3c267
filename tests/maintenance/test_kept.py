"""G7: what was typed into a refused form is kept, shown, and can be sent again."""

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from maintenance import mode
from maintenance.requests import SENDER_FIELD, sign_sender
from tasks.models import ServerTask
from tests.conftest import ClientFor
from tests.maintenance import zoo

SCRIPT = "#!/bin/sh\n\n  echo 'a & b' <tag> \"quoted\"\n"
TYPED = {"name": "x", "script": SCRIPT, "empty": "", "many": ["1", "2"], "äöü": "ß"}


class Form(HTMLParser):
    """The one form of a page that is kept: its action and what a browser would send of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields, self._area, self._inside = "", list[Any](), "", False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form" and "kept" in (found.get("class") or ""):
            self._inside, self.action = True, found["action"] or ""
        elif self._inside and tag == "input":
            self.fields.append([found["name"], found.get("value") or ""])
        elif self._inside and tag == "textarea":
            self._area = found["name"] or ""
            self.fields.append([self._area, ""])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "textarea" and self._area:
            self.fields[-1][1] = self.fields[-1][1].removeprefix("\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[-1][1] += data

    def data(self) -> dict[str, list[str]]:
        sent: dict[str, list[str]] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        return sent


def kept(response: Any) -> Form:
    return Form(response.content.decode())


def test_g7_what_was_typed_is_kept_to_the_letter_and_sent_again_after(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer, enforce_csrf_checks=True)
    token = csrf(client)

    refused = client.post("/zoo/write/?a=1&b=2", TYPED | {"csrfmiddlewaretoken": token})
    assert refused.status_code == 503
    form = kept(refused)
    assert form.action == "/zoo/write/?a=1&b=2"
    sent = form.data()
    assert {name: sent[name] for name in TYPED} == {
        name: value if isinstance(value, list) else [value] for name, value in TYPED.items()
    }

    again = client.post(form.action, sent)
    assert again.status_code == 503
    assert kept(again).data().keys() == sent.keys()
    assert len(kept(again).data()[SENDER_FIELD]) == 1

    mode.disable()
    assert client.post(form.action, kept(again).data()).status_code == 200
    assert zoo.changes() == ["zoo POST x"]


def test_g7_secrets_and_files_are_not_repeated_and_that_is_said(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    page = (
        client_for(deployer)
        .post(
            "/zoo/sensitive/",
            {
                "name": "plain",
                "pin": "marked-by-the-view",
                "new_password1": "hunter2",
                "api_key": "hunter3",
                "client_secret": "hunter4",
                "upload": SimpleUploadedFile("notes.txt", b"hunter5"),
            },
        )
        .content.decode()
    )
    assert "plain" in page
    for secret in ("marked-by-the-view", "hunter2", "hunter3", "hunter4", "hunter5"):
        assert secret not in page
    said = re.search(r"entered again:(.*?)</p>", page, re.DOTALL)
    assert said
    for name in ("pin", "new_password1", "api_key", "client_secret", "upload"):
        assert name in said.group(1)


def test_g7_what_is_not_repeated_is_entered_again_on_the_same_page(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    """Else trying again would send the form without it, and a view might not even say so."""
    typed = {
        "api_key": "hunter1",
        "secret": "-----BEGIN KEY-----\nhunter2\n",
        "token": "",
        "upload": SimpleUploadedFile("notes.txt", b"hunter3"),
        "usable_password": "true",
    }
    page = client_for(deployer).post("/zoo/write/", typed).content.decode()
    form = page[page.index('class="kept') :]
    assert re.search(r'<input [^>]*type="password" name="api_key"[^>]* required', form)
    assert re.search(r'<textarea [^>]*name="secret"[^>]* required[^>]*>\s*</textarea>', form)
    assert re.search(r'<input [^>]*type="file" name="upload"[^>]* required', form)
    assert '<input type="hidden" name="token" value="">' in form
    # Whether there is to be a password is none.
    assert re.search(r'name="usable_password" value="true"', form)
    assert 'enctype="multipart/form-data"' in page
    assert "hunter" not in page


def test_g7_a_form_without_files_is_sent_as_it_was(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    page = client_for(deployer).post("/zoo/write/", {"name": "x"}).content.decode()
    assert "multipart/form-data" not in page


def test_g7_a_kept_form_cannot_be_sent_as_somebody_else(
    deployer: User, system_manager: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    sent = kept(client_for(deployer).post("/zoo/write/", {"name": "x"})).data()
    mode.disable()
    assert client_for(system_manager).post("/zoo/write/", sent).status_code == 403
    assert zoo.changes() == []


@pytest.mark.parametrize("proof", ["", "forged", "MQ:1x:signature"])
def test_g7_a_forged_proof_of_the_sender_is_refused(
    proof: str, deployer: User, client_for: ClientFor
) -> None:
    response = client_for(deployer).post("/zoo/write/", {SENDER_FIELD: proof})
    assert response.status_code == 403
    assert zoo.changes() == []


def test_g7_a_kept_form_bypasses_no_csrf_check(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer, enforce_csrf_checks=True)
    refused = client.post("/zoo/write/", {"name": "x", "csrfmiddlewaretoken": csrf(client)})
    sent = kept(refused).data()
    mode.disable()
    other = client_for(deployer, enforce_csrf_checks=True)
    assert other.post("/zoo/write/", sent).status_code == 403
    sent.pop("csrfmiddlewaretoken")
    assert client.post("/zoo/write/", sent).status_code == 403
    assert zoo.changes() == []


def test_g7_a_kept_form_outlives_a_new_sign_in(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    """Who signs in anew while the page is open gets another CSRF secret than the page has."""
    client = client_for(deployer, enforce_csrf_checks=True)
    first = {"name": "x", "csrfmiddlewaretoken": csrf(client)}
    sent = kept(client.post("/zoo/write/", first)).data()
    mode.disable()
    client.cookies.pop("csrftoken")

    stale = client.post("/zoo/write/?a=1", sent)
    assert stale.status_code == 403
    assert zoo.changes() == []
    again = kept(stale)
    assert again.action == "/zoo/write/?a=1"
    assert client.post(again.action, again.data()).status_code == 200
    assert zoo.changes() == ["zoo POST x"]


def test_g7_a_kept_form_outlives_the_session(
    deployer: User, viewer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    client = client_for(deployer, enforce_csrf_checks=True)
    first = {"kind": "RunScript", "script": "x", "csrfmiddlewaretoken": csrf(client)}
    sent = kept(client.post("/tasks/new/", first)).data()
    mode.disable()
    client.session.flush()

    signed_out = client.post("/tasks/new/", sent)
    assert signed_out.status_code == 403
    assert "You are signed out" in signed_out.content.decode()
    again = kept(signed_out)
    assert again.data()["script"] == ["x"]
    client.force_login(viewer)
    assert client.post(again.action, again.data()).status_code == 403
    client.force_login(deployer)
    answer = client.post(again.action, again.data())
    assert (answer.status_code, ServerTask.objects.people().count()) == (302, 1)


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{}, {SENDER_FIELD: "forged"}])
def test_g7_any_other_form_of_who_is_signed_out_leads_to_signing_in(
    fields: dict[str, str], client_for: ClientFor
) -> None:
    answer = client_for(None).post("/tasks/new/", {"script": "x", **fields})
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/tasks/new/")


@pytest.mark.parametrize("who", ["nobody", "deployer"])
def test_g7_only_the_sender_of_a_kept_form_gets_it_back(
    who: str, deployer: User, viewer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    """What another site sends in somebody's name must not come back as a form to be confirmed."""
    client = client_for(deployer, enforce_csrf_checks=True)
    assert 'class="kept' not in client.post("/zoo/write/", {"name": "x"}).content.decode()
    proof = sign_sender(viewer if who == "deployer" else AnonymousUser())
    for forged in (proof, "forged", ""):
        page = client.post("/zoo/write/", {"name": "x", SENDER_FIELD: forged})
        assert page.status_code == 403
        assert 'class="kept' not in page.content.decode()


def test_g7_an_address_that_looks_like_another_host_stays_here(
    deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    response = client_for(deployer).generic(
        "POST", "/zoo/write/", "name=x", "application/x-www-form-urlencoded",
        PATH_INFO="/zoo/write/", QUERY_STRING="next=//example.com",
    )  # fmt: skip
    assert kept(response).action.startswith("/zoo/")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_g7_what_no_form_can_send_has_no_form(
    method: str, deployer: User, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    page = client_for(deployer).generic(method, "/zoo/write/", "a=1").content.decode()
    assert 'class="kept' not in page


def csrf(client: Client) -> str:
    page = client.get("/password/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return unescape(found.group(1))
