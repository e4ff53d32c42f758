"""Bearer credentials by kind: API tokens here, others from apps above (``Authorization: Bearer …``)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import HttpRequest

from jobqueue import api_tokens
from jobqueue.api.grants import Grant
from jobqueue.scheduler.clock import database_now


@dataclass(frozen=True, slots=True)
class Bearer:
    """One kind. ``recognises`` looks at the form of the text only; ``authenticate`` decides.

    ``authenticate`` raises a ``JobQueueError`` with a stable code: ``NotAllowed`` becomes 403, any other 401 unless the
    table in ``jobqueue.api.problems`` says otherwise.
    """

    kind: str
    recognises: Callable[[str], bool]
    authenticate: Callable[[str, HttpRequest], tuple[User, Grant]]


_bearers: dict[str, Bearer] = {}


def register_bearer(bearer: Bearer) -> None:
    """Adds a kind of bearer credentials; registering a kind again replaces it. Call it in ``AppConfig.ready``."""
    _bearers[bearer.kind] = bearer


def registered() -> Iterator[Bearer]:
    return iter(_bearers.values())


def _by_token(text: str, request: HttpRequest) -> tuple[User, Grant]:
    token = api_tokens.find(text, now=database_now())
    return token.user, Grant.limited(
        "token",
        reference=token.prefix,
        scopes=token.scopes,
        company_id=token.company_id,
        name=token.name,
        expires_at=token.expires_at,
    )


register_bearer(Bearer("token", lambda text: text.startswith(api_tokens.START), _by_token))
