"""What the OpenAPI document says beside its operations: the rules that hold everywhere, conditional requests, headers.

Hooks of drf-spectacular; they run after those of :mod:`jobqueue.api.schema`.
"""

from typing import Any

from drf_spectacular.openapi import AutoSchema

ABOUT = """Everything the screens of the job queue can do, for systems.

## Calling
Send `Authorization: Bearer` with an API token (made under *People → API tokens*) or an access token of Entra ID.
`GET /api/v1/me/` says who it acts as, what it may do, and which companies it reaches. Everything of a company is below
`/api/v1/companies/<code>/`; what the credentials do not reach answers 404, as if it did not exist. Addresses end with a
slash. Bodies are JSON in UTF-8; a field or query parameter nobody knows is refused, and so is a name given twice.
Moments are ISO 8601; answers give them in UTC.

## Statuses and verbs
A status is never written. Verbs are POST sub-resources in the words of the screens (`set-ready`, `set-on-hold`,
`restart`, `run-now`, `run-once`, `cancel`, …). They answer with a sentence and the row as it is now; `done` is false
where nothing had to be done. A one-off entry is gone after a successful run (404); its runs stay in the log, which
`log-entries/?entry=<id>` and `enqueue/<id>/` find. An entry *In Process* takes `cancel` and `set-on-hold` only (409).

## Lists
Pages of 50, or `page_size` up to 500. Lists with `page` have a `count`; logs are read by `cursor`. Follow `next` until
it is null. `search` looks for words that all have to occur; `ordering` takes a field, `-` before it turns it round.

## Conditions
Answers to GET carry an `ETag`; sent back as `If-None-Match` the answer is 304 without a body while nothing has changed.
Poll so, once a second at most. Where `If-Match` is taken, it makes a change fail with 412 (`changed_meanwhile`) if
somebody else was faster. ETags that a proxy has made weak (`W/"…"`) are good for both.

## Refusals
Every refusal is `application/problem+json` (RFC 9457). Decide by `code`, which is stable; `detail` is for people, and
`errors` names each field. 401: `not_authenticated`, `token_unknown`, `token_expired`, `token_revoked`, `user_disabled`.
403: `scope_missing`, `not_allowed`, `forbidden_user`, `permission_denied`. 404: `not_found`, `page_out_of_range`,
`cursor_unknown`. 409: `refused` and other codes that say what stands against it. 429: wait as many seconds as
`Retry-After` says. 5xx: try again later; 503 is temporary.

## Webhooks
What Jobwarden posts to subscribed addresses is described under *Webhooks* in this document.

## Versions
Within `/api/v1/` fields, addresses and codes are only added. Ignore what you do not know.
"""

IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The ETag of an earlier answer: 304 while nothing has changed.",
}
ETAG = {
    "schema": {"type": "string"},
    "description": "For If-None-Match, and for If-Match where it is taken.",
}
LOCATION = {"schema": {"type": "string", "format": "uri-reference"}, "description": "Where to look for it."}
RETRY_AFTER = {"schema": {"type": "integer"}, "description": "Seconds to wait before asking again."}
APPLIED = {"schema": {"type": "string"}, "description": "The preference that was followed, such as wait=10."}
REPLAYED = {
    "schema": {"type": "string", "enum": ["true"]},
    "description": "This answer is that of an earlier call with the same Idempotency-Key.",
}
CHALLENGE = {"schema": {"type": "string"}, "description": "How to sign in (RFC 6750)."}
NAMED_BY = {
    "string": "Its code.",
    "uuid": "Its id (UUID), as lists show it.",
    "integer": "Its number, as lists show it.",
}
IN_WORDS = {
    "entry": "Entry No. or id (UUID) of the job queue entry.",
    "entry_id": "Id (UUID) of the job queue entry; it may be gone.",
    "run": "Number of the run.",
    "object_id": "Number of the object.",
}
HEADERS: dict[tuple[str, str], dict[str, Any]] = {
    ("enqueue", "200"): {"Preference-Applied": APPLIED, "Idempotency-Replayed": REPLAYED},
    ("enqueue", "202"): {
        "Location": LOCATION,
        "Retry-After": RETRY_AFTER,
        "Preference-Applied": APPLIED,
        "Idempotency-Replayed": REPLAYED,
    },
    ("entries_create", "201"): {"Location": LOCATION, "ETag": ETAG},
    ("entries_change", "200"): {"ETag": ETAG},
    ("packages_change", "200"): {"ETag": ETAG},
    ("packages_run_now", "202"): {"Location": LOCATION},
    ("packages_resume", "202"): {"Location": LOCATION},
}


class Schema(AutoSchema):
    """Only lists that are read come in pages and can be narrowed; answers of verbs that hold several rows do not."""

    def _get_paginator(self) -> Any:
        return super()._get_paginator() if self.method == "GET" else None

    def get_filter_backends(self) -> list[Any]:
        return super().get_filter_backends() if self.method == "GET" else []


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: adds what :data:`ABOUT` promises to each operation."""
    result["info"]["description"] = ABOUT
    for operations in result["paths"].values():
        for method, operation in operations.items():
            _describe(operation, method=method)
    result["components"]["responses"]["Refused401"]["headers"] = {"WWW-Authenticate": CHALLENGE}
    _either_or_both(result)
    return result


def _describe(operation: dict[str, Any], *, method: str) -> None:
    responses = operation["responses"]
    if "application/json" not in responses.get("200", {}).get("content", {}):
        responses.pop("304", None)  # files and streams are not polled
    if method == "get" and "304" in responses:
        operation["parameters"] = [*operation.get("parameters", ()), IF_NONE_MATCH]
        for status in ("200", "304"):
            responses[status].setdefault("headers", {})["ETag"] = ETAG
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and not parameter.get("description"):
            schema = parameter["schema"]
            words = NAMED_BY[schema.get("format") or schema["type"]]
            parameter["description"] = IN_WORDS.get(parameter["name"], words)
    for (name, status), headers in HEADERS.items():
        if operation["operationId"] == name and status in responses:
            responses[status].setdefault("headers", {}).update(headers)
    for status, response in responses.items():
        if status >= "400" and "$ref" not in response and "content" not in response:
            schema = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {"application/problem+json": {"schema": schema}}


def _either_or_both(found: Any) -> None:
    """An empty text may fit two choices: one of them is enough."""
    if isinstance(found, list):
        for inner in found:
            _either_or_both(inner)
    elif isinstance(found, dict):
        if isinstance(found.get("oneOf"), list) and {"type": "string", "maxLength": 0} in found["oneOf"]:
            found["anyOf"] = found.pop("oneOf")
        for inner in found.values():
            _either_or_both(inner)
