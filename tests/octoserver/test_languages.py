"""Each person reads the server in their own language."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from maintenance import mode
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-AT,de;q=0.9,en;q=0.5", "de"), ("en-GB,de;q=0.5", "en"), ("fr", "en"), ("", "en")],
)
def test_a_browser_says_which_language_its_reader_wants(
    client: Client, accepted: str, language: str
) -> None:
    page = client.get("/login/", headers={"accept-language": accepted})
    assert f'<html lang="{language}"' in page.content.decode()
    assert page["Content-Language"] == language


def test_g1_the_choice_of_a_language_is_not_refused(deployer: User, client_for: ClientFor) -> None:
    mode.enable()
    client = client_for(deployer)
    answer = client.post("/language/", {"language": "de", "next": "/tasks/"})
    assert (answer.status_code, answer["Location"]) == (302, "/tasks/")
    assert '<html lang="de"' in client.get("/tasks/").content.decode()


@pytest.mark.parametrize(("language", "next"), [("xx", "/"), ("de", "//elsewhere.example.com/")])
def test_a_wrong_choice_leads_nowhere_else(client: Client, language: str, next: str) -> None:  # noqa: A002
    answer = client.post("/language/", {"language": language, "next": next})
    assert answer["Location"] == "/"
