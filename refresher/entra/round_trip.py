"""Sending an administrator to the login server and taking the answer: one state, one use, one session, ten minutes.

The browser comes back to one fixed address, ``/entra/return/``, which has to be registered in Entra ID as redirect URI.
What the answer says about tenant or user authorises nothing: what is to be done was kept in the session.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from jobqueue.errors import Refused

SESSION_KEY = "entra_round_trip"
GOOD_FOR_SECONDS = 600
RETURN_PATH = "/entra/return/"


class RoundTripRefused(Refused):
    """The answer of the login server belongs to no question of this session."""

    code = "entra_state_unknown"


def redirect_uri(request: HttpRequest) -> str:
    """Where the browser comes back to, without the company of the page it left from."""
    return f"{request.scheme}://{request.get_host()}{RETURN_PATH}"


def new_state() -> str:
    return secrets.token_urlsafe(32)


def begin(request: HttpRequest, *, state: str, purpose: str, values: Mapping[str, Any]) -> None:
    """Keeps in the session what the answer with this ``state`` is for; a former question is forgotten."""
    request.session[SESSION_KEY] = {
        "state": state,
        "purpose": purpose,
        "user": request.user.pk,
        "company": request.company.code,  # type: ignore[attr-defined]
        "until": time.time() + GOOD_FOR_SECONDS,
        **values,
    }


def end(request: HttpRequest, *, state: str) -> dict[str, Any]:
    """What :func:`begin` kept, once. Raises ``RoundTripRefused`` for an unknown, used, foreign or old state."""
    kept = request.session.get(SESSION_KEY) or {}
    known = str(kept.get("state", ""))
    if not state or not known or not secrets.compare_digest(known.encode(), state.encode()):
        raise RoundTripRefused(
            "This answer of the login server belongs to nothing you began here, or was used already. Begin again."
        )
    del request.session[SESSION_KEY]
    if kept["user"] != request.user.pk or kept["until"] < time.time():
        raise RoundTripRefused("The answer of the login server came too late. Begin again.")
    return kept


def company_of(request: HttpRequest) -> str:
    """The company whose page the round trip began on; empty if there is none."""
    return str((request.session.get(SESSION_KEY) or {}).get("company", ""))
