"""GET never writes: walk every address as every person, and look at what reaches the database."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import ClientFor
from tests.octoserver.test_matrix import CAST, addresses, objects, path_of

__all__ = ["objects"]

READS = re.compile(
    r"^\s*(SELECT|EXPLAIN|WITH|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|DECLARE|FETCH|CLOSE|SET)",
    re.IGNORECASE,
)
# Django's own bookkeeping, which goes on in maintenance mode too.
BOOKKEEPING = re.compile(r"^(INSERT INTO|UPDATE|DELETE FROM) \"django_session\"")


def writes(queries: CaptureQueriesContext) -> list[str]:
    return [
        query["sql"]
        for query in queries
        if not READS.match(query["sql"]) and not BOOKKEEPING.match(query["sql"])
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("person", CAST)
def test_no_page_writes_when_it_is_looked_at(
    person: str,
    objects: dict[str, int | str],
    client_for: ClientFor,
    request: pytest.FixtureRequest,
) -> None:
    user: User | None = None if person == "anonymous" else request.getfixturevalue(person)
    client = client_for(user)
    found = {}
    for name, route in addresses().items():
        for method in ("GET", "HEAD", "OPTIONS"):
            with CaptureQueriesContext(connection) as queries:
                response = client.generic(method, path_of(route, objects))
                if response.streaming:
                    b"".join(response.streaming_content)  # type: ignore[attr-defined]
            if writes(queries):
                found[f"{method} {name}"] = writes(queries)
    assert found == {}


@pytest.mark.django_db
def test_the_walk_sees_a_write(client_for: ClientFor, nobody: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        nobody.save()
    assert len(writes(queries)) == 1
