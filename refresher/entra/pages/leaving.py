"""Actions that lead through the login server: Create External JQ Refresher User, Rotate, Grant Consent.

A GET asks; a POST keeps in the session what the answer will be for and shows the way out as a link, since a form may
lead to no other host. The answer arrives at :func:`returned`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.admin.base import may, put_refusal, works_in_every_company
from jobqueue.admin.company import actor_of, admin_root
from jobqueue.errors import JobQueueError, NotFound
from jobqueue.scheduler import database_now
from jobqueue.states import Origin
from refresher.entra import applications, consent, creating, round_trip
from refresher.entra.graph import Graph
from refresher.entra.models import CredentialKind, EntraApplication, EntraTenant
from refresher.entra.pages.forms import CreateForm
from refresher.rights import require_rights

PLACE = "refresher/entraapplication/"


def create_page(request: HttpRequest) -> HttpResponse:
    """*Create External JQ Refresher User*: asks for the name, then leads to signing in at Entra ID."""
    require_page(request)
    form = CreateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values, tenant = form.cleaned_data, form.cleaned_data["tenant"]
        try:
            name = applications.usable_name(values["name"], actor=actor_of(request))
            return _sign_in(
                request,
                tenant,
                purpose="create",
                values={"name": name, "kind": values["kind"], "tenant": str(tenant.pk)},
            )
        except JobQueueError as refusal:
            put_refusal(form, refusal)
    return _ask(
        request,
        question="Create External JQ Refresher User",
        label="Continue",
        explanation="Creates an application in Entra ID and its runner user here. You sign in at Entra ID as an "
        "administrator of the directory and come back here by yourself.",
        form=form,
        back=reverse("admin:refresher_entraapplication_changelist"),
    )


def rotate_page(request: HttpRequest, application: EntraApplication) -> HttpResponse:
    """A new credential, made in Entra ID by whoever signs in there."""
    require_page(request)
    back = reverse("admin:refresher_entraapplication_change", args=[application.pk])
    if request.method == "POST":
        try:
            return _sign_in(
                request, application.tenant, purpose="rotate", values={"application": str(application.pk)}
            )
        except JobQueueError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(back)
    return _ask(
        request,
        question=f"Rotate the credential of “{application}”?",
        label="Continue",
        explanation="A new one is made in Entra ID and stored here; the present one ends at once, so the worker needs "
        "a new configuration. You sign in at Entra ID as an administrator of the directory.",
        back=back,
    )


def consent_page(request: HttpRequest, application: EntraApplication) -> HttpResponse:
    """*Grant Consent*: leads to the page of the login server where an administrator grants it."""
    require_page(request)
    back = reverse("admin:refresher_entraapplication_change", args=[application.pk])
    if request.method == "POST":
        require_rights(actor_of(request))
        state = round_trip.new_state()
        address = consent.consent_address(
            application, redirect_uri=round_trip.redirect_uri(request), state=state
        )
        round_trip.begin(request, state=state, purpose="consent", values={"application": str(application.pk)})
        return _leave(request, address, directory=str(application.tenant), back=back)
    return _ask(
        request,
        question=f"Grant consent to “{application}”?",
        label="Continue",
        explanation="Without consent its tokens lack the role JobQueue.Refresh and are refused. You sign in at Entra "
        "ID as an administrator of the directory.",
        back=back,
    )


@require_GET
def returned(request: HttpRequest) -> HttpResponse:
    """Where the login server sends the browser back to: does what the session kept, and nothing the address says."""
    if not request.user.is_authenticated or not request.user.is_staff:
        raise PermissionDenied("Sign in first, then begin again.")
    try:
        kept = round_trip.end(request, state=request.GET.get("state", ""))
        company = companies.get(kept["company"], request.user)
    except JobQueueError as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(reverse("admin:index"))
    actor = Actor(user=request.user, origin=Origin.ADMIN)
    root = f"{admin_root(company.code)}{PLACE}"
    place = f"{root}{kept['application']}/change/" if "application" in kept else root
    try:
        require_rights(actor)
        outcome = _AFTER[kept["purpose"]](kept, request.GET.dict(), actor, company)
    except JobQueueError as refusal:
        messages.error(request, refusal.message)
        return HttpResponseRedirect(place)
    say = messages.success if outcome.complete else messages.warning
    say(request, outcome.sentence)
    return HttpResponseRedirect(f"{root}{outcome.application.pk}/change/")


# --- what the answer is for
@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page says afterwards; not ``complete`` if something is left to do."""

    sentence: str
    application: EntraApplication
    complete: bool = True


