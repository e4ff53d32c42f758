"""What every refusal of the API looks like."""

import json
from typing import Any


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """Asserts that the answer is a problem as RFC 9457 describes it, and returns it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:jobwarden:problem:{code}")
    assert body["title"]
    assert body["detail"].endswith(".")
    return body
