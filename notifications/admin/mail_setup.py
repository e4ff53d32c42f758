"""*Set up mail*: where mails go now, what to set so that they reach people, and how to try it out."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from jobqueue.admin.base import may
from jobqueue.admin.extensions import Banner
from notifications.conf import settings as notification_settings

# Backends that keep mails from people, with what becomes of them.
NOT_SENT = {
    "console": "printed on the console of the worker",
    "filebased": "written into files",
    "locmem": "kept in memory",
    "dummy": "thrown away",
}


def backend() -> str:
    """The kind of mail backend in use: ``smtp``, ``filebased``, …"""
    return str(settings.EMAIL_BACKEND).rpartition("backends.")[2].split(".")[0]


def banner(request: HttpRequest) -> Banner | None:
    """Red, while mails reach nobody (*Decisions, Packages and notifications*)."""
    kind = backend()
    if kind not in NOT_SENT:
        return None
    links = (("Set up mail", reverse("admin:notifications_mail_setup")),)
    return Banner(
        title="Mails do not reach anybody.",
        text=f"They are {NOT_SENT[kind]}. The mail log shows each of them.",
        links=links if may(request, "administer") else (),
    )


def page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if not may(request, "administer"):
        raise PermissionDenied
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": "Set up mail",
        "kind": backend(),
        "becomes": NOT_SENT.get(backend(), ""),
        "folder": getattr(settings, "EMAIL_FILE_PATH", "") if backend() == "filebased" else "",
        "server": f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if backend() == "smtp" else "",
        "sender": settings.DEFAULT_FROM_EMAIL,
        "public_url": notification_settings().public_url,
    }
    return TemplateResponse(request, "notifications/admin/mail_setup.html", context)
