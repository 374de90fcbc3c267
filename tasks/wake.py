"""Ask workers to look at the queue: a message without arguments, which may be lost.

A burst of requests needs few messages, since a woken worker goes on until nothing is ready: the
first is sent at once, those of the next 10 milliseconds together as one. A broker that is down is
left alone for a while; the scheduler and the workers look by themselves meanwhile.
"""

import atexit
import logging
import os
import threading
import time
from typing import Any

from celery import current_app

NAME = "tasks.wake"
# Seconds until connecting or sending counts as failed, and how often to try again.
TIMEOUT = 1.0
RETRIES = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

logger = logging.getLogger(__name__)


class Waker:
    """The wake-ups of one process."""

    DEBOUNCE = 0.01
    # Seconds for which a broker that failed is left alone.
    BREAK = 5.0
    # Seconds for which the thread that sends what is held back stays for more.
    IDLE = 5.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._producer: Any = None
        self._is_sending = False
        # When what is held back is to be sent, and the thread that does.
        self._due: float | None = None
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._last = self._broken_until = float("-inf")

    def request(self) -> None:
        """Wake a worker soon. Never raises; a dead broker costs seconds once, then nothing."""
        with self._lock:
            now = time.monotonic()
            if self._due is not None or now < self._broken_until:
                return
            wait = self._last + self.DEBOUNCE - now
            # While one waits for a broker that hangs, nobody else has to.
            if wait > 0 or self._is_sending:
                self._hold_back(until=now + (wait if wait > 0 else self.DEBOUNCE))
                return
            self._last, self._is_sending = now, True
        self._send()

    def flush(self) -> None:
        """Send what is held back, if anything is: its time has come, or the process ends."""
        with self._lock:
            if self._due is None:
                return
            self._due = None
            if time.monotonic() < self._broken_until:
                return
            self._last, self._is_sending = time.monotonic(), True
        self._send()

    def _hold_back(self, *, until: float) -> None:
        """Leave it to a thread, which is kept: to begin one for each would hold up a burst."""
        self._due = until
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="wake", daemon=True)
            self._thread.start()
        else:
            self._changed.notify()

    def _serve(self) -> None:
        while self._wait_until_due():
            self.flush()

    def _wait_until_due(self) -> bool:
        """Wait for something to be held back, and for its time; False if nothing is for long."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._due is not None, timeout=self.IDLE):
                self._thread = None
                return False
            while self._due is not None and (left := self._due - time.monotonic()) > 0:
                self._changed.wait(left)
            return True

    def latency(self) -> float:
        """Return the seconds that it takes to hand over one wake-up. Raises what fails."""
        began = time.monotonic()
        self._publish()
        return time.monotonic() - began

    def _send(self) -> None:
        try:
            self._publish()
        except Exception as error:  # noqa: BLE001 whatever the broker has must not fail a request
            with self._lock:
                self._broken_until = time.monotonic() + self.BREAK
            logger.warning("The broker took no wake-up, the next sweep will do: %s", error)
        finally:
            self._is_sending = False

    def _publish(self) -> None:
        with self._sending:
            try:
                self._producer = self._producer or _connect()
                # As Celery would send it, without what only a task that is executed needs.
                self._producer.publish(
                    ((), {}, {}),
                    headers={"task": NAME, "id": NAME},
                    serializer="json",
                    exchange="",
                    routing_key=current_app.conf.task_default_queue,
                    retry=True,
                    retry_policy=RETRIES,
                )
            except BaseException:
                self._producer = None
                raise


def _connect() -> Any:
    """Open a connection of our own: a worker's waits longer than a request may."""
    connection = current_app.connection_for_write(
        connect_timeout=TIMEOUT,
        transport_options={"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT},
    )
    return current_app.amqp.Producer(connection)


_waker = Waker()


def request() -> None:
    """Wake a worker soon; never raises. Call it when what is to be found is committed."""
    _waker.request()


def latency() -> float:
    """Return the seconds that the broker takes for one wake-up. Raises what fails."""
    return _waker.latency()


def renew() -> None:
    """Begin anew, as a forked child must: its parent's threads, locks and sockets are not its."""
    global _waker
    _waker = Waker()


os.register_at_fork(after_in_child=renew)
atexit.register(lambda: _waker.flush())
