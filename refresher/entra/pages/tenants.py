"""*Entra tenants*: the directories whose access tokens are accepted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.decorators import display

from jobqueue import secrets
from jobqueue.admin import badges
from jobqueue.permissions import Level
from refresher.entra import round_trip
from refresher.entra.models import EntraTenant
from refresher.entra.pages.base import EntraAdmin, expiry_badge, moment_field, secret_field


class TenantForm(forms.ModelForm):
    secret = secret_field(
        "Of Jobwarden's own application; needed only to create runner users and rotate their credentials from here. "
        "Stored encrypted and never shown again. Leave empty to keep the present one."
    )
    secret_expires_at = moment_field(
        "Client secret expires", "As Entra ID shows it, so that a warning comes in time."
    )

    class Meta:
        model = EntraTenant
        fields = ("name", "tenant_id", "client_id", "application_id_uri", "is_enabled", "secret_expires_at")


@admin.register(EntraTenant)
class EntraTenantAdmin(EntraAdmin):
    delete_level: Level | None = "administer"
    form = TenantForm
    fields = (
        "name",
        "tenant_id",
        "client_id",
        "application_id_uri",
        "is_enabled",
        "secret",
        "secret_expires_at",
    )
    list_display = ("name", "tenant_id", "client_id", "enabled_shown", "applications_shown", "secret_shown")
    search_fields = ("name",)
    actions = None
    change_form_template = "refresher/admin/entra_tenant.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return EntraTenant.objects.annotate(application_count=Count("applications"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        extra = {"redirect_uri": round_trip.redirect_uri(request), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra)

    def save_model(self, request: HttpRequest, obj: EntraTenant, form: Any, change: Any) -> None:
        secret = form.cleaned_data.get("secret")
        if secret:
            obj.secret_encrypted = secrets.seal(secret)
        super().save_model(request, obj, form, change)

    @display(description="State")
    def enabled_shown(self, tenant: EntraTenant) -> SafeString:
        if tenant.is_enabled:
            return badges.badge("Accepted", look="done", drawing="tick")
        return badges.badge("Off", look="cancelled", drawing="stop")

    @display(description="Applications")
    def applications_shown(self, tenant: Any) -> str:
        return f"{tenant.application_count:,}"

    @display(description="Own secret")
    def secret_shown(self, tenant: Any) -> SafeString:
        stored = bool(bytes(tenant.secret_encrypted))
        return expiry_badge(stored, tenant.secret_expires_at, now=tenant.seen_at)
