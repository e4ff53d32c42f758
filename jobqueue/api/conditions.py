"""Conditional requests (RFC 9110): ``If-None-Match`` answers 304 cheaply, ``If-Match`` guards against lost updates."""

import re
from hashlib import sha256
from typing import Any

from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, quote_etag
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.models import Entry

POLLED = "private, no-cache"
"""Answers that may be kept, but are asked for anew each time."""

REVISION = re.compile(r'"([0-9]{1,9})"')


class PreconditionMalformed(APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "if_match"
    default_detail = 'If-Match takes the ETag of an earlier answer, such as "7", or *. Read the entry first.'


def not_modified(request: Request, etag: str) -> Response | None:
    """304 if the caller has the answer with this ETag already: ask before the answer is worked out."""
    if etag not in parse_etags(request.headers.get("If-None-Match", "")):
        return None
    return polled(Response(status=status.HTTP_304_NOT_MODIFIED), etag)


def polled(response: Response, etag: str) -> Response:
    """Marks an answer as one that is asked for again and again."""
    response["ETag"] = etag
    response["Cache-Control"] = POLLED
    return response


def polled_by_content(request: Request, response: Response) -> Response:
    """Gives the rendered answer an ETag by its content; 304 if the caller has it. It saves sending, not finding."""

    def compare(rendered: Any) -> Any:
        etag = quote_etag(sha256(rendered.content).hexdigest()[:32])
        rendered["ETag"] = etag
        found = get_conditional_response(request._request, etag=etag, response=rendered)
        return None if found is rendered else found

    response["Cache-Control"] = POLLED
    response.add_post_render_callback(compare)
    return response


def revision_tag(entry: Entry) -> str:
    """The ETag of an entry: its revision, raised by every stored change."""
    return f'"{entry.revision}"'


def expect(entry: Entry, request: Request) -> Entry:
    """Lets verbs refuse if the entry is no longer as the caller saw it (``If-Match``); without it, nothing is expected.

    Raises ``PreconditionMalformed`` for anything but one ETag of an entry, or ``*``.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return entry
    revisions = [found for tag in header.split(",") if (found := REVISION.fullmatch(tag.strip()))]
    if len(revisions) != 1 or "," in header:
        raise PreconditionMalformed
    entry.expected_revision = int(revisions[0][1])
    return entry
