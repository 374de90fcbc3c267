"""Where the web process is to listen."""

import argparse
import socket

import pytest
from django.core.management import CommandError

from octoserver import listening
from octoserver.listening import Address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8001", Address("127.0.0.1", 8001)),
        (":8001", Address("127.0.0.1", 8001)),
        ("0.0.0.0:80", Address("0.0.0.0", 80)),
        ("[::1]:8000", Address("::1", 8000)),
        ("octoserver.example.com:8000", Address("octoserver.example.com", 8000)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: Address) -> None:
    assert listening.address(text) == expected


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "localhost:http", "0", "1:65536"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"give HOST:PORT, for example"):
        listening.address(text)


def test_an_address_is_written_as_in_a_url() -> None:
    assert [str(Address("::1", 80)), str(Address("localhost", 80))] == ["[::1]:80", "localhost:80"]


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        taken = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(CommandError, match=rf"^{taken} is in use by another program: "):
            listening.require_free(taken)
    listening.require_free(taken)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CommandError, match=r"^192\.0\.2\.1:80 cannot be listened on: "):
        listening.require_free(Address("192.0.2.1", 80))
