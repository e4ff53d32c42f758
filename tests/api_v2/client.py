"""A client the way integrations with Business Central are written: keys in parentheses, options, annotations."""

import json
from typing import Any
from urllib.parse import quote

from rest_framework.test import APIClient

from jobqueue.models import Company


class Client:
    """Calls below one company. Answers are the parsed bodies; other statuses than ``expected`` fail the test."""

    def __init__(self, api: APIClient, company: Company) -> None:
        self.api = api
        self.base = f"/api/v2.0/companies({company.pk})"

    def get(self, path: str = "", /, *, expected: int = 200, prefer: str = "", **options: Any) -> Any:
        query = "&".join(f"${name}={quote(str(text), safe='')}" for name, text in options.items())
        headers = {"Prefer": prefer} if prefer else {}
        return self.at(f"{self.base}{path}{'?' if query else ''}{query}", expected=expected, headers=headers)

    def at(self, address: str, *, expected: int = 200, headers: Any = None) -> Any:
        response = self.api.get(address, headers=headers or {})
        assert response.status_code == expected, response.content
        assert response["OData-Version"] == "4.0"
        return json.loads(response.content)

    def entries(self, **options: Any) -> list[Any]:
        return self.get("/jobQueueEntries", **options)["value"]

    def runs(self, **options: Any) -> list[Any]:
        return self.get("/jobQueueLogEntries", **options)["value"]

    def refusal(self, path: str, *, status: int = 400, **options: Any) -> tuple[str, str]:
        return refused(self.get(path, expected=status, **options))


def refused(body: Any) -> tuple[str, str]:
    """Code and message of a refusal, whose shape is checked."""
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    code, message = body["error"]["code"], body["error"]["message"]
    assert message.endswith("."), message
    return code, message
