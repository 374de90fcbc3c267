"""The shapes that the server runs in: everything in files, or on PostgreSQL and Redis."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql

from tests.services import DATABASE_URL, REDIS_URL


@dataclass(frozen=True)
class Shape:
    """A database and a broker, made for one instance and removed after it."""

    name: str

    @contextmanager
    def environment(self, folder: Path) -> Iterator[dict[str, str]]:
        """Give the variables that put an instance on a database and a broker of its own."""
        if self.name == "embedded":
            yield {}
            return
        redis.Redis.from_url(REDIS_URL).flushdb()
        with database() as url:
            yield {"DATABASE_URL": url, "REDIS_URL": REDIS_URL}


@contextmanager
def database() -> Iterator[str]:
    """Make an empty database beside that of the tests, and drop it afterwards."""
    name = f"octoserver_test_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{DATABASE_URL.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(DATABASE_URL, autocommit=True) as connection:
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(statement.format(sql.Identifier(name)))


SHAPES = [
    pytest.param(Shape("embedded"), id="embedded", marks=pytest.mark.sqlite),
    pytest.param(
        Shape("services"), id="services", marks=[pytest.mark.postgresql, pytest.mark.redis]
    ),
]
