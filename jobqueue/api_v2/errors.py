"""Refusals in the error shape of this contract: ``{"error": {"code": …, "message": …}}``."""

from typing import Any

from rest_framework.exceptions import MethodNotAllowed, UnsupportedMediaType
from rest_framework.response import Response

from jobqueue.api import problems
from jobqueue.errors import Invalid, InvalidParameters, JobQueueError, NonRetriable, NotAllowed, Refused
from jobqueue.guarded import ChangedMeanwhile

KEPT_HEADERS = ("WWW-Authenticate", "Retry-After")

CODE_OF_STATUS = {
    400: "BadRequest",
    401: "Authentication_InvalidCredentials",
    403: "Authorization_AccessDenied",
    404: "Internal_RecordNotFound",
    405: "BadRequest_MethodNotAllowed",
    409: "Application_DialogException",
    412: "Request_EntityChanged",
    413: "BadRequest_RequestTooLarge",
    415: "BadRequest_UnsupportedMediaType",
    429: "BadRequest_TooManyRequests",
}


class ODataError(JobQueueError):
    """A refusal of this contract: the request itself cannot be answered."""

    http_status = 400
    code = "BadRequest"


class QueryError(ODataError):
    """A query option that is malformed, unknown, or not offered; the message names the place."""

    code = "BadRequest_NotFound"


class NoSuchAddress(ODataError):
    """Nothing answers at this address."""

    http_status = 404
    code = "BadRequest_ResourceNotFound"


class NoSuchRecord(ODataError):
    """The address names a record that does not exist for this caller."""

    http_status = 404
    code = "Internal_RecordNotFound"


class PreconditionFailed(ODataError):
    """The record is no longer the one whose ETag the caller shows in If-Match."""

    http_status = 412
    code = "Request_EntityChanged"


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """The exception handler of the views: status and sentence as everywhere, in this contract's shape and codes."""
    found = problems.handle(error, context)
    status, code = _status_and_code(error, found.status_code)
    response = Response({"error": {"code": code, "message": found.data["detail"]}}, status=status)
    for name in KEPT_HEADERS:
        if name in found:
            response[name] = found[name]
    if isinstance(error, MethodNotAllowed):
        view = context.get("view")
        response["Allow"] = ", ".join(view.allowed_methods) if view is not None else ""
    return response


def _status_and_code(error: Exception, status: int) -> tuple[int, str]:
    """Refusals of the product are errors of the application here, and have status 400."""
    if isinstance(error, ODataError):
        return status, error.code
    if isinstance(error, ChangedMeanwhile):
        return 409, "Request_EntityChanged"
    if isinstance(error, Invalid | InvalidParameters):
        return 400, "Application_FieldValidationException"
    if isinstance(error, Refused | NonRetriable) and not isinstance(error, NotAllowed) and status != 403:
        return 400, "Application_DialogException"
    if isinstance(error, UnsupportedMediaType):
        return 415, CODE_OF_STATUS[415]
    if status >= 500:
        return status, "Internal_ServerError"
    return status, CODE_OF_STATUS.get(status, "BadRequest")
