"""How the OpenAPI document speaks of credentials and refusals (drf-spectacular finds these classes when imported)."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "jobqueue.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token (jw_…) made in the admin, or an access token of Entra ID.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "jobqueue.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The sign-in of the admin; writing needs the header X-CSRFToken as well.",
        }


REFUSALS = {
    "400": ("invalid", "The input breaks a rule; “errors” lists each finding."),
    "401": ("not_authenticated", "No credentials, or none that are accepted."),
    "403": ("not_allowed", "The user lacks the right, or the credentials lack the scope."),
    "404": ("not_found", "There is nothing here that these credentials reach."),
    "406": ("not_acceptable", "The address answers in no media type that was asked for."),
    "409": ("refused", "Not possible in the present status; “detail” says the way out."),
    "412": ("changed_meanwhile", "Changed since it was read with this ETag."),
    "413": ("too_large", "The body is larger than this server accepts."),
    "415": ("unsupported_media_type", "Send application/json."),
    "429": ("too_many_requests", "Wait as many seconds as Retry-After says."),
}
ALWAYS = ("400", "401", "403", "404", "406", "429")
WRITING = ("409", "413", "415")
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "A refusal: problem details (RFC 9457). Decide by “code”, which is stable; “detail” is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "urn:jobwarden:problem: and the code."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was refused, why, and what to do next."},
        "code": {"type": "string", "description": "Stable; the same in admin, API and command line."},
        "instance": {"type": "string", "description": "The address that was called."},
        "errors": {
            "type": "array",
            "description": "Every finding, where there is more to say than one sentence.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Empty for the whole."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
COMPANY_PARAMETER = (
    "Code of the company. One that these credentials do not reach is 404, as if it did not exist."
)


def add_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: every operation tells how it refuses, in the one shape all refusals have."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    components["responses"] = {
        f"Refused{status}": _refusal(status, code, words) for status, (code, words) in REFUSALS.items()
    }
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _describe(operation, path=path, method=method)
    return result


def _describe(operation: dict[str, Any], *, path: str, method: str) -> None:
    parts = [part for part in path.split("/") if part and not part.startswith("{")]
    places = [part for part in parts if part not in ("api", "v1", "companies")]
    operation["tags"] = [places[0].replace("-", " ") if places else "companies"]
    statuses = list(ALWAYS)
    if method in ("post", "put", "patch", "delete"):
        statuses += WRITING
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "If-Match" in names:
        statuses.append("412")
    for status in statuses:
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/Refused{status}"})
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "company" and parameter["in"] == "path":
            parameter |= {"description": COMPANY_PARAMETER, "example": "main"}
    if "200" in operation["responses"] and method == "get":
        operation["responses"].setdefault(
            "304", {"description": "Unchanged since the ETag in If-None-Match."}
        )
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _refusal(status: str, code: str, words: str) -> dict[str, Any]:
    example = {
        "type": f"urn:jobwarden:problem:{code}",
        "title": HTTPStatus(int(status)).phrase,
        "status": int(status),
        "detail": words,
        "code": code,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {code: {"value": example}}}
    found: dict[str, Any] = {"description": words, "content": {"application/problem+json": content}}
    if status == "429":
        found["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return found