def _after_consent(kept: Mapping[str, Any], answer: Mapping[str, str], actor: Actor, company: Any) -> Outcome:
    application = _application(kept)
    consent.require_granted(answer)
    creating.note_consent(application, actor=actor, now=database_now())
    return Outcome(
        f"Consent is granted to “{application}”. Tokens it gets from now on hold the role.", application
    )


def _after_create(kept: Mapping[str, Any], answer: Mapping[str, str], actor: Actor, company: Any) -> Outcome:
    tenant = EntraTenant.objects.filter(pk=kept["tenant"]).first()
    if tenant is None:
        raise NotFound("The Entra tenant was removed meanwhile. Enter it again, then begin again.")
    with Graph(consent.end_sign_in(tenant, flow=kept["flow"], answer=answer)) as graph:
        created = creating.create(
            kept["name"],
            tenant=tenant,
            graph=graph,
            kind=CredentialKind(kept["kind"]),
            redirect_uri=kept["flow"]["redirect_uri"],
            company=company,
            actor=actor,
            now=database_now(),
        )
    return Outcome(created.sentence, created.application, complete=not created.consent_missing)


def _after_rotate(kept: Mapping[str, Any], answer: Mapping[str, str], actor: Actor, company: Any) -> Outcome:
    application = _application(kept)
    with Graph(consent.end_sign_in(application.tenant, flow=kept["flow"], answer=answer)) as graph:
        sentence = creating.rotate(application, graph=graph, actor=actor, now=database_now())
    return Outcome(sentence, application)


_AFTER: dict[str, Callable[..., Outcome]] = {
    "consent": _after_consent,
    "create": _after_create,
    "rotate": _after_rotate,
}


def _application(kept: Mapping[str, Any]) -> EntraApplication:
    found = (
        EntraApplication.objects.select_related("tenant", "runner__user")
        .filter(pk=kept["application"])
        .first()
    )
    if found is None:
        raise NotFound("The Entra application was removed meanwhile. Register it anew.")
    return found


# --- pages
def require_page(request: HttpRequest) -> None:
    """Raises ``PermissionDenied`` for whoever may not even see the pages; the verbs ask again."""
    if not may(request, "administer") or not works_in_every_company(request):
        raise PermissionDenied


def _sign_in(
    request: HttpRequest, tenant: EntraTenant, *, purpose: str, values: Mapping[str, Any]
) -> HttpResponse:
    flow = consent.begin_sign_in(tenant, redirect_uri=round_trip.redirect_uri(request))
    round_trip.begin(request, state=flow["state"], purpose=purpose, values={**values, "flow": flow})
    back = reverse("admin:refresher_entraapplication_changelist")
    return _leave(request, flow["auth_uri"], directory=str(tenant), back=back)


def _ask(
    request: HttpRequest, *, question: str, label: str, explanation: str, **context: Any
) -> HttpResponse:
    form = context.get("form")
    found = {
        **admin.site.each_context(request),
        "title": question,
        "question": question,
        "verb": {"label": label, "explanation": explanation, "danger": False},
        "opts": EntraApplication._meta,
        **context,
    }
    bound = form is not None and form.is_bound
    return TemplateResponse(request, "jobqueue/admin/confirm.html", found, status=422 if bound else 200)


def _leave(request: HttpRequest, address: str, *, directory: str, back: str) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Continue at Entra ID",
        "address": address,
        "host": urlsplit(address).netloc,
        "directory": directory,
        "back": back,
        "opts": EntraApplication._meta,
    }
    response = TemplateResponse(request, "refresher/admin/entra_leave.html", context)
    response["Cache-Control"] = "no-store"
    return response
