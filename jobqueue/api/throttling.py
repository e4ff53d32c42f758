"""How many calls: counted per caller and minute in a cache all web processes share."""

import time

from django.conf import settings
from django.core.cache import caches
from django.utils.module_loading import import_string
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW_SECONDS = 60
CACHE = "shared"


class CallerThrottle(BaseThrottle):
    """At most ``API_CALLS_PER_MINUTE`` calls of one token, user or, when nobody is known, address."""

    def allow_request(self, request: Request, view: object) -> bool:
        return count(_caller(request), now=clock()) <= settings.API_CALLS_PER_MINUTE

    def wait(self) -> float:
        return seconds_left()


def clock() -> float:
    """Seconds by this host's clock; windows begin at full minutes."""
    return time.time()


def seconds_left() -> float:
    """Seconds until the window in which calls are counted ends."""
    return WINDOW_SECONDS - clock() % WINDOW_SECONDS


def too_many_refusals(request: Request) -> bool:
    """Counts one more refusal of credentials from this address; True if it had too many within this minute.

    Credentials that are good are never held up by those of others behind the same address.
    """
    return count(f"refused:{address_of(request)}", now=clock()) > settings.API_REFUSALS_PER_MINUTE


def count(caller: str, *, now: float) -> int:
    """Counts one call of ``caller`` in the present window and returns how many there were in it."""
    cache, key = caches[CACHE], _key(caller, now=now)
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    try:
        return cache.incr(key)
    except ValueError:  # emptied in between
        return 1


def address_of(request: Request) -> str:
    """The client's address, by the same rule as for failed sign-ins."""
    found = import_string(settings.AXES_CLIENT_IP_CALLABLE)(request._request)
    return found or "unknown"


def _caller(request: Request) -> str:
    if not request.user.is_authenticated:
        return f"address:{address_of(request)}"
    return f"{request.auth.kind}:{request.auth.reference or request.user.pk}"


def _key(caller: str, *, now: float) -> str:
    return f"api-calls:{caller}:{int(now // WINDOW_SECONDS)}".replace(" ", "")
