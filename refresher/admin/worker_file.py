"""*Download Worker Configuration*: a question first, then the file; nothing of it is kept in the browser's cache."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from jobqueue.admin.base import may, now_of, works_in_every_company
from jobqueue.admin.company import actor_of
from jobqueue.errors import JobQueueError
from notifications.conf import settings
from refresher.entra.models import EntraApplication
from refresher.handing_over import file_name, worker_configuration
from refresher.models import Runner


def page(request: HttpRequest, runner: Runner, *, back: str) -> HttpResponse:
    """A GET asks, a POST answers with the file."""
    if not (may(request, "administer") and works_in_every_company(request)):
        raise PermissionDenied
    if request.method == "POST":
        try:
            text = worker_configuration(
                runner, url=_url(request), actor=actor_of(request), now=now_of(request)
            )
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(back)
        return _file(text, name=file_name(runner))
    by_entra = EntraApplication.objects.filter(runner=runner).exists()
    context = {
        **admin.site.each_context(request),
        "opts": Runner._meta,
        "title": "Download worker configuration",
        "question": f"Download the worker's configuration for “{runner.name}”?",
        "verb": {
            "label": "Download",
            "explanation": (
                "It holds the credential of the Entra application, which leaves Jobwarden this one time; for another "
                "time rotate it. "
                if by_entra
                else "A new API token is made for it; earlier ones stay good until they are revoked. "
            )
            + "Keep the file where only the worker can read it.",
            "danger": False,
        },
        "back": back,
    }
    return TemplateResponse(request, "jobqueue/admin/confirm.html", context)


def _url(request: HttpRequest) -> str:
    """Where the worker shall reach this installation: as it is told to people, else as it was reached now."""
    return settings().public_url or request.build_absolute_uri("/")


def _file(text: str, *, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type="application/toml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
