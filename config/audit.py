"""Who changes something through the admin, for the audit log; the API says itself whose credentials it was shown."""

from typing import Any

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest

from config.client_address import client_address
from jobqueue.states import Origin


class AuditMiddleware(AuditlogMiddleware):
    """Notes the user who is signed in, and the client's address by the same rule as for failed sign-ins."""

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        return client_address(request)

    def get_extra_data(self, request: HttpRequest) -> dict[str, Any]:
        found = super().get_extra_data(request)
        if found["actor"] is not None:
            found["additional_data"] = {"origin": Origin.ADMIN.value, "credentials": ""}
        return found
