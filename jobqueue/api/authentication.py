"""Who is calling: a bearer token, or the session of somebody signed in to the admin."""

import logging
from typing import Any

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DjangoSession
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from jobqueue.api import bearers
from jobqueue.api.grants import SESSION, Grant
from jobqueue.errors import JobQueueError, NotAllowed

logger = logging.getLogger(__name__)

LONGEST_CREDENTIALS = 16_384


class CredentialsRefused(APIException):
    """Credentials were shown and are not accepted: 401, or 403 where who is calling is clear but may not.

    ``default_code`` is the stable code of the refusal.
    """

    def __init__(self, refusal: JobQueueError) -> None:
        super().__init__(refusal.message, code=refusal.code)
        self.refusal = refusal
        self.status_code = getattr(refusal, "http_status", 403 if isinstance(refusal, NotAllowed) else 401)


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer …`` of any registered kind; other schemes are left to others."""

    def authenticate(self, request: Request) -> tuple[User, Grant] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            return self._authenticated(text.strip(), request)
        except JobQueueError as refusal:
            logger.warning(
                "An API call was refused: %s (%s)",
                refusal.message,
                refusal.code,
                extra={"code": refusal.code, "path": request.path, "reason": getattr(refusal, "detail", "")},
            )
            raise CredentialsRefused(refusal) from refusal

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Jobwarden"'

    @staticmethod
    def _authenticated(text: str, request: Request) -> tuple[User, Grant]:
        if len(text) <= LONGEST_CREDENTIALS:
            for bearer in bearers.registered():
                if bearer.recognises(text):
                    return bearer.authenticate(text, request._request)
        raise JobQueueError(
            "The bearer token has no form known here. Send an API token (jw_…) or an access token of Entra ID.",
            code="token_unknown",
        )


class SessionAuthentication(DjangoSession):
    """The admin's own sign-in, for pages of the product that call the API; writing needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        return None if found is None else (found[0], SESSION)
