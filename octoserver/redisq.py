"""Carry wake-ups by Redis, and forget those that a lost connection leaves unacknowledged.

Kombu's own transport puts them back while it closes the connection, for which it needs one: where
Redis has gone away, that ends the worker instead of letting it connect again. A wake-up may be
lost.
"""

from typing import Any

from kombu.transport import redis


class QoS(redis.QoS):
    """Puts nothing back."""

    def restore_unacked_once(self, stderr: Any = None) -> None:
        if self._delivered is not None:
            self._delivered.clear()


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    """The transport behind ``redis://`` and ``rediss://``."""

    Channel = Channel
