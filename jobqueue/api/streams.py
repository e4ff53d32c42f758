"""Server-sent events: calls that stay open and tell what changes; only under an ASGI server (design, API).

A :class:`Stream` is a view like any other: credentials, company, level, scope and limits are asked for before it
answers, and again every few seconds while it is open. What it watches looks at the database once a second, in a few
threads all streams of the process share, so that an open stream costs no connection of its own.

The form is that of the HTML standard: ``event``, ``id`` and ``data`` (JSON). A stream ends by the event ``end``; who
comes back with its id is told 204, at which browsers stop asking.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol, TypeVar

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, connections
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.errors import JobQueueError

LOOK_EVERY_SECONDS = 1.0
ASK_AGAIN_SECONDS = 5.0
"""How long a stream may go on after its credentials ended."""
KEEP_ALIVE_SECONDS = 15.0
LONGEST_SECONDS = 900.0
RETRY_MILLISECONDS = 3_000
THREADS = 4
MOST_OF_ONE_CALLER = 20
END = "end"

LAST_EVENT = OpenApiParameter(
    "Last-Event-ID",
    str,
    OpenApiParameter.HEADER,
    description="Id of the last event you got: the stream goes on after it.",
)
ANSWER: dict[Any, Any] = {
    (200, "text/event-stream"): OpenApiTypes.STR,
    204: OpenApiResponse(description="The stream you come back to has ended; do not ask again."),
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``key`` is what a client names to go on after it; without one the last key stays."""

    name: str
    data: Any
    key: str = ""

    def encoded(self) -> bytes:
        head = f"event: {self.name}\n" + (f"id: {self.key}\n" if self.key else "")
        return head.encode() + b"data: " + JSONRenderer().render(self.data) + b"\n\n"


class Watch(Protocol):
    """What a stream looks at: ``look`` asks the database for what is new, ``ended`` says why nothing follows."""

    ended: str

    def look(self) -> Iterable[Event]: ...


class NeedsAsgi(exceptions.APIException):
    """Under WSGI a call that stays open would keep a thread of few."""

    status_code = 406
    default_code = "events_need_asgi"


class TooManyStreams(exceptions.APIException):
    status_code = 429
    default_code = "too_many_streams"


class AnyMediaType(BaseContentNegotiation):
    """What is answered has the type it has, whatever is asked for; refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Seat:
    """One of the streams this process keeps open; given back when the stream ends, however it ends."""

    _taken: ClassVar[Counter[str]] = Counter()
    _lock: ClassVar[AbstractContextManager[Any]] = threading.RLock()

    def __init__(self, caller: str) -> None:
        self.caller = ""
        with self._lock:
            full = self._taken.total() >= settings.LIVE_STREAMS
            if full or self._taken[caller] >= MOST_OF_ONE_CALLER:
                raise TooManyStreams(
                    "Too many streams are open on this server. Close some, or poll with If-None-Match."
                    if full
                    else f"You keep {MOST_OF_ONE_CALLER} streams open. Close some, or poll with If-None-Match."
                )
            self._taken[caller] += 1
            self.caller = caller

    def leave(self) -> None:
        with self._lock:
            if self.caller:
                self._taken[self.caller] -= 1
                if not self._taken[self.caller]:
                    del self._taken[self.caller]
                self.caller = ""

    def __del__(self) -> None:
        self.leave()


class Stream:
    """Mixed into a view. :meth:`stream` answers; ``polled_at`` names the address to poll instead."""

    content_negotiation_class = AnyMediaType
    request: Request
    args: Any
    kwargs: Any

    def stream(self, watch: Watch, *, polled_at: str) -> HttpResponseBase:
        """The open answer. Raises ``NeedsAsgi`` under WSGI, ``TooManyStreams`` where no more are kept open."""
        if not isinstance(self.request._request, ASGIRequest):
            raise NeedsAsgi(
                f"This server answers calls one by one (WSGI) and keeps none open. Poll {polled_at} with If-None-Match "
                "instead, or ask for an ASGI server.",
            )
        if self.request.headers.get("Last-Event-ID") == END:
            return Response(status=204)
        if self.request.method == "HEAD":
            return HttpResponse(content_type="text/event-stream")
        grant = self.request.auth
        seat = Seat(f"{grant.kind}:{grant.reference or self.request.user.pk}")
        connections.close_all()  # the thread of this call waits until the stream ends
        response = StreamingHttpResponse(
            _events(watch, seat=seat, still_allowed=self.still_allowed), content_type="text/event-stream"
        )
        response["Cache-Control"] = "private, no-cache"
        response["X-Accel-Buffering"] = "no"
        return response

    def last_key(self) -> int:
        """The number in ``Last-Event-ID``; 0 without one."""
        text = self.request.headers.get("Last-Event-ID", "").strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0

    def still_allowed(self) -> bool:
        """Whether the call would be let in if it came now: its credentials, its user, company, level and scope."""
        again: Any = copy(self)
        http = copy(self.request._request)
        http.__dict__.pop("_cached_user", None)
        http.session = import_module(settings.SESSION_ENGINE).SessionStore(http.session.session_key)
        http.user = get_user(http)
        again.request = again.initialize_request(http, *self.args, **self.kwargs)
        try:
            again.perform_authentication(again.request)
            again.check_permissions(again.request)
        except (JobQueueError, exceptions.APIException, Http404):
            return False
        return True


async def _events(watch: Watch, *, seat: Seat, still_allowed: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The bytes of one stream, until what it watches ends, the caller leaves or may no longer see it."""
    began = asked = said = time.monotonic()
    try:
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        while True:
            if time.monotonic() - asked >= ASK_AGAIN_SECONDS:
                if not await _in_pool(still_allowed):
                    yield Event(END, {"reason": "not_allowed"}).encoded()
                    return
                asked = time.monotonic()
            for event in await _in_pool(lambda: list(watch.look())):
                yield event.encoded()
                said = time.monotonic()
            if watch.ended:
                yield Event(END, {"reason": watch.ended}, key=END).encoded()
                return
            if time.monotonic() - began >= LONGEST_SECONDS:
                return  # whoever still listens comes back with the id of its last event
            if time.monotonic() - said >= KEEP_ALIVE_SECONDS:
                yield b": still here\n\n"
                said = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    finally:
        seat.leave()


_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="streams")


async def _in_pool(act: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_pool, _with_connection, act)


def _with_connection(act: Callable[[], T]) -> T:
    """Threads of the pool keep their connections; one that broke is made anew, once."""
    try:
        return act()
    except DatabaseError:
        connections.close_all()
        return act()
