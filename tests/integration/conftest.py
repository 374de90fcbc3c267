"""The shapes in which the server runs: alone on files, or on PostgreSQL with Redis."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from tests import services
from tests.integration.server import environment

SHAPES = [
    pytest.param("embedded", id="sqlite-files"),
    pytest.param(
        "services", id="postgresql-redis", marks=[pytest.mark.postgresql, pytest.mark.redis]
    ),
]


@contextmanager
def fresh_database() -> Iterator[str]:
    """Make a database beside the one named to the tests, and drop it in the end."""
    name = f"octoserver_{secrets.token_hex(6)}"
    with psycopg.connect(services.DATABASE_URL, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(services.DATABASE_URL)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=SHAPES)
def env(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment of an instance of its own, in each shape."""
    if request.param == "embedded":
        yield environment(tmp_path)
        return
    redis.Redis.from_url(services.REDIS_URL).flushdb()
    with fresh_database() as url:
        yield environment(tmp_path, DATABASE_URL=url, REDIS_URL=services.REDIS_URL)
