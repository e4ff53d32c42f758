"""Connections to the login server and Graph: certificates verified by our own setting, no proxy of the environment."""

import ssl
from typing import Any

import httpx
import requests
from requests.adapters import HTTPAdapter

BUSY = (408, 429)


class _Timed(HTTPAdapter):
    """Gives every request a time limit; msal sets none. Raises ``HTTPError`` for a server in trouble."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        super().__init__()

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        answer = super().send(request, **{**options, "timeout": options.get("timeout") or self._seconds})
        if (answer.status_code in BUSY or answer.status_code >= 500) and not _is_json(answer):
            # What a proxy or an overloaded server says; msal would look for OAuth in it.
            raise requests.HTTPError(f"status {answer.status_code}", response=answer)
        return answer


def _is_json(answer: requests.Response) -> bool:
    try:
        return isinstance(answer.json(), dict)
    except ValueError:
        return False


def session(*, ca_file: str = "", timeout_seconds: float = 15, proxy: str = "") -> requests.Session:
    """The HTTP client msal is given. Variables such as HTTPS_PROXY and REQUESTS_CA_BUNDLE do not count."""
    made = requests.Session()
    if proxy:
        made.proxies = {"https": proxy}
    made.trust_env = False
    made.verify = ca_file or True
    made.mount("https://", _Timed(timeout_seconds))
    return made


def client(*, ca_file: str = "", timeout_seconds: float = 15) -> httpx.Client:
    """The HTTP client for keys and Graph, by the same rules; it follows no redirect."""
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=ca_file) if ca_file else True
    return httpx.Client(verify=verify, trust_env=False, timeout=timeout_seconds, follow_redirects=False)
