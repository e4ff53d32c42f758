"""What was published of /api/v1/ stays: addresses, operations, parameters and fields are only added.

``published.txt`` holds one line for each. ``python -m tests.api.test_published`` adds what is new since.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).with_name("published.txt")
METHODS = ("get", "post", "put", "patch", "delete")


def contract(document: dict[str, Any]) -> Iterator[str]:
    """Whatever a client may rely on, one line each."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            operation = operations.get(method)
            if operation is None:
                continue
            name = operation["operationId"]
            yield f"{name} = {method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                yield f"{name} takes {parameter['in']} {parameter['name']}"
            for status in operation["responses"]:
                if status.startswith("2"):
                    yield f"{name} answers {status}"
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", ()):
            yield f"{name}.{field}"
        for value in schema.get("enum", ()):
            yield f"{name} may be {value}"


@cache
def document() -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    found: dict[str, Any] = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)
    return found


def test_nothing_that_was_published_is_gone():
    gone = sorted(set(PUBLISHED.read_text().splitlines()) - set(contract(document())))
    assert not gone, "Clients rely on these; keep them, or begin a version 2: " + "; ".join(gone)


def test_nothing_becomes_required_of_clients():
    """A field or parameter that must be sent breaks every client that does not."""
    required = {
        f"{operation['operationId']} {parameter['name']}"
        for operations in document()["paths"].values()
        for operation in operations.values()
        if isinstance(operation, dict)
        for parameter in operation.get("parameters", ())
        if parameter.get("required") and parameter["in"] != "path"
    }
    assert required == set()


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    known = set(PUBLISHED.read_text().splitlines()) if PUBLISHED.exists() else set()
    PUBLISHED.write_text("\n".join(sorted(known | set(contract(document())))) + "\n")
    sys.exit(0)
