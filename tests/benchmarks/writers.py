"""People who send changes as fast as they are answered, each over a connection of their own."""

import socket
import threading
import time
from dataclasses import dataclass, field

TOKEN = "a" * 32
BODY = f"csrfmiddlewaretoken={TOKEN}".encode()
TIMEOUT = 60.0


@dataclass
class Writer:
    """One signed-in person; counts the answers and notes when each was asked for and given."""

    port: int
    session: str
    administrator: bool
    written: list[tuple[float, float]] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    @property
    def attempts(self) -> int:
        return len(self.written) + len(self.refused) + len(self.unexpected)

    def request(self) -> bytes:
        head = (
            "POST /change/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
            f"Cookie: sessionid={self.session}; csrftoken={TOKEN}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(BODY)}\r\n\r\n"
        )
        return head.encode() + BODY

    def run(self, stop: threading.Event) -> None:
        """Send changes until told to stop; a broken connection counts as an unexpected answer."""
        request = self.request()
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as line:
                    while not stop.is_set():
                        self._send(line, request)
            except (OSError, ValueError) as error:
                self.unexpected.append(repr(error))
                stop.wait(0.1)

    def _send(self, line: socket.socket, request: bytes) -> None:
        asked = time.monotonic()
        line.sendall(request)
        status = receive(line)
        times = (asked, time.monotonic())
        if status == 200:
            self.written.append(times)
        elif status == 503:
            self.refused.append(times)
        else:
            self.unexpected.append(f"status {status}")


def receive(line: socket.socket) -> int:
    """Read one whole answer and return its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(line)
    head, _, body = data.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    lengths = [h[15:] for h in headers if h.lower().startswith(b"content-length:")]
    if not lengths:
        raise ValueError("an answer without a length")
    missing = int(lengths[0]) - len(body)
    while missing > 0:
        missing -= len(_more(line))
    return int(status.split()[1])


def _more(line: socket.socket) -> bytes:
    piece = line.recv(65536)
    if not piece:
        raise ConnectionError("the server closed the connection")
    return piece
