"""Receivers of webhooks on loopback: one that answers, one that hangs, one that drips."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Received:
    """What has come, and what to answer."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def answering(**values: object) -> Iterator[Received]:
    """Serve until the end of the block; keys of the received headers are in lower case."""
    received = Received(**values)  # type: ignore[arg-type]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found = {name.lower(): value for name, value in self.headers.items()}
            received.messages.append((found | {":path": self.path}, body))
            self.send_response(received.status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(received.answer)))
            self.end_headers()
            self.wfile.write(received.answer)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/hook?key=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def hanging(*, drip: bytes = b"") -> Iterator[tuple[str, threading.Event]]:
    """Accept connections and answer nothing, or a byte every 50 ms; yields also when one came."""
    came, over = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def hold(found: socket.socket) -> None:
        with found:
            while drip and not over.wait(0.05):
                try:
                    found.sendall(drip)
                except OSError:
                    return
            over.wait()

    def accept() -> None:
        while True:
            try:
                found, _ = listener.accept()
            except OSError:
                return
            held.append(found)
            came.set()
            threading.Thread(target=hold, args=(found,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", came
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
