"""Sign the messages to webhooks as the specification "Standard Webhooks" has it.

The signature is an HMAC-SHA256 over identifier, time and body, so that a receiver can tell a
message of this server from anybody else's, and refuse one that is sent to it again later. A library
for so few lines would bring an HTTP client along.
"""

import base64
import hashlib
import hmac

from maintenance.notices import secrets


def headers(*, key: str, at: int, body: bytes, secret: str) -> dict[str, str]:
    """Return the three headers of a message; ``at`` is the time of the attempt, in whole seconds.

    Raises ``ValueError`` for what is no secret.
    """
    signed = f"{key}.{at}.".encode() + body
    digest = hmac.new(secrets.key_of(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
