"""Examples for every JSON body of the OpenAPI document that has none of its own, and nulls as OpenAPI 3.1 writes them.

Written by hand are examples that say something about a resource; the others are put together from sample values by the
name of the field, so that a reader sees every body whole and a generated client has something to try.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
JSON = "application/json"
DEEPEST = 6
PAGES = ("next", "previous")
ENTRY = "0b6b7a3c-5f0e-4f0e-9a55-6a1f4f5f3c11"
MOMENT = "2026-03-02T08:00:00Z"

FORMS: dict[str, Any] = {
    "date-time": MOMENT,
    "date": "2026-03-02",
    "time": "08:00:00",
    "uuid": ENTRY,
    "uri": "https://jobs.example.com/api/v1/companies/main/",
    "email": "anna@example.com",
}
KINDS: dict[str, Any] = {"string": "", "integer": 1, "number": 1.5, "boolean": True, "null": None}
# fmt: off
USUALLY_NULL = frozenset((
    "activated_at", "activated_by", "cancel_requested_at", "cancelled_by", "duration_seconds",
    "error_kind", "error_register", "expires_at", "external_enabled_at", "failed_at", "from_line",
    "gap_last_due_at", "held_at", "held_by", "held_until", "hold_requested_at", "last_failure_at",
    "modified_by", "oldest_due_task_seconds", "oldest_unsent_message_seconds", "only_line", "opens_at",
    "previous", "resumed_from", "revoked_at", "revoked_by", "run_as_user", "sent_again_from",
))
# fmt: on
"""Of fields that may be null, those that mostly are."""
VALUES: dict[str, Any] = {
    "about": f"entry:{ENTRY}",
    "action": "set-ready",
    "always": False,
    "address": "anna@example.com",
    "caption": "HTTP request",
    "category_code": "BANK",
    "changes": {"Minutes between runs": ["60", "30"]},
    "code": "main",
    "company": "main",
    "content_type": "application/pdf",
    "created_by": "anna",
    "credentials": "Nightly export (jw_3f9a1c2b…)",
    "default_time_zone": "Europe/Brussels",
    "description": "Fetch exchange rates",
    "detail": "“Fetch exchange rates” is In Process. Cancel the run first.",
    "drift": {"Minutes between runs": ["30", "60"]},
    "ended_by": None,
    "ending_time": "18:00:00",
    "end_reason": "",
    "entries": [ENTRY],
    "entry": ENTRY,
    "entry_description": "Fetch exchange rates",
    "entry_no": 12,
    "error_message": "",
    "events": ["entry_error"],
    "failure_limit": 15,
    "field": "minutes_between_runs",
    "field_name": "minutes_between_runs",
    "file_name": "worker-runner-main.toml",
    "fix": "Start “manage.py jobworker”.",
    "held": False,
    "host": "alpha",
    "hold_reason": "Bank holiday",
    "identity": "anna",
    "is_duplicate": False,
    "is_inactive": False,
    "is_system": False,
    "is_test": False,
    "language": "en",
    "list": 3,
    "local": "2026-03-02T09:00:00+01:00",
    "manual_recurrence": False,
    "max_attempts": 3,
    "main_routine": "jobqueue.dispatch",
    "message": "“Fetch exchange rates” is Ready and runs as anna.",
    "minutes_between_runs": 60,
    "name": "On call",
    "next": "https://jobs.example.com/api/v1/companies/main/entries/?page=2",
    "next_run_date_formula": "1D+CM",
    "object_caption": "HTTP request",
    "object_type": "Codeunit",
    "older_than_days": 365,
    "opener": "Operator",
    "owner_kind": "",
    "owner_reference": "",
    "package_name": "Nightly",
    "packages": [ENTRY],
    "parameters": {"url": "https://rates.example/today"},
    "parameters_schema": {"type": "object", "properties": {"url": {"type": "string", "format": "uri"}}},
    "permission": None,
    "pid": 4711,
    "problems": [],
    "prefix": "jw_3f9a1c2b",
    "reason": "Bank holiday",
    "priority": "Normal",
    "priority_within_category": "Normal",
    "recipient": "anna",
    "record": "shop.order:4711",
    "reference": "jw_3f9a1c2b",
    "registered_by": "",
    "registration_errors": [],
    "repeat_minutes": 60,
    "rerun_delay_seconds": 180,
    "run_equal_orders_together": False,
    "run_order": 10,
    "runner": "runner-main",
    "default_runner": "runner-main",
    "scenario": "entry_error",
    "scenarios": ["entry_error"],
    "scopes": ["view", "operate"],
    "secret": "whsec_…",
    "sentence": "It starts at 08:00 as things stand.",
    "site_id": "acme-test",
    "former_site_id": "acme",
    "source": f"entry:{ENTRY}",
    "started_by": "anna",
    "starting_time": "08:00:00",
    "status_url": f"https://jobs.example.com/api/v1/companies/main/enqueue/{ENTRY}/",
    "subject": "Jobwarden: Fetch exchange rates failed",
    "text": "14 rates were fetched.",
    "threshold_minutes": 30,
    "time_zone": "Europe/Brussels",
    "timeout_seconds": 43_200,
    "unserved": [],
    "url": "https://jobs.example.com",
    "user": "anna",
    "user_language": "en",
    "verb": "set-ready",
    "version": "1.1.0",
    "warnings": [],
    "why": "drifted",
    "worker": "worker-alpha",
}


BODIES: dict[str, Any] = {
    "categories_create": {"code": "BANK", "description": "Bank files", "slots": 1},
    "categories_change": {"slots": 2},
    "companies_create": {"code": "north", "name": "North", "time_zone": "Europe/Oslo"},
    "companies_change": {"name": "The north"},
    "monitored_jobs_change": {"runner": "runner-main", "auto_reschedule": True},
    "notification_lists_create": {"name": "On call", "description": "Nights and weekends"},
    "notification_lists_change": {"is_enabled": False},
    "packages_copy": {"name": "Nightly, second try"},
    "packages_run_now": {"from_line": 20},
    "refresh_setup_change": {"enabled": True, "default_runner": "runner-main"},
    "refresher_outcome": {"cycle": ENTRY, "succeeded": False, "error": "The login server did not answer."},
    "targets_create": {
        "name": "Operations",
        "kind": "Microsoft Teams",
        "address": "https://teams.example.com/hook",
    },
    "targets_change": {"is_enabled": False},
    "webhooks_change": {"events": ["entry_error", "package_completion"]},
}
"""Of requests by their operation, where the sum of all fields would say less."""


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular, after all others."""
    components: dict[str, Any] = result.get("components", {}).get("schemas", {})
    for schema in components.values():
        _say_null(schema)
    for operations in result["paths"].values():
        for operation in operations.values():
            if not isinstance(operation, dict):
                continue
            asked, own = operation.get("requestBody", {}), BODIES.get(operation.get("operationId", ""))
            if own is not None and JSON in asked.get("content", {}):
                asked["content"][JSON]["examples"] = {"Example": {"value": own}}
            _show(asked, components, whole=False)
            for status, answer in operation.get("responses", {}).items():
                if status.startswith("2"):
                    _show(answer, components, whole=True)
    return result


