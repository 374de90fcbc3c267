"""The file transport under what breaks kombu's own: a reader at the moment of a write."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue
from kombu.transport import filesystem

from octoserver import celery_app, fsq

MESSAGES = 3000


def connect(transport: type[filesystem.Transport], folder: Path) -> Connection:
    (folder / "broker").mkdir(exist_ok=True)
    options = {
        "data_folder_in": str(folder / "broker"),
        "data_folder_out": str(folder / "broker"),
        "control_folder": str(folder / "control"),
    }
    return Connection(transport=transport, transport_options=options)


def read(channel: filesystem.Channel, *, count: int, until: float) -> Iterator[Any]:
    """Read as fast as possible, as a worker under load does."""
    while count and time.monotonic() < until:
        try:
            yield channel._get("celery")["body"]
            count -= 1
        except Empty:
            continue


def race(transport: type[filesystem.Transport], folder: Path) -> list[str]:
    """Publish while another thread reads; return what arrived."""
    producer, consumer = connect(transport, folder).channel(), connect(transport, folder).channel()

    def produce() -> None:
        for number in range(MESSAGES):
            producer._put("celery", whole(body=str(number)))

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        return list(read(consumer, count=MESSAGES, until=time.monotonic() + 60))
    finally:
        thread.join()


def whole(*, body: str) -> dict[str, Any]:
    return {
        "body": body,
        "headers": {},
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "properties": {"delivery_tag": body, "delivery_info": {}},
    }


@pytest.fixture
def channel(tmp_path: Path) -> filesystem.Channel:
    return connect(fsq.Transport, tmp_path).channel()


def test_every_message_arrives_whole_and_in_order_while_a_reader_races(tmp_path: Path) -> None:
    assert race(fsq.Transport, tmp_path) == [str(number) for number in range(MESSAGES)]


def test_a_message_is_readable_only_once_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look at the moment that the stock transport shows as half a message: before the content."""
    dumps, seen = json.dumps, []

    def look_first(reader: filesystem.Channel) -> Any:
        def dump(content: Any) -> str:
            try:
                seen.append(reader._get("celery"))
            except Empty:
                seen.append(None)
            return dumps(content)

        return dump

    stock = connect(filesystem.Transport, tmp_path).channel()
    monkeypatch.setattr(filesystem, "dumps", look_first(stock))
    with pytest.raises(ValueError, match="Expecting value"):
        stock._put("celery", whole(body="stock"))

    ours = connect(fsq.Transport, tmp_path).channel()
    monkeypatch.setattr(fsq, "dumps", look_first(ours))
    ours._put("celery", whole(body="ours"))
    assert seen == [None]
    assert ours._get("celery")["body"] == "ours"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe",
        b'{"body": "cut of',
        b"[]",
        b"{}",
        b"null",
        b'{"properties": {}}',
        b'{"properties": 3, "body": "x"}',
        b'{"properties": {"delivery_tag": 1, "body_encoding": "base64"}, "body": 7}',
    ],
)
def test_an_unreadable_message_is_dropped_and_the_next_one_read(
    channel: filesystem.Channel, content: bytes
) -> None:
    (Path(channel.data_folder_in) / "0_first.celery.msg").write_bytes(content)
    channel._put("celery", whole(body="next"))
    assert channel._get("celery")["body"] == "next"
    assert channel._size("celery") == 0


def test_a_folder_in_the_place_of_a_message_is_passed_over(channel: filesystem.Channel) -> None:
    (Path(channel.data_folder_in) / "0_folder.celery.msg").mkdir()
    channel._put("celery", whole(body="next"))
    assert channel._get("celery")["body"] == "next"


def test_an_emptied_broker_carries_the_next_message(tmp_path: Path) -> None:
    with connect(fsq.Transport, tmp_path) as connection:
        queue = connection.SimpleQueue("celery")
        queue.put("first")
        for file in sorted(tmp_path.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        with pytest.raises(Empty):
            queue.get(block=False)
        queue.put("second")
        assert queue.get(block=False).payload == "second"


def test_queues_bound_at_the_same_moment_all_stay_bound(tmp_path: Path) -> None:
    names = [f"queue-{number}" for number in range(12)]
    start = threading.Barrier(len(names))

    def bind(name: str) -> None:
        start.wait()
        channel = connect(fsq.Transport, tmp_path).channel()
        channel._queue_bind("everybody", "", "", name)

    threads = [threading.Thread(target=bind, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = connect(fsq.Transport, tmp_path).channel().get_table("everybody")
    assert sorted(row.queue for row in table) == sorted(names)


def test_a_fanout_reaches_every_queue_and_a_deleted_one_no_more(tmp_path: Path) -> None:
    exchange = Exchange("everybody", type="fanout")
    with connect(fsq.Transport, tmp_path) as connection:
        channel = connection.channel()
        queues = [Queue(name, exchange)(channel) for name in ("one", "two")]
        for queue in queues:
            queue.declare()
        producer = connection.Producer(channel)
        producer.publish("hello", exchange=exchange)
        assert [queue.get(no_ack=True).payload for queue in queues] == ["hello", "hello"]
        queues[0].delete()
        producer.publish("again", exchange=exchange)
        assert [row.queue for row in channel.get_table("everybody")] == ["two"]
        assert channel._size("one") == 0


def test_the_application_knows_the_transport_by_its_name() -> None:
    assert isinstance(celery_app.connection("fsq://localhost").transport, fsq.Transport)
