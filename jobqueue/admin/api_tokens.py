"""API tokens: one's own, and for administrators of every company those of application users; shown whole only once."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
)

from jobqueue import api_tokens
from jobqueue.actors import Actor
from jobqueue.admin import badges, words
from jobqueue.admin.base import may, now_of, works_in_every_company
from jobqueue.admin.company import actor_of
from jobqueue.admin.verbs import Verb, VerbsAdmin
from jobqueue.models import ApiToken
from jobqueue.permissions import Level
from jobqueue.scheduler.clock import database_now

EXPIRES_SOON = timedelta(days=14)
NEVER = "never"
LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "A year")]


def _revoke(token: ApiToken, actor: Actor, values: dict[str, Any]) -> str:
    if api_tokens.revoke(token, actor=actor, now=database_now()):
        return f"“{token}” was revoked. Calls with it are refused from now on."
    return f"“{token}” had been revoked already."


VERBS = (
    Verb(
        name="revoke",
        label="Revoke",
        icon="block",
        level="view",
        act=_revoke,
        danger=True,
        offered=lambda token: "The token was revoked already." if token.revoked_at else "",
        question=lambda token: f"Revoke “{token}”?",
        question_many="Revoke {count}?",
        done_many="{count} revoked.",
        explanation="Whatever uses it is refused from now on. This cannot be undone; a new token can be made.",
    ),
)


class ApiTokenForm(forms.ModelForm):
    """What a new token is for; the choices depend on who asks (:func:`form_for`)."""

    scope_choice = forms.MultipleChoiceField(
        label="Scopes",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Each level includes those above it. The user's own rights remain the limit.",
    )
    reach = forms.ChoiceField(label="Companies", widget=UnfoldAdminRadioSelectWidget)
    lifetime = forms.ChoiceField(label="Expires after", initial="90", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ApiToken
        fields = ("name",)

    def field_of_problem(self, name: str) -> str:
        return {"scopes": "scope_choice", "expires_at": "lifetime"}.get(name, name)


def form_for(request: HttpRequest) -> type[forms.ModelForm]:
    """The form with the choices of this viewer."""
    manages = may_manage_all(request)
    reach_choices = [("here", f"Only {request.company}"), ("all", "Every company the user may work in")]

    class Form(ApiTokenForm):
        if manages:
            application = forms.ModelChoiceField(
                queryset=application_users(),
                required=False,
                label="For",
                empty_label="Myself",
                widget=UnfoldAdminSelectWidget,
                help_text="Yourself, or an application user: one that can sign in nowhere.",
            )

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            own: Any = self.fields
            own["scope_choice"].choices = list(api_tokens.scopes().items())
            own["scope_choice"].initial = ["view"]
            own["reach"].choices, own["reach"].initial = reach_choices, "here"
            own["lifetime"].choices = [
                *LIFETIMES,
                *([(NEVER, "Never (application users)")] if manages else []),
            ]

    return Form


def application_users() -> QuerySet:
    """Active users that stand for programs, by name."""
    users = get_user_model().objects.filter(is_staff=False, is_active=True).order_by("username")
    found = [user.pk for user in users if api_tokens.is_application(user)]
    return users.filter(pk__in=found)


def may_manage_all(request: HttpRequest) -> bool:
    return may(request, "administer") and works_in_every_company(request)


@admin.register(ApiToken)
class ApiTokenAdmin(VerbsAdmin):
    verbs = VERBS
    add_level: Level | None = "view"
    company_lookup = None
    list_display = (
        "name_shown",
        "user_shown",
        "scopes_shown",
        "reach_shown",
        "state_shown",
        "expires_shown",
        "used_shown",
    )
    search_fields = ("name", "prefix", "user__username")
    list_filter = ("kind",)
    ordering = ("-created_at",)
    change_form_template = "jobqueue/admin/api_token_card.html"
    warn_unsaved_form = False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """One's own; all for whoever administers every company."""
        tokens = ApiToken.objects.select_related("user", "company", "created_by", "revoked_by")
        return tokens if may_manage_all(request) else tokens.filter(user=request.user)

    # --- making one
    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        if obj is not None:
            return ()
        manages = ("application",) if may_manage_all(request) else ()
        return ("name", *manages, "scope_choice", "reach", "lifetime")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        self_form = form_for(request) if obj is None else forms.ModelForm
        return super().get_form(request, obj, change, **{**kwargs, "form": self_form})

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: Any) -> None:
        values, now = form.cleaned_data, now_of(request)
        common: dict[str, Any] = {
            "name": values["name"],
            "scopes": values["scope_choice"],
            "now": now,
            "company": request.company if values["reach"] == "here" else None,
            "expires_at": _expiry(values["lifetime"], now=now),
        }
        user = values.get("application")
        if user is not None:
            made, text = api_tokens.make_application(actor_of(request), user, **common)
        else:
            made, text = api_tokens.make_personal(actor_of(request), **common)
        # The admin goes on with the row it was given; the text lives as long as this request.
        obj.__dict__.update(made.__dict__)
        request.job_queue_token_text = text

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The only page that ever shows the token."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "API token",
            "token": obj,
            "text": request.job_queue_token_text,
            "list_address": self.list_address(),
        }
        response = TemplateResponse(request, "jobqueue/admin/api_token_shown.html", context)
        response["Cache-Control"] = "no-store"
        return response

    # --- the card
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        if object_id is not None:
            token = self.object_or_404(request, object_id)
            known = api_tokens.scopes()
            extra |= {
                "token": token,
                "badge": token_badge(token, now=now_of(request)),
                "buttons": self.buttons(request, token),
                "scopes": [known.get(scope, scope) for scope in token.scopes],
                "now": now_of(request),
                "title": token.name,
            }
        else:
            extra |= {
                "title": "New API token",
                "show_save_and_add_another": False,
                "show_save_and_continue": False,
            }
        return super().changeform_view(request, object_id, form_url, extra)

    # --- cells
    @display(description="Token", ordering="name")
    def name_shown(self, token: ApiToken) -> SafeString:
        return format_html(
            '<span class="jw-name">{}</span><span class="jw-line jw-line--subtle"><code>{}…</code></span>',
            token.name,
            token.prefix,
        )

    @display(description="Acts as", ordering="user__username")
    def user_shown(self, token: ApiToken) -> SafeString:
        return format_html(
            '{}<span class="jw-line jw-line--subtle">{}</span>',
            token.user.get_username(),
            token.get_kind_display(),
        )

    @display(description="Scopes")
    def scopes_shown(self, token: ApiToken) -> str:
        return ", ".join(scope for scope in api_tokens.scopes() if scope in token.scopes)

    @display(description="Companies")
    def reach_shown(self, token: ApiToken) -> str:
        return str(token.company) if token.company is not None else "All it may enter"

    @display(description="State")
    def state_shown(self, token: ApiToken) -> SafeString:
        return token_badge(token, now=token.seen_at)

    @display(description="Expires", ordering="expires_at")
    def expires_shown(self, token: ApiToken) -> SafeString:
        return words.moment(token.expires_at, now=token.seen_at, empty="never")

    @display(description="Last used", ordering="last_used_at")
    def used_shown(self, token: ApiToken) -> SafeString:
        return words.moment(token.last_used_at, now=token.seen_at, empty="never")


def token_badge(token: ApiToken, *, now: datetime) -> SafeString:
    """Valid, Expires soon, Expired or Revoked."""
    if token.revoked_at is not None:
        return badges.badge("Revoked", look="cancelled", drawing="stop")
    if token.expires_at is not None and token.expires_at <= now:
        return badges.badge("Expired", look="error", drawing="square")
    if token.expires_at is not None and token.expires_at < now + EXPIRES_SOON:
        return badges.badge("Expires soon", look="waiting", drawing="clock")
    return badges.badge("Valid", look="done", drawing="tick")


def _expiry(chosen: str, *, now: datetime) -> datetime | None:
    return None if chosen == NEVER else now + timedelta(days=int(chosen))
