"""Encrypt sensitive values at rest, with the keys of the setting ``VARIABLES_KEY``."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):  # noqa: N818 a state of the world
    """No key of this server opens the value."""


def seal(value: str) -> str:
    """Return ``value`` as only this server's keys can read it."""
    return _keys(tuple(settings.VARIABLES_KEYS)).encrypt(value.encode()).decode()


def unseal(token: str) -> str:
    """Return what was sealed. Raises ``Unreadable``, without any part of it."""
    try:
        return _keys(tuple(settings.VARIABLES_KEYS)).decrypt(token.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unreadable("VARIABLES_KEY does not open it") from None


@lru_cache(maxsize=8)
def _keys(texts: tuple[str, ...]) -> MultiFernet:
    """The first key seals, all of them open: a new one goes in front of the old."""
    return MultiFernet([Fernet(_derived(text)) for text in texts])


def _derived(text: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"octoserver variables")
    return base64.urlsafe_b64encode(derivation.derive(text.encode()))
