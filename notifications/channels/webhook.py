"""Webhooks, signed as *Standard Webhooks* asks: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``.

The id stays the same however often a message is tried, so that the receiver can drop doubles. While a secret is being
replaced, the message carries one signature of the new secret and one of the old.
"""

import base64
import secrets as random
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh signing secret, written as receivers' libraries expect it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether the text is a signing secret: base64 of 24 to 64 bytes, with or without ``whsec_``.

    Source: *Standard Webhooks*, signature scheme.
    """
    try:
        length = len(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
    except ValueError:
        return False
    return 24 <= length <= 64


def signed_headers(
    body: bytes, *, message_id: str, sent_at: datetime, signing_secrets: Sequence[str]
) -> dict[str, str]:
    """The three headers of *Standard Webhooks*; one signature for each secret, the newest first. ``sent_at`` is aware.

    Without a secret the message goes unsigned: id and timestamp only.
    """
    at = sent_at.astimezone(UTC)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(at.timestamp()))}
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in signing_secrets]
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers
