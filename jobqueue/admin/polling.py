"""Pages that keep themselves fresh: asked with ``X-Region``, an address answers with its changing part or with 304.

Works with any server: the browser asks every few seconds and sends the ETag it has. Without JavaScript the page is read
as it was rendered.
"""

import hashlib
import re
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string
from django.template.response import TemplateResponse

# Relative times and the tokens of forms differ at every look without anything having happened.
PASSING = re.compile(
    r'<span class="jw-relative">.*?</span>|<input type="hidden" name="csrfmiddlewaretoken"[^>]*>'
)


def polled(request: HttpRequest, page: str, context: dict[str, Any], *, region: str) -> HttpResponse:
    """The whole page, or the region when the poller asks for it; 304 while nothing but the time has passed."""
    if request.headers.get("X-Region") != "1":
        return TemplateResponse(request, page, {**context, "region_template": region})
    body = render_to_string(region, context, request=request)
    etag = f'"{hashlib.sha256(PASSING.sub("", body).encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(body)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    response["Vary"] = "Cookie, X-Region"
    return response
