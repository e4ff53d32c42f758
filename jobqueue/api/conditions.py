"""Conditional requests (RFC 9110): ``If-None-Match`` answers 304 cheaply, ``If-Match`` guards against lost updates."""

import re
from hashlib import sha256
from typing import Any

from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, quote_etag
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.guarded import ChangedMeanwhile
from jobqueue.models import Entry

POLLED = "private, no-cache"
"""Answers that may be kept, but are asked for anew each time."""

REVISION = re.compile(r'(?:W/)?"([0-9]{1,9})"')
IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the row as you saw it: 412 if anything it shows was changed since. Without it, nothing is "
    "expected.",
)


class PreconditionMalformed(APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "if_match"
    default_detail = 'If-Match takes the ETag of an earlier answer, such as "7", or *. Read the entry first.'


def not_modified(request: Request, etag: str) -> Response | None:
    """304 if the caller has the answer with this ETag already: ask before the answer is worked out.

    Weak ones count (RFC 9110): a proxy that compresses answers makes ETags weak.
    """
    known = [tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))]
    if etag.removeprefix("W/") not in known and known != ["*"]:
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


def content_tag(body: Any) -> str:
    """The ETag of what a row shows: the same for everybody who is shown the same."""
    return quote_etag(sha256(JSONRenderer().render(body)).hexdigest()[:32])


def tagged(body: Any, *, status: int = 200) -> Response:
    """An answer that shows one row, with its ETag."""
    return Response(body, status=status, headers={"ETag": content_tag(body)})


def polled_by_tag(request: Request, body: Any) -> Response:
    """The answer that shows one row; 304 if the caller has it."""
    tag = content_tag(body)
    return not_modified(request, tag) or polled(Response(body), tag)


def expected_tags(request: Request) -> list[str] | None:
    """The ETags of ``If-Match``; None if nothing is expected. Raises ``PreconditionMalformed`` for what is no ETag."""
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    found = parse_etags(header)
    if not found or any(tag == "*" for tag in found):
        raise PreconditionMalformed
    return [tag.removeprefix("W/") for tag in found]  # a proxy that compresses answers makes them weak


def require_tag(request: Request, body: Any, *, what: str) -> None:
    """Raises ``ChangedMeanwhile`` (412) unless the caller has seen the row as ``body`` shows it now.

    ``what`` names the row in the sentence. Call it where the row cannot change before it is written.
    """
    wanted = expected_tags(request)
    if wanted is not None and content_tag(body) not in wanted:
        raise ChangedMeanwhile(
            f"{what} was changed by somebody else since you read it. Read it again and repeat your change."
        )


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
