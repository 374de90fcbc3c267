"""Keep the secrets of webhooks: sealed at rest where the project says by what, never shown again.

The setting ``MAINTENANCE_VAULT`` names a module with ``seal`` and ``unseal``, which take and return
text. A secret has the form of the specification "Standard Webhooks": ``whsec_`` and base64.
"""

import base64
import binascii
import secrets
from importlib import import_module
from typing import Any

from django.utils.translation import gettext as _

from maintenance import conf

PREFIX = "whsec_"
# The fewest and the most bytes that the specification allows.
FEWEST, MOST = 24, 64


class Unreadable(Exception):  # noqa: N818 a state of the world
    """The secret was sealed with a key that this server does not have."""


def make() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for. Raises ``ValueError`` with a sentence."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not FEWEST <= len(key) <= MOST:
        raise ValueError(
            _("A secret is whsec_ and %(fewest)d to %(most)d bytes as base64.")
            % {"fewest": FEWEST, "most": MOST}
        )
    return key


def seal(secret: str) -> str:
    vault = _vault()
    return str(vault.seal(secret)) if vault else secret


def unseal(sealed: str) -> str:
    """Return what was sealed. Raises ``Unreadable``, without any part of it."""
    vault = _vault()
    if vault is None:
        return sealed
    try:
        return str(vault.unseal(sealed))
    except Exception:  # noqa: BLE001 whatever the project's vault raises
        raise Unreadable("No key of this server opens the secret.") from None


def _vault() -> Any:
    name = conf.get("MAINTENANCE_VAULT")
    return import_module(name) if name else None
