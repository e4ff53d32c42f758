"""Whose address counts when sign-ins fail: the client's, not that of the proxy in front."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The last hop of ``X-Forwarded-For``, which our proxy wrote itself; earlier hops are the client's own claims.

    Only with ``TRUST_PROXY_HEADERS``; otherwise, or without the header, the address of the connection.
    """
    hops = request.headers.get("X-Forwarded-For", "") if settings.TRUST_PROXY_HEADERS else ""
    return hops.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR")
