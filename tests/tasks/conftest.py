"""What the tests of the queue share: kinds of their own, and a node that works."""

import uuid
from collections.abc import Iterator

import pytest

from tasks import clock, conf, kinds
from tasks.models import ServerNode
from tests.tasks import zoo


@pytest.fixture
def zoo_kinds() -> Iterator[None]:
    """Make the kinds of the zoo known for the length of a test."""
    for kind in zoo.ALL:
        kinds.register(kind)
    yield
    for kind in zoo.ALL:
        kinds.unregister(kind.name)


def make_node(name: str) -> ServerNode:
    """Store a node that has just said that it lives."""
    now = clock.now()
    return ServerNode.objects.create(
        name=name, task_cap=conf.task_cap(), incarnation=uuid.uuid4(), started=now, last_seen=now
    )


@pytest.fixture
def node(db: None) -> ServerNode:
    return make_node("north")


@pytest.fixture
def other_node(db: None) -> ServerNode:
    return make_node("south")
