"""The pages about the API: the OpenAPI document, and Swagger UI to read it and try it, all from this host."""

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue.api.conditions import polled_by_content
from jobqueue.api.views import ApiView

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}


class OpenApiDocument(ApiView, SpectacularJSONAPIView):
    """The OpenAPI document of version 1, for anybody with credentials."""

    levels = {"get": None}
    parameters = {"get": ("lang",)}

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return polled_by_content(request, super().get(request, *args, **kwargs))


class SwaggerPage(SpectacularSwaggerSplitView):
    """Swagger UI for people who are signed in; it calls the API with their session."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    url_name = "v1:openapi"
    title = "Jobwarden API"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        response = super().dispatch(request, *args, **kwargs)
        response._csp_replace = POLICY
        response["Cache-Control"] = "private, no-store"
        return response

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
