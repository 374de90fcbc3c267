"""Say where the web process is to listen, and whether something listens there already."""

import argparse
import errno
import socket
from dataclasses import dataclass

from django.core.management import CommandError


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """Return what ``HOST:PORT``, ``[HOST]:PORT`` or ``PORT`` means."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no address to listen on: give HOST:PORT, for example 127.0.0.1:8000"
        )
    return Address(host, int(port))


def require_free(wanted: Address) -> None:
    """Raise ``CommandError`` if the address cannot be listened on.

    The web server shares ports between its own processes, so that it would not notice another.
    """
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((wanted.host, wanted.port))
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"{wanted} is in use by another program: stop that one, or choose another port "
                "(make run PORT=8001)."
            ) from None
        raise CommandError(f"{wanted} cannot be listened on: {error.strerror}.") from None
