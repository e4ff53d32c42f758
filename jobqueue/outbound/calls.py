"""One request and its answer, redirects included."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpcore
import httpx

from jobqueue.outbound.errors import OutboundFailed, OutboundRefused
from jobqueue.outbound.transport import GuardedTransport

MAX_REDIRECTS = 5
MAX_RESPONSE_BYTES = 10 * 1024 * 1024
DEFAULT_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The last response of a request, read to its end. ``address`` is where redirects ended."""

    status: int
    headers: httpx.Headers
    body: bytes
    address: str
    charset: str | None = None

    @property
    def text(self) -> str:
        """The body as text; UTF-8 unless the answer names another encoding Python knows."""
        try:
            return self.body.decode(self.charset or "utf-8", errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``secret_headers`` are sent to the first origin only, never to where it redirects."""

    method: str
    address: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    follow_redirects: bool = True
    max_response_bytes: int = MAX_RESPONSE_BYTES


def send(call: Call) -> Answer:
    """Sends a request under the outbound rule; any status is an answer.

    ``timeout_seconds`` limits each wait and the whole call. Raises ``OutboundRefused`` and ``OutboundFailed``.
    """
    until = time.monotonic() + call.timeout_seconds
    headers = {"User-Agent": "Jobwarden", "Accept-Encoding": "identity", **call.headers}
    with _client(call.timeout_seconds) as client:
        try:
            request = client.build_request(
                call.method, call.address, headers=headers, content=call.body or None
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise OutboundRefused(
                f"“{call.address}” is not an address that can be called: {error}."
            ) from None
        first = _origin(request.url)
        for _hop in range(MAX_REDIRECTS + 1):
            request.headers.update(call.secret_headers if _origin(request.url) == first else {})
            answer, following = _exchange(client, request, call=call, until=until)
            if following is None or not call.follow_redirects:
                return answer
            request = _without(following, names=call.secret_headers)
    raise OutboundFailed(f"“{call.address}” redirects more than {MAX_REDIRECTS} times.")


def target_of(address: str) -> tuple[str, int, bool]:
    """Host, port and whether the connection is encrypted; raises ``OutboundRefused`` for what is no address."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise OutboundRefused(f"“{address}” is not an address that can be called: {error}.") from None
    _require_callable(url)
    return url.host, _origin(url)[2] or 0, url.scheme == "https"


def _require_callable(url: httpx.URL) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise OutboundRefused(f"“{url}” does not begin with http:// or https:// and a host.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise OutboundRefused(f"“{url}” has the port {url.port}; ports go from 1 to 65535.")
    if url.userinfo:
        raise OutboundRefused(
            "An address must not contain a user name or password. Use a credential instead."
        )


def _client(timeout_seconds: float) -> httpx.Client:
    return httpx.Client(
        transport=GuardedTransport(),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(timeout_seconds),
    )


def _exchange(
    client: httpx.Client, request: httpx.Request, *, call: Call, until: float
) -> tuple[Answer, httpx.Request | None]:
    """One request and its response; the second value is the request a redirect asks for."""
    _require_callable(request.url)
    try:
        response = client.send(request, stream=True)
        try:
            body = _read(response, limit=call.max_response_bytes, until=until)
        finally:
            response.close()
    except (
        httpx.HTTPError,
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
    ) as error:
        reason = str(error) or type(error).__name__
        raise OutboundFailed(f"{request.method} {request.url} failed: {reason.rstrip('.')}.") from None
    address, charset = str(request.url), response.charset_encoding
    return Answer(response.status_code, response.headers, body, address, charset), response.next_request


def _read(response: httpx.Response, *, limit: int, until: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > limit:
            raise OutboundFailed(f"The answer of {response.request.url} is larger than {limit:,} bytes.")
        if time.monotonic() > until:
            raise OutboundFailed(f"{response.request.url} did not finish its answer in time.")
    return bytes(body)


def _without(request: httpx.Request, *, names: Iterable[str]) -> httpx.Request:
    for name in names:
        request.headers.pop(name, None)
    return request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
