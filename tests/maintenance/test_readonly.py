"""G3: while the mode is on, the engine itself holds a page read-only."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import InternalError, OperationalError, connection
from django.test import Client

from maintenance import mode, readonly
from tests.conftest import ClientFor
from tests.maintenance import zoo

pytestmark = pytest.mark.django_db(transaction=True)

WRITES_OF_POSTGRESQL = [
    "EXPLAIN ANALYZE INSERT INTO auth_group (name) VALUES ('zoo explained')",
    "SELECT nextval('auth_group_id_seq')",
    "WITH new AS (INSERT INTO auth_group (name) VALUES ('zoo with') RETURNING 1) SELECT * FROM new",
    "SELECT id FROM auth_group FOR UPDATE",
    "COPY auth_group (name) FROM STDIN",
    "CREATE TEMPORARY TABLE zoo (id int)",
    "SET TRANSACTION READ WRITE",
]
WRITES = [
    "INSERT INTO auth_group (name) VALUES ('zoo sql')",
    "DELETE FROM auth_group",
    "CREATE TABLE zoo (id int)",
    "DROP TABLE auth_group_permissions",
]


@pytest.fixture
def client(deployer: User, client_for: ClientFor) -> Client:
    mode.enable(reason="Moving")
    client = client_for(deployer)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    "address", ["/zoo/write/", "/zoo/async_write/", "/zoo/template/", "/zoo/hook/"]
)
def test_g3_a_get_view_that_writes_is_refused_with_the_same_answer(
    client: Client, address: str
) -> None:
    response = client.get(address)
    assert response.status_code == 503
    assert b"maintenance mode" in response.content
    assert zoo.changes() == []


def test_g3_a_page_that_reads_is_shown(client: Client) -> None:
    assert client.get("/zoo/read/").status_code == 200
    streamed = client.get("/zoo/stream_read/")
    assert b"".join(streamed.streaming_content)  # type: ignore[attr-defined]


def test_g3_a_page_that_can_do_without_the_write_is_shown(client: Client) -> None:
    assert client.get("/zoo/catch_write/").content == b"could not"
    assert zoo.changes() == []


def test_g3_a_streamed_page_cannot_write(client: Client) -> None:
    response = client.get("/zoo/stream_read/")
    list(response.streaming_content)  # type: ignore[attr-defined]
    zoo.change("zoo after")
    assert client.get("/zoo/stream/").status_code == 503
    assert zoo.changes() == ["zoo after"]


@pytest.mark.parametrize("sql", WRITES)
def test_g3_it_is_the_engine_that_refuses_whatever_the_statement(client: Client, sql: str) -> None:
    assert client.get("/zoo/sql/", {"q": sql}).status_code == 503
    assert Group.objects.exists()


@pytest.mark.postgresql
@pytest.mark.parametrize("sql", WRITES_OF_POSTGRESQL)
def test_g3_statements_that_hide_a_write_are_refused_too(client: Client, sql: str) -> None:
    response = client.get("/zoo/sql/", {"q": sql})
    assert response.status_code in (500, 503)
    assert zoo.changes() == []
    assert Group.objects.create(name="zoo after")


def test_g3_the_next_request_of_the_connection_writes_again(
    client: Client, administrator: User, client_for: ClientFor
) -> None:
    for _ in range(3):
        client.get("/zoo/read/")
        client.get("/zoo/write/")
        client.get("/zoo/fail/")
        Group.objects.create(name="zoo between").delete()
    mode.disable()
    assert client.post("/zoo/write/").status_code == 200
    assert zoo.changes() == ["zoo POST"]


@pytest.mark.parametrize("person", ["administrator", "superuser"])
def test_g3_an_administrators_page_is_not_held(
    person: str, request: pytest.FixtureRequest, client_for: ClientFor, maintenance_on: mode.Switch
) -> None:
    assert client_for(request.getfixturevalue(person)).get("/zoo/write/").status_code == 200


def test_g3_nobody_is_held_while_the_mode_is_off(deployer: User, client_for: ClientFor) -> None:
    assert client_for(deployer).get("/zoo/write/").status_code == 200


def test_g3_the_session_goes_on_being_written(client: Client) -> None:
    session = client.session
    session["seen"] = 1
    session.save()
    assert client.get("/zoo/read/").status_code == 200
    assert client.session["seen"] == 1


def test_read_only_ends_with_its_block_even_when_it_fails(transactional_db: None) -> None:
    with pytest.raises(ZeroDivisionError), readonly.read_only("default"):
        _ = 1 / 0
    Group.objects.create(name="zoo after")
    with pytest.raises((InternalError, OperationalError)) as caught, readonly.read_only("default"):
        Group.objects.create(name="zoo during")
    assert readonly.is_refusal(caught.value)
    assert not connection.in_atomic_block
    assert zoo.changes() == ["zoo after"]


def test_an_ordinary_error_is_no_refusal(transactional_db: None) -> None:
    assert not readonly.is_refusal(ValueError("no"))
    assert not readonly.is_refusal(None)
