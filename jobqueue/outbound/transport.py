"""The way out: connections that are opened only to checked addresses."""

import ipaddress
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from jobqueue.conf import settings
from jobqueue.outbound.addresses import Address, address_refusal, is_allowed_host
from jobqueue.outbound.errors import OutboundFailed, OutboundRefused


def checked_addresses(host: str, port: int) -> list[Address]:
    """The addresses of a host, all of them allowed; raises ``OutboundRefused`` if one is not, ``OutboundFailed`` if
    the name is unknown."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        words = getattr(error, "strerror", None) or error
        raise OutboundFailed(f"The name “{host}” cannot be resolved: {words}.") from None
    addresses = [ipaddress.ip_address(str(item[4][0])) for item in found]
    for address in addresses:
        word = address_refusal(address)
        if word and not is_allowed_host(host, port, address, allowed=settings().outbound_allowed_hosts):
            raise OutboundRefused(
                f"“{host}” leads to the {word} address {address}, which jobs may not call. "
                f"An administrator can allow it by adding “{host}:{port}” to OUTBOUND_ALLOWED_HOSTS."
            )
    return list(dict.fromkeys(addresses))


class CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections only to checked addresses, and to exactly the address that was checked."""

    def __init__(self) -> None:
        self._open = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"“{host}” has no address.")
        for address in checked_addresses(host, port):
            try:
                return self._open.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> Any:
        raise OutboundRefused("Unix sockets are not called from jobs.")

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class GuardedTransport(httpx.BaseTransport):
    """Carries httpx requests over :class:`CheckedNetwork`; for clients that need more than :func:`send`."""

    def __init__(self) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            network_backend=CheckedNetwork(),
            max_keepalive_connections=0,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Stream(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()
