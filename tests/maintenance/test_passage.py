"""What a gated request's transaction keeps and what it rolls back."""

import asyncio
import io

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from maintenance import effective, mode
from tests.conftest import ClientFor
from tests.maintenance import zoo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(deployer: User, client_for: ClientFor) -> Client:
    client = client_for(deployer)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/zoo/fail/", 500),
        ("/zoo/fail/?with=404", 404),
        ("/zoo/fail/?with=403", 403),
        ("/zoo/answer_500/", 500),
    ],
)
def test_g2_a_view_that_fails_rolls_back_whole(client: Client, address: str, status: int) -> None:
    assert client.post(address).status_code == status
    assert zoo.changes() == []


def test_g2_a_view_that_catches_an_error_keeps_what_is_around_it(client: Client) -> None:
    assert client.post("/zoo/catch/").status_code == 200
    assert zoo.changes() == ["zoo after", "zoo before"]


def test_g2_what_a_template_writes_is_in_the_transaction(client: Client) -> None:
    assert client.post("/zoo/template/").content == b"rendered"
    assert zoo.changes() == ["zoo template"]


def test_g2_an_asynchronous_view_is_in_the_transaction(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert client.post("/zoo/async_write/").status_code == 200
    assert zoo.changes() == ["zoo async"]
    statements = [query["sql"] for query in queries]
    assert statements.index("COMMIT") > next(
        number for number, sql in enumerate(statements) if "INSERT" in sql
    )


@pytest.mark.parametrize("on", [False, True])
def test_g2_the_body_of_a_change_that_streams_cannot_write(client: Client, on: bool) -> None:
    """The body runs after the transaction, so the mode may be on by then."""
    response = client.post("/zoo/stream/")
    if on:
        mode.enable()
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    response.close()
    assert zoo.changes() == ["zoo before stream"]
    zoo.change("zoo after")  # the connection writes again


def test_g2_the_body_of_an_administrators_change_may_write(
    administrator: User, client_for: ClientFor
) -> None:
    mode.enable()
    response = client_for(administrator).post("/zoo/stream/")
    assert b"".join(response.streaming_content) == b"begun done"  # type: ignore[attr-defined]
    assert zoo.changes() == ["zoo before stream", "zoo stream"]


def test_g2_an_asynchronous_body_cannot_write_either(deployer: User) -> None:
    async def visit() -> None:
        client = AsyncClient()
        await client.aforce_login(deployer)
        response = await client.post("/zoo/async_stream/")
        try:
            async for _ in response.streaming_content:  # type: ignore[attr-defined]
                pass
        finally:
            await sync_to_async(lambda: connection.close())()

    with pytest.raises(Exception, match=r"(?i)read-?only"):
        asyncio.run(visit())
    assert zoo.changes() == []


def test_g2_hooks_on_commit_run_after_the_commit_and_never_after_a_refusal(client: Client) -> None:
    client.post("/zoo/hook/")
    assert zoo.HOOKS == ["in transaction: False"]
    mode.enable()
    assert client.post("/zoo/hook/").status_code == 503
    assert len(zoo.HOOKS) == 1
    assert zoo.changes() == ["zoo hook"]


def test_the_switch_refuses_to_run_inside_a_gated_request(client: Client) -> None:
    assert client.post("/zoo/switch/").status_code == 500
    assert not mode.current().is_enabled


def test_a_change_costs_two_statements_besides_begin_and_commit(client: Client) -> None:
    client.post("/zoo/write/", {"name": "warm"})
    with CaptureQueriesContext(connection) as queries:
        client.post("/zoo/write/", {"name": "counted"})
    statements = [query["sql"] for query in queries]
    begin = next(number for number, sql in enumerate(statements) if sql.startswith("BEGIN"))
    gate = statements[begin + 1 : next(n for n, sql in enumerate(statements) if "INSERT" in sql)]
    assert len(gate) <= 2
    assert any(effective.outlook(connection.vendor) in sql for sql in gate)
    assert statements[-1] == "COMMIT"


def test_a_page_costs_no_statement_of_the_gates_own_while_the_mode_is_off(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/zoo/read/")
    with django_assert_num_queries(3):  # the session, the person with the mode, the view's own
        client.get("/zoo/read/")


class SlowBody(io.BytesIO):
    """A client that sends slowly; notes whether a transaction was open while it did."""

    open_while_reading: list[bool]

    def read(self, *args: int | None) -> bytes:
        self.open_while_reading.append(connection.in_atomic_block)
        return super().read(*args)


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x"]
)
def test_g2_the_body_is_received_before_the_transaction_begins(client: Client, kind: str) -> None:
    content = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n"
    body = SlowBody(content)
    body.open_while_reading = []
    client.generic(
        "POST", "/zoo/write/", CONTENT_TYPE=kind,
        CONTENT_LENGTH=str(len(content)), **{"wsgi.input": body},
    )  # fmt: skip
    assert body.open_while_reading
    assert not any(body.open_while_reading)


def test_g2_a_body_too_large_for_memory_still_reaches_the_view(
    client: Client, settings: object
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10  # type: ignore[attr-defined]
    response = client.generic("PUT", "/zoo/write/", b"x" * 100_000, "application/octet-stream")
    assert response.status_code == 200
