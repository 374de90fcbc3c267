"""Carry messages in files, each of which appears whole or not at all.

Kombu's own filesystem transport writes in place, so that a reader may meet half a message (which
ends the worker) or half a table of bindings (which loses messages). Here everything is written to a
dot-file, which no reader looks at, and renamed into place.
"""

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose messages and bindings are published atomically, in order across reboots."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for folder in (self.data_folder_in, self.data_folder_out, self.control_folder):
            Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _put(  # type: ignore[override]  # the two classes above it disagree on a name
        self, queue: str, payload: dict[str, Any], **kwargs: Any
    ) -> None:
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        _publish(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        for name in self._names():
            if name.partition(".")[2] == f"{queue}.msg":
                payload = self._take(Path(self.data_folder_in) / name)
                if payload is not None:
                    return payload
        raise Empty

    def _names(self) -> list[str]:
        try:
            return sorted(os.listdir(self.data_folder_in))
        except FileNotFoundError:  # emptied by hand while we run; the next message makes it anew
            return []

    def _take(self, path: Path) -> Any:
        """Return what the file holds if this reader is the one who removed it and can read it."""
        try:
            content = path.read_bytes()
            path.unlink()
        except OSError:
            return None
        try:
            payload = loads(content.decode())
            self.Message(payload, channel=self)
        except Exception as error:  # noqa: BLE001 whatever a file holds must not end the worker
            logger.warning("Dropped the unreadable message %s: %s", path.name, error)
            return None
        return payload

    def get_table(self, exchange: str) -> list[Any]:
        try:
            rows = loads(self._file(exchange).read_text())
        except (FileNotFoundError, ValueError):
            rows = (self.state.exchanges or {}).get(exchange, {}).get("table", [])
        return [_binding(*row) for row in rows]

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None
    ) -> None:
        binding = _binding(routing_key, pattern, queue)
        with self._table_locked():
            rows = [row for row in self.get_table(exchange) if row != binding]
            _publish(self._file(exchange), [binding, *rows])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        self._purge(queue)
        binding = _binding(routing_key, pattern, queue)
        with self._table_locked():
            rows = [row for row in self.get_table(exchange) if row != binding]
            _publish(self._file(exchange), rows)

    def _file(self, exchange: str) -> Path:
        """Return where the table lies; refuses a name that would lead out of the folder."""
        return Path(self._exchange_file(exchange))  # type: ignore[attr-defined]

    @contextmanager
    def _table_locked(self) -> Iterator[None]:
        with (self.control_folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _binding(
    routing_key: str | None, pattern: str | None, queue: str | None
) -> filesystem.exchange_queue_t:
    return filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")


def _publish(path: Path, content: Any) -> None:
    """Make the content readable under its name at once and as a whole."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4()}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        draft.write_text(dumps(content))
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ChannelError(f"The broker's file {path} cannot be written: {error}") from error


class Transport(filesystem.Transport):
    """The transport behind ``fsq://``."""

    Channel = Channel
    global_state = virtual.BrokerState()
