"""How the OpenAPI document speaks of our credentials (drf-spectacular finds these classes when imported)."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "jobqueue.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token (jw_…) made in the admin, or an access token of Entra ID.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "jobqueue.api.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The sign-in of the admin; writing needs the header X-CSRFToken as well.",
        }
