import signal
from collections.abc import Iterator

import pytest
from kombu import Connection, Queue

from octoserver.celery import app
from tests.integration import private
from tests.integration.private import Redis

pytestmark = pytest.mark.redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    with private.redis_server() as service:
        yield service


def with_one_unacknowledged(redis: Redis) -> Connection:
    """Return a connection that has received a message and not acknowledged it."""
    connection = app.connection_for_read(redis.url)
    queue = Queue("wakes")(connection.default_channel)
    queue.declare()
    connection.Producer().publish({}, routing_key="wakes")
    assert queue.get() is not None
    return connection


def test_a_connection_whose_redis_is_gone_can_be_closed(redis: Redis) -> None:
    connection = with_one_unacknowledged(redis)
    redis.stop(signal.SIGKILL)
    connection.transport.client = None  # as when a worker has collapsed it before
    connection.release()


def test_what_is_not_acknowledged_is_not_put_back(redis: Redis) -> None:
    with_one_unacknowledged(redis).release()
    assert redis.client().llen("wakes") == 0
