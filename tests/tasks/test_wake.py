import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from octoserver.celery import app
from tasks import clock, queue, wake
from tasks.wake import Waker


@pytest.fixture
def waker() -> Iterator[Waker]:
    messages()
    waker = Waker()
    yield waker
    waker.flush()
    messages()


def messages() -> int:
    """Take every wake-up out of the broker and count them."""
    count = 0
    with app.connection_for_read() as connection, connection.channel() as channel:
        bound = app.amqp.queues["celery"](channel)
        bound.declare()
        while message := bound.get(no_ack=True):
            assert message.headers["task"] == wake.NAME
            assert message.payload[:2] == [[], {}]
            count += 1
    return count


def test_the_first_request_is_sent_at_once(waker: Waker) -> None:
    waker.request()
    assert messages() == 1


def test_a_burst_is_two_messages_the_first_and_one_for_the_rest(
    waker: Waker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, the burst is then over before its time is.
    monkeypatch.setattr(Waker, "DEBOUNCE", 60.0)
    for _ in range(100):
        waker.request()
    waker.flush()
    assert messages() == 2


def test_what_is_held_back_is_sent_by_itself(waker: Waker) -> None:
    waker.request()
    waker.request()
    deadline = time.monotonic() + 60
    count = 0
    while count < 2 and time.monotonic() < deadline:
        count += messages()
    assert count == 2


@pytest.fixture
def hanging_broker(waker: Waker) -> Iterator[None]:
    """One that takes connections and never says a word, as a frozen Redis does."""
    living = app.conf.broker_url
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        app.conf.broker_url = app.conf.broker_write_url = address
        yield
    app.conf.broker_url = app.conf.broker_write_url = living


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the thread of each attempt to send a wake-up; one that failed is remembered for long."""
    found: list[str] = []
    publish = Waker._publish

    def noted(waker: Waker) -> None:
        found.append(threading.current_thread().name)
        publish(waker)

    monkeypatch.setattr(Waker, "_publish", noted)
    monkeypatch.setattr(Waker, "BREAK", 600.0)
    return found


@pytest.mark.usefixtures("hanging_broker")
def test_a_broker_that_hangs_holds_up_one_request_and_no_more(
    waker: Waker, tries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waker, "DEBOUNCE", 0.0)  # no two requests belong to one burst
    threads = [threading.Thread(target=waker.request, name=f"asks {n}") for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert sum(name.startswith("asks") for name in tries) == 1


@pytest.fixture
def dead_broker(waker: Waker) -> Iterator[None]:
    """A port of this machine on which nothing listens."""
    living = app.conf.broker_url
    app.conf.broker_url = app.conf.broker_write_url = "redis://127.0.0.1:9/0"
    yield
    app.conf.broker_url = app.conf.broker_write_url = living


@pytest.mark.usefixtures("dead_broker")
def test_a_dead_broker_costs_no_exception_and_is_left_alone_afterwards(
    waker: Waker, tries: list[str]
) -> None:
    for _ in range(1000):
        waker.request()
    waker.flush()
    assert len(tries) == 1


@pytest.mark.usefixtures("dead_broker", "zoo_kinds")
@pytest.mark.django_db(transaction=True)
def test_q1_a_task_is_accepted_while_the_broker_is_down() -> None:
    task = queue.enqueue("Simple")
    task.refresh_from_db()
    assert task.state == "Queued"


@pytest.mark.usefixtures("zoo_kinds")
@pytest.mark.django_db
def test_a_task_wakes_a_worker_once_it_is_committed_and_a_later_one_does_not(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as callbacks, transaction.atomic():
        queue.enqueue("Simple")
        queue.enqueue("Simple", queue_time=clock.now() + timedelta(hours=1))
    assert callbacks == [wake.request]
