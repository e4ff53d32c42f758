"""Pages about the installation itself: the doctor, and adopting a copied or restored database."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminRadioSelectWidget

from jobqueue import doctor, lifecycle
from jobqueue.admin import badges
from jobqueue.admin.base import back_to, may, now_of
from jobqueue.admin.company import actor_of
from jobqueue.admin.words import counted
from jobqueue.doctor import State
from jobqueue.errors import JobQueueError
from jobqueue.scheduler import copy_guard
from jobqueue.scheduler.copy_guard import Standing

LOOKS = {
    State.OK: ("In order", "done", "tick"),
    State.WARNING: ("Warning", "waiting", "clock"),
    State.FAILURE: ("Failure", "error", "square"),
}
KEEP, HOLD = "keep", "hold"


class AdoptForm(forms.Form):
    entries = forms.ChoiceField(
        label="What becomes of the entries that would start?",
        choices=[
            (HOLD, "Set them On Hold, for a copy. Release those that should run here."),
            (KEEP, "Leave them as they are, for a restored backup. What is due starts at once."),
        ],
        initial=HOLD,
        widget=UnfoldAdminRadioSelectWidget,
    )


def banner(request: HttpRequest) -> dict[str, Any] | None:
    """What every page says while the database is held; None while it is ours, and to people who see no jobs."""
    if not may(request, "view"):
        return None
    verdict = copy_guard.look()
    if not verdict.held:
        return None
    return {
        "reason": verdict.reason,
        "details": verdict.details,
        "since": verdict.since,
        "now": now_of(request),
        "may_adopt": may(request, "administer"),
    }


def doctor_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Runs every check and shows the findings, the gravest first within their order."""
    if not may(request, "administer"):
        raise PermissionDenied
    results = doctor.examine()
    findings = [
        {"result": result, "badge": badges.badge(word, look=look, drawing=drawing)}
        for result in results
        for word, look, drawing in (LOOKS[result.state],)
    ]
    context = {
        **site.each_context(request),
        "title": "Doctor",
        "wrong": [one for one in findings if one["result"].state is not State.OK],
        "right": [one for one in findings if one["result"].state is State.OK],
        "summary": doctor.summary(results),
        "now": now_of(request),
    }
    return TemplateResponse(request, "jobqueue/admin/doctor.html", context)


def adopt_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """A GET explains and asks; a POST adopts the database for this installation."""
    if not may(request, "administer"):
        raise PermissionDenied
    verdict = copy_guard.look()
    home = back_to(request, reverse("admin:index"))
    if not verdict.held:
        messages.info(
            request, "The database belongs to this installation already; there is nothing to adopt."
        )
        return HttpResponseRedirect(home)
    form = AdoptForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        keeps = form.cleaned_data["entries"] == KEEP
        try:
            adoption = lifecycle.adopt(actor=actor_of(request), keep_ready=keeps)
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())
        kept = (
            "All entries stay as they were."
            if keeps
            else f"{counted(adoption.held, 'entry', 'entries')} set On Hold."
        )
        messages.success(request, f"The database belongs to “{adoption.site_id}” now. {kept}")
        return HttpResponseRedirect(home)
    context = {
        **site.each_context(request),
        "title": "Adopt the database",
        "question": "Adopt this database?",
        "verb": {"label": "Adopt", "explanation": _explanation(verdict), "danger": True},
        "form": form,
        "back": home,
        "copy_guard": None,
    }
    return TemplateResponse(request, "jobqueue/admin/confirm.html", context)


def _explanation(verdict: copy_guard.Verdict) -> str:
    after = "After adopting it, workers of this installation take up work within seconds."
    if verdict.standing is Standing.FOREIGN:
        return f"{verdict.details} Adopt it if it is a copy. {after}"
    return f"{verdict.details} What ran in between is not in it and would run again. {after}"
