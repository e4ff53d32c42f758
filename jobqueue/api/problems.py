"""The one error shape of the API: problem details (RFC 9457) with the codes the admin and the commands use too.

``code`` is stable, ``detail`` a sentence with the next step; ``errors`` lists every finding as ``field``, ``code`` and
``message`` when there is more to say than one sentence.
"""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from jobqueue.api.authentication import CredentialsRefused
from jobqueue.errors import (
    ForbiddenUser,
    Invalid,
    InvalidParameters,
    JobQueueError,
    NonRetriable,
    NotAllowed,
    NotFound,
    Problem,
    Refused,
)
from jobqueue.guarded import ChangedMeanwhile
from jobqueue.outbound import OutboundFailed, OutboundRefused
from jobqueue.schedule import ScheduleError
from jobqueue.secrets import CredentialUnusable

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:jobwarden:problem:"

# The first class that fits decides; derived ones stand before their bases.
STATUS_OF: tuple[tuple[type[JobQueueError], int], ...] = (
    (NotAllowed, 403),
    (ForbiddenUser, 403),
    (NotFound, 404),
    (Refused, 409),
    (Invalid, 400),
    (InvalidParameters, 400),
    (NonRetriable, 400),
    (OutboundRefused, 400),
    (OutboundFailed, 502),
    (CredentialUnusable, 503),
    (JobQueueError, 400),
)
CODES = {
    exceptions.ParseError: "malformed",
    exceptions.NotFound: "not_found",
    exceptions.Throttled: "too_many_requests",
}


def status_of(error: JobQueueError) -> int:
    """The HTTP status of a refusal; an error class may name its own as ``http_status``."""
    own = getattr(error, "http_status", None)
    return own or next(status for kind, status in STATUS_OF if isinstance(error, kind))


def problem(
    status: int, code: str, detail: str, *, errors: list[Problem] | None = None, instance: str = ""
) -> dict[str, Any]:
    """The body of a refusal."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if instance:
        body["instance"] = instance
    if errors:
        body["errors"] = [
            {"field": found.field, "code": found.code, "message": found.message} for found in errors
        ]
    return body


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: every error of a view as problem details, also the ones nobody foresaw."""
    set_rollback()
    request = context.get("request")
    path = request.path if request is not None else ""
    if isinstance(error, JobQueueError):
        lost = isinstance(error, ChangedMeanwhile) and request is not None and "If-Match" in request.headers
        return _answer(412 if lost else status_of(error), error.code, error.message, _findings(error), path)
    if isinstance(error, ScheduleError):
        return _answer(409, error.code, error.message, [], path)
    if isinstance(error, CredentialsRefused):
        return _challenged(_answer(error.status_code, error.refusal.code, error.refusal.message, [], path))
    if isinstance(error, Http404):
        return _answer(404, "not_found", _sentence(error, "There is nothing at this address."), [], path)
    if isinstance(error, PermissionDenied):
        return _answer(403, "not_allowed", _sentence(error, "You may not do this."), [], path)
    if isinstance(error, RequestDataTooBig):
        return _answer(413, "too_large", "The request is larger than this server accepts.", [], path)
    if isinstance(error, exceptions.ValidationError):
        found = list(_validation(error.detail))
        return _answer(400, "invalid", " ".join(one.message for one in found), found, path)
    if isinstance(error, exceptions.APIException):
        return _drf(error, path)
    logger.exception("An API call failed.", exc_info=error)
    got_request_exception.send(sender=None, request=getattr(request, "_request", None))
    return _answer(
        500,
        "internal_error",
        "The server failed to answer. The failure is in its log; try again, or ask an administrator.",
        [],
        path,
    )


def _drf(error: exceptions.APIException, path: str) -> Response:
    code = next((word for kind, word in CODES.items() if isinstance(error, kind)), "") or str(
        error.default_code
    )
    response = _answer(error.status_code, code, f"{str(error.detail).rstrip('.')}.", [], path)
    if isinstance(error, exceptions.Throttled) and error.wait is not None:
        response["Retry-After"] = str(int(error.wait) + 1)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return _challenged(response)
    return response


def _challenged(response: Response) -> Response:
    if response.status_code == 401:
        invalid = response.data["code"] != "not_authenticated"
        response["WWW-Authenticate"] = 'Bearer realm="Jobwarden"' + (
            ', error="invalid_token"' if invalid else ""
        )
    return response


def _answer(status: int, code: str, detail: str, errors: list[Problem], path: str) -> Response:
    body = problem(status, code, detail, errors=errors, instance=path)
    return Response(body, status=status, content_type=CONTENT_TYPE)


def _findings(error: JobQueueError) -> list[Problem]:
    return list(getattr(error, "problems", ()))


def _sentence(error: Exception, fallback: str) -> str:
    """Messages of ours are sentences; those of the framework speak of models and queries."""
    text = str(error)
    return text if text.endswith(".") and "matches the given query" not in text else fallback


def _validation(detail: Any, field: str = "") -> Iterator[Problem]:
    """The findings of a serializer, nested ones as ``lines[2].name``."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _validation(inner, f"{field}.{own}" if field and own else own or field)
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            if inner:
                yield from _validation(inner, f"{field}[{position}]" if nested else field)
    else:
        named = f"{field}: {detail}" if field else str(detail)
        yield Problem(field, getattr(detail, "code", "invalid"), named)
