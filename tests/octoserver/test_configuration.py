import socket
from pathlib import Path

import pytest
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
