"""What the pages of Entra ID share: they are for administrators of every company, and show no secret."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from jobqueue.admin import badges
from jobqueue.admin.base import works_in_every_company
from jobqueue.admin.inputs import MomentInput
from jobqueue.admin.verbs import VerbsAdmin
from jobqueue.permissions import Level
from refresher.models.runner import WARNING_DAYS


class EntraAdmin(VerbsAdmin):
    """Base of the pages: not for administrators who are limited to some companies."""

    view_level: Level | None = "administer"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    company_lookup = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and works_in_every_company(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) and works_in_every_company(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and works_in_every_company(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_change_permission(request, obj) and works_in_every_company(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and works_in_every_company(request)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """One way to save is enough."""
        extra = {"show_save_and_add_another": False, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra)


def secret_field(help_text: str) -> forms.CharField:
    """A field a secret goes into and never comes out of."""
    return forms.CharField(
        required=False,
        strip=True,
        label="Client secret",
        widget=UnfoldAdminTextInputWidget({"type": "password", "autocomplete": "new-password"}),
        help_text=help_text,
    )


def expiry_badge(has_credential: bool, expires_at: datetime | None, *, now: datetime) -> SafeString:
    """The light of a credential: missing, expired, expiring within 30 days, or good."""
    if not has_credential:
        return badges.badge("Missing", look="error", drawing="square", title="No credential is stored.")
    if expires_at is None:
        return badges.badge("Stored", look="ready", drawing="circle", title="When it expires is not known.")
    if expires_at <= now:
        return badges.badge("Expired", look="error", drawing="square")
    left = expires_at - now
    if left < timedelta(days=WARNING_DAYS):
        return badges.badge(f"{left.days} days left", look="waiting", drawing="clock")
    return badges.badge("Good", look="done", drawing="tick", title=f"{left.days} days left")


def moment_field(label: str, help_text: str = "As Entra ID shows it.") -> forms.DateTimeField:
    """A moment in the viewer's zone; it may be left empty."""
    return forms.DateTimeField(label=label, required=False, widget=MomentInput, help_text=help_text)
