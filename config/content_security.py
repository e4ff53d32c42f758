"""Relaxes the content security policy for the admin, where django-unfold's Alpine.js evaluates expressions."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

ADMIN_DIRECTIVES = {
    "default-src": ["'self'"],
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
}


class AdminContentSecurityMiddleware:
    """Everything still comes from this host; only pages under the admin's address may evaluate and style inline."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        try:
            self.prefix = reverse("admin:index")
        except NoReverseMatch:
            self.prefix = ""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if self.prefix and request.path.startswith(self.prefix):
            response._csp_replace = ADMIN_DIRECTIVES  # type: ignore[attr-defined]
        return response
