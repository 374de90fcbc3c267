"""Post to an address that may be slow, wrong or hostile, within a bound of time and of bytes.

Over Python's own client: what HTTP libraries add (redirects, retries, proxies, cookies, pools) must
not happen here, and none bounds the whole of an exchange, only the time between two bytes of it.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

# Seconds until there is a connection, and for everything from then on.
CONNECT, WHOLE = 5.0, 10.0
# Bytes of an answer that are read at most, to show why a message was refused.
ANSWER = 2048


class NoAnswer(Exception):  # noqa: N818 a state of the world
    """No answer came; the words never have the address, which may be a secret."""


@dataclass(frozen=True)
class Answer:
    """What the receiver answered; ``text`` is the beginning of it, where it refused."""

    status: int
    text: str = ""


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, connect: float = CONNECT,
    whole: float = WHOLE,
) -> Answer:  # fmt: skip
    """Send ``body`` and return the answer; ``connect`` and ``whole`` are in seconds.

    Follows no redirect. Raises ``NoAnswer``.
    """
    parts = urlsplit(url)
    try:
        connection = _connected(parts, timeout=connect)
        with _ended_after(whole, connection.sock) as late:
            try:
                return _exchange(connection, parts, body, headers, whole)
            finally:
                connection.close()
                # What was cut off may look like an answer, or like any error.
                if late.is_set():
                    raise NoAnswer(f"no answer within {whole:g} seconds") from None
    except ssl.SSLCertVerificationError as error:
        raise NoAnswer(f"its certificate is not trusted: {error.verify_message}") from None
    except TimeoutError:
        raise NoAnswer("no answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        words = getattr(error, "strerror", None) or type(error).__name__
        raise NoAnswer(f"no connection: {words}") from None


def _connected(parts: SplitResult, *, timeout: float) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    is_tls = parts.scheme == "https"
    make = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    connection = make(host, parts.port, timeout=timeout)
    found = socket.create_connection((host, connection.port), timeout)
    if is_tls:
        # The handshake comes later, when the clock of the whole runs.
        found = ssl.create_default_context().wrap_socket(
            found, server_hostname=host, do_handshake_on_connect=False
        )
    connection.sock = found
    return connection


@contextmanager
def _ended_after(seconds: float, found: socket.socket) -> Iterator[threading.Event]:
    """Shut the connection down then, even if the other side sends a byte now and then."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):
            socket.socket.shutdown(found, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _exchange(
    connection: http.client.HTTPConnection,
    parts: SplitResult,
    body: bytes,
    headers: Mapping[str, str],
    timeout: float,
) -> Answer:
    connection.sock.settimeout(timeout)
    if isinstance(connection.sock, ssl.SSLSocket):
        connection.sock.do_handshake()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, body=body, headers=dict(headers))
    response = connection.getresponse()
    if 200 <= response.status < 300:
        return Answer(response.status)
    return Answer(response.status, response.read(ANSWER).decode("utf-8", "replace"))
