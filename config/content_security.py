"""Relaxes the content security policy for the admin, where django-unfold's Alpine.js evaluates expressions."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

ADMIN_DIRECTIVES = {
    "default-src": ["'self'"],
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
}


class AdminContentSecurityMiddleware:
    """Everything still comes from this host; only pages of the admin may evaluate and style inline."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.resolver_match and "admin" in request.resolver_match.app_names:
            response._csp_replace = ADMIN_DIRECTIVES  # type: ignore[attr-defined]
        return response
