"""Every operation of the OpenAPI document, with an address and a body that could be meant."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "put", "patch", "delete")
NOBODY = str(uuid.UUID(int=7))
NUMBER = "987654321"
# What the last part of a path before a parameter names its row by: an id unless it is a number or a word.
NUMBERED = (
    "notification-lists",
    "notification-targets",
    "webhooks",
    "messages",
    "monitored-jobs",
    "refresh-log",
    "package-runs",
    "recurrences",
    "clusters",
    "worker-sessions",
    "codeunit",
    "credentials",
    "setup-changes",
    "changes",
    "session-events",
)
WORDED = ("categories", "companies", "members", "runners")


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    body: Any

    @property
    def of_a_row(self) -> bool:
        return "{" in self.path.replace("{company}", "")

    def address(self, company: str, rows: dict[str, str] | None = None) -> str:
        """The address below ``company``: of ``rows`` (by the part of the path before the key), else of nothing."""
        parts = self.path.replace("{company}", company).split("/")
        for place, part in enumerate(parts):
            if part.startswith("{"):
                parts[place] = (rows or {}).get(self._row_at(parts, place)) or _unknown(parts, place)
        return "/".join(parts)

    @staticmethod
    def _row_at(parts: list[str], place: int) -> str:
        return "package-lines" if parts[place - 1] == "lines" and "packages" in parts else parts[place - 1]


def _unknown(parts: list[str], place: int) -> str:
    before = parts[place - 1]
    if before == "job-objects":
        return "codeunit"
    if before in WORDED:
        return "NOWHERE"
    numbered = before in NUMBERED or (before == "lines" and "packages" not in parts)
    return NUMBER if numbered else NOBODY


@cache
def document() -> dict[str, Any]:
    return SchemaGenerator(api_version="v1").get_schema(request=None, public=True)


@cache
def operations() -> tuple[Operation, ...]:
    return tuple(
        Operation(operation["operationId"], method, path, _body(operation))
        for path, found in document()["paths"].items()
        for method, operation in found.items()
        if method in METHODS
    )


def _body(operation: dict[str, Any]) -> Any:
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if media is None else _value(media["schema"])


def _value(schema: dict[str, Any]) -> Any:
    """The smallest value the schema allows."""
    if "$ref" in schema:
        return _value(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return _value(schema[word][0])
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind == "object":
        required = schema.get("required", ())
        return {
            name: _value(inner) for name, inner in schema.get("properties", {}).items() if name in required
        }
    if kind == "array":
        return [_value(schema["items"])]
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"uuid": NOBODY, "date-time": "2026-03-02T09:00:00Z"}.get(schema.get("format", ""), "x")


def schemas(found: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a part of the document."""
    if isinstance(found, dict):
        yield found
        for inner in found.values():
            yield from schemas(inner)
    elif isinstance(found, list):
        for inner in found:
            yield from schemas(inner)


def without_names(text: str) -> str:
    """A refusal without what it was asked for, so that two can be compared."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|“[^”]*”|NOWHERE|THEIRS", "…", text)