def _show(body: dict[str, Any], components: Mapping[str, Schema], *, whole: bool) -> None:
    """Gives a body an example; those written by hand get what they lack of it."""
    media = body.get("content", {}).get(JSON)
    if media is None:
        return
    schema = media.get("schema", {})
    if not media.get("examples"):
        media["examples"] = {"Example": {"value": sample(schema, components)}}
    for example in media["examples"].values():
        example["value"] = completed(example["value"], schema, components, whole=whole)


def completed(value: Any, schema: Schema, components: Mapping[str, Schema], *, whole: bool) -> Any:
    """The value with the required fields it lacks, or ``whole``: with every field."""
    while "$ref" in schema or "allOf" in schema:
        schema = schema["allOf"][0] if "allOf" in schema else components[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [completed(one, inner, components, whole=whole) for one in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    found = {}
    for name, inner in schema["properties"].items():
        if name in PAGES:
            found[name] = sample(inner, components, name=name)
        elif name in value:
            found[name] = completed(value[name], inner, components, whole=whole)
        elif whole or name in schema.get("required", ()):
            found[name] = sample(inner, components, name=name)
    return found


def sample(schema: Schema, components: Mapping[str, Schema], *, name: str = "", depth: int = 0) -> Any:
    """A value the schema allows, as it could stand in an answer."""
    if "$ref" in schema:
        return sample(components[schema["$ref"].rpartition("/")[2]], components, name=name, depth=depth)
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return _one_of(schema[word], components, name=name, depth=depth)
    if not schema.keys() - {"description", "title", "readOnly", "writeOnly"}:
        return VALUES.get(name, {})
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "null" in kinds and name in USUALLY_NULL:
        return None
    if "enum" in schema:
        return VALUES[name] if VALUES.get(name) in schema["enum"] else schema["enum"][0]
    if name in VALUES and _is(VALUES[name], kinds):
        return VALUES[name]
    kind = next((kind for kind in kinds if kind != "null"), "null")
    if kind == "object":
        return _object(schema, components, depth=depth)
    if kind == "array":
        wanted = schema.get("items", {})
        return [] if depth > DEEPEST else [sample(wanted, components, name=name, depth=depth + 1)]
    return _plain(schema, kind)


def _one_of(choices: list[Schema], components: Mapping[str, Schema], *, name: str, depth: int) -> Any:
    if name in USUALLY_NULL and {"type": "null"} in choices:
        return None
    return sample(choices[0], components, name=name, depth=depth)


def _object(schema: Schema, components: Mapping[str, Schema], *, depth: int) -> Any:
    found = {
        name: sample(inner, components, name=name, depth=depth + 1)
        for name, inner in schema.get("properties", {}).items()
    }
    if found or depth > DEEPEST:
        return found
    inner = schema.get("additionalProperties")
    return {"Ready": sample(inner, components, depth=depth + 1)} if isinstance(inner, dict) and inner else {}


def _plain(schema: Schema, kind: str) -> Any:
    if "default" in schema:
        return schema["default"]
    if schema.get("examples"):
        return schema["examples"][0]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1) if schema.get("maximum", 1) >= 1 else schema["maximum"]
    if kind == "string":
        return FORMS.get(schema.get("format", ""), "x" * schema.get("minLength", 0))
    return KINDS[kind]


def _is(value: Any, kinds: list[str]) -> bool:
    names = {
        bool: "boolean",
        int: "integer",
        str: "string",
        list: "array",
        dict: "object",
        type(None): "null",
    }
    return names[type(value)] in kinds


def _say_null(schema: Any) -> None:
    """``nullable`` is no word of OpenAPI 3.1: its readers would expect the type alone."""
    if isinstance(schema, list):
        for inner in schema:
            _say_null(inner)
    elif isinstance(schema, dict):
        if schema.get("nullable") is True and isinstance(schema.get("type"), str):
            del schema["nullable"]
            schema["type"] = [schema["type"], "null"]
            schema.pop("example", None)
        for inner in schema.values():
            _say_null(inner)
