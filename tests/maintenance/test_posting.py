"""A message is signed as receivers expect it; no receiver takes more than its time and bytes."""

import time

import pytest

from maintenance.notices import posting, secrets, signing
from tests.maintenance import receivers


def test_the_signature_is_that_of_the_specification() -> None:
    """The example that its libraries are tested with."""
    headers = signing.headers(
        key="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=1614265330,
        body=b'{"test": 2432232314}',
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_ä"]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and 24 to 64 bytes"):
        secrets.key_of(secret)


def test_a_made_secret_is_one_and_never_the_same() -> None:
    made = {secrets.make() for _ in range(10)}
    assert len(made) == 10
    assert all(len(secrets.key_of(each)) == 32 for each in made)


def test_a_message_arrives_as_it_is_with_its_query() -> None:
    with receivers.answering() as received:
        answer = posting.post(received.url, b"{}", {"webhook-id": "1"})
    assert answer == posting.Answer(200)
    [(headers, body)] = received.messages
    assert (headers[":path"], headers["webhook-id"], body) == ("/hook?key=1", "1", b"{}")


def test_a_redirect_is_not_followed() -> None:
    with receivers.answering() as other:
        to = {"Location": other.url}
        with receivers.answering(status=307, headers=to) as received:
            assert posting.post(received.url, b"{}", {}).status == 307
        assert other.messages == []


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    with receivers.answering(status=500, answer=b"x" * 5_000_000) as received:
        assert posting.post(received.url, b"{}", {}).text == "x" * posting.ANSWER


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_a_receiver_that_hangs_or_drips_is_left_in_time(drip: bytes) -> None:
    began = time.monotonic()
    with (
        receivers.hanging(drip=drip) as (url, _),
        pytest.raises(posting.NoAnswer, match=r"no answer"),
    ):
        posting.post(url, b"{}", {}, whole=0.5)
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://no-such-host.invalid/"]
)
def test_who_is_not_there_is_said_without_the_address(url: str) -> None:
    with pytest.raises(posting.NoAnswer, match="no connection") as caught:
        posting.post(url, b"{}", {})
    assert "127.0.0.1" not in str(caught.value)
    assert "no-such-host" not in str(caught.value)


def test_plain_http_behind_https_is_no_answer() -> None:
    with receivers.answering() as received, pytest.raises(posting.NoAnswer):
        posting.post(received.url.replace("http:", "https:"), b"{}", {})
    assert received.messages == []
