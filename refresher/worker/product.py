"""The product's calls, each with its retries."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from refresher.worker import calling
from refresher.worker.calling import CallFailed, Patience
from refresher.worker.configuration import Configuration

WHO = "Jobwarden"
OPTION = "product.url"
LOOK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of ``/readyz``: each check by its name, with whether it is well and the reason."""

    checks: dict[str, tuple[bool, str]]


class Product:
    """Jobwarden as seen from outside."""

    def __init__(self, configuration: Configuration, patience: Patience) -> None:
        product = configuration.product
        self._base = product.url.rstrip("/")
        self._patience = patience
        self._look_seconds = min(LOOK_SECONDS, product.timeout_seconds)
        self._http: httpx.Client = calling.client(
            ca_file=configuration.path(product.ca_file),
            proxy=product.proxy,
            timeout_seconds=product.timeout_seconds,
        )

    def close(self) -> None:
        self._http.close()

    def readiness(self) -> Readiness:
        """Raises ``CallFailed`` if nobody answers, or not in the form of Jobwarden."""
        return self._patience.tried("health", self._look)

    def assignments(self, token: str) -> dict[str, Any]:
        return self._call("GET", "refresher/assignments/", token)

    def refresh(self, company: str, token: str, *, cycle: str) -> dict[str, Any]:
        return self._call(
            "POST", f"companies/{quote(company, safe='')}/refresh/", token, body={"cycle": cycle}
        )

    def post_outcome(self, token: str, **values: Any) -> dict[str, Any]:
        return self._call("POST", "refresher/outcomes/", token, body=values)

    def status(self, token: str) -> dict[str, Any]:
        return self._call("GET", "refresher/status/", token)

    def _call(self, method: str, path: str, token: str, *, body: Any = None) -> dict[str, Any]:
        address = f"{self._base}/api/v1/{path}"
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

        def call() -> dict[str, Any]:
            response = calling.send(
                self._http, method, address, who=WHO, option=OPTION, headers=headers, json=body
            )
            return calling.answered(response, who=WHO, option=OPTION)

        return self._patience.tried(f"{method} {path}", call)

    def _look(self) -> Readiness:
        address = f"{self._base}/readyz"
        response = calling.send(
            self._http, "GET", address, who=WHO, option=OPTION, timeout=self._look_seconds
        )
        if response.status_code in (200, 503):
            try:
                checks = response.json()["checks"]
                return Readiness(
                    {str(name): (one["status"] == "ok", str(one["reason"])) for name, one in checks.items()}
                )
            except (ValueError, KeyError, TypeError, AttributeError):
                pass
        calling.answered(response, who=WHO, option=OPTION)
        raise CallFailed(
            f"{WHO} did not answer as Jobwarden does. Check {OPTION}.",
            status=response.status_code,
            code="garbage",
            transient=True,
        )
