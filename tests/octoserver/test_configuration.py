import socket
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from environ import Env

from octoserver import configuration


def test_the_address_of_a_database_may_say_its_own_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql://who@127.0.0.1:5432/name?keepalives_idle=60&sslmode=require"
    monkeypatch.setenv("DATABASE_URL", address)
    options = configuration.database(Env(), folder=tmp_path)["OPTIONS"]
    assert options["keepalives_idle"] in (60, "60")
    assert options["sslmode"] == "require"
    assert options["connect_timeout"] == 5


@pytest.mark.parametrize("url", ["", "postgresql://octo@db.example.com/octo"])
def test_a_connection_is_kept_since_the_first_statement_of_a_new_one_takes_long(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert configuration.database(Env(), folder=tmp_path)["CONN_MAX_AGE"] == 60


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_database_that_vanishes_without_a_word_is_noticed() -> None:
    """Else a heartbeat that waits for its answer would do so for two hours."""
    connection.ensure_connection()
    with socket.socket(fileno=connection.connection.fileno()) as tcp:
        idle = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        timeout = tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        tcp.detach()
    assert (idle, timeout) == (10, 20_000)


MAIL = ("EMAIL_URL", "EMAIL_FROM", "EMAIL_BACKEND", "BASE_URL")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in MAIL:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_mail_server_is_named_by_one_address(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMAIL_URL", "smtp+tls://who:p%40ss@mail.example.com:587")
    environment.setenv("EMAIL_FROM", "octoserver@example.com")
    found = configuration.email(Env())
    assert found["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.com", 587)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("who", "p@ss")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_TIMEOUT"]) == (True, 10)
    assert found["DEFAULT_FROM_EMAIL"] == "octoserver@example.com"


def test_any_other_backend_can_be_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMAIL_BACKEND", "somebody.Backend")
    environment.setenv("EMAIL_FROM", "octoserver@example.com")
    assert configuration.email(Env())["EMAIL_BACKEND"] == "somebody.Backend"


def test_without_a_mail_server_there_is_no_sender(environment: pytest.MonkeyPatch) -> None:
    assert "DEFAULT_FROM_EMAIL" not in configuration.email(Env())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"EMAIL_URL": "mail.example.com", "EMAIL_FROM": "a@example.com"}, "must look like smtp"),
        ({"EMAIL_URL": "smtp://:secret@h:x", "EMAIL_FROM": "a@example.com"}, "must look like smtp"),
        ({"EMAIL_URL": "smtp://mail.example.com"}, "EMAIL_FROM is not set"),
    ],
)
def test_a_wrong_mail_setting_is_said_without_its_password(
    values: dict[str, str], words: str, environment: pytest.MonkeyPatch
) -> None:
    for name, value in values.items():
        environment.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        configuration.email(Env())
    assert "secret" not in str(caught.value)


def test_the_address_of_the_server_is_one(environment: pytest.MonkeyPatch) -> None:
    assert configuration.base_url(Env(), "BASE_URL") == ""
    environment.setenv("BASE_URL", "https://octoserver.example.com/")
    assert configuration.base_url(Env(), "BASE_URL") == "https://octoserver.example.com"
    environment.setenv("BASE_URL", "octoserver.example.com")
    with pytest.raises(ImproperlyConfigured, match="must look like https"):
        configuration.base_url(Env(), "BASE_URL")
