"""Posting JSON to a target, and what its answer means for the message: taken, try later, or never.

Targets are checked by the outbound rule (*Decisions, Safety*). Redirects are not followed: a redirected POST loses its
body or its signature, so the target has to name its final address.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from jobqueue import outbound
from notifications.channels import Permanent, Temporary

TIMEOUT_SECONDS = 15.0
SHOWN_ANSWER = 200
MOST_ANSWER_BYTES = 256 * 1024
LONGEST_WAIT_SECONDS = 86_400
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.LOCKED)
ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s“”]+")
MOVED = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT)


def json_body(payload: Any) -> bytes:
    """The payload as it is signed and sent: compact, UTF-8."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def post(address: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> outbound.Answer:
    """Posts a JSON body; returns the answer of a target that took it.

    Raises :class:`Temporary` and :class:`Permanent` with a sentence that names the host only: the rest of the address
    may be a secret.
    """
    host = host_of(address)
    call = outbound.Call(
        method="POST",
        address=address,
        headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        body=body,
        timeout_seconds=TIMEOUT_SECONDS,
        follow_redirects=False,
        max_response_bytes=MOST_ANSWER_BYTES,
    )
    try:
        answer = outbound.send(call)
    except outbound.OutboundRefused as error:
        raise Permanent(_without_address(error.message, host=host)) from None
    except outbound.OutboundFailed as error:
        raise Temporary(_without_address(error.message, host=host), unreachable=True) from None
    require_taken(answer, host=host)
    return answer


def require_taken(answer: outbound.Answer, *, host: str) -> None:
    """Returns for an answer of success; else raises what it means."""
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{host} answered {status_words(status)}{_excerpt(answer)}"
    if status in GONE:
        raise Permanent(f"{said} The target is gone: enter its new address, or remove it from the lists.")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status in LATER or status >= 500:
        wait = retry_after_seconds(answer.headers.get("retry-after", ""), now=datetime.now(UTC))
        raise Temporary(said, retry_after=wait, unreachable=status in (502, 503, 504))
    if status in MOVED:
        raise Permanent(
            f"{said} Messages are not sent after redirects: enter the final address of the target."
        )
    if 300 <= status < 400:
        raise Temporary(f"{said} Messages are not sent after redirects.")
    raise Permanent(f"{said} The target refuses the message.")


def retry_after_seconds(value: str, *, now: datetime) -> float | None:
    """The seconds a ``Retry-After`` header asks for, as seconds or a date; None if it says nothing usable."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value), LONGEST_WAIT_SECONDS))
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), float(LONGEST_WAIT_SECONDS))


def host_of(address: str) -> str:
    """The part of a target's address people may see: ``hooks.example.com``, with the port if it is not the usual one.

    Raises ``OutboundRefused`` for what is no address.
    """
    host, port, encrypted = outbound.target_of(address)
    return host if port == (443 if encrypted else 80) else f"{host}:{port}"


def status_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _excerpt(answer: outbound.Answer) -> str:
    """The beginning of the answer on one line, as ``: “…”.``; a full stop if there is nothing to read."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in answer.text[:2_000]).split())
    if not text or text.startswith("<"):
        return "."
    return f": “{text[:SHOWN_ANSWER]}{'…' if len(text) > SHOWN_ANSWER else ''}”."


def _without_address(message: str, *, host: str) -> str:
    """The message with the host in place of the address, whose path and query are secrets, however it is written."""
    return ADDRESS.sub(host, message)
