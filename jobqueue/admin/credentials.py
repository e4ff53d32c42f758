"""Stored credentials: the secret goes in and never comes out (*Decisions*: write-only, encrypted)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from jobqueue import lifecycle, secrets
from jobqueue.admin import words
from jobqueue.admin.base import JobQueueAdmin, now_of, works_in_every_company
from jobqueue.admin.company import actor_of
from jobqueue.lifecycle.credentials import ON_ONE_LINE, hosts_in_order, name_taken
from jobqueue.models import Credential
from jobqueue.permissions import Level


class CredentialForm(forms.ModelForm):
    """The secret goes in and never comes out."""

    secret = forms.CharField(
        required=False,
        strip=False,
        widget=UnfoldAdminTextInputWidget({"type": "password", "autocomplete": "new-password"}),
        help_text="Stored encrypted and never shown again. Leave empty to keep the present one.",
    )
    shared = forms.BooleanField(
        required=False,
        label="For every company",
        widget=UnfoldBooleanSwitchWidget,
        help_text="Let the jobs of every company use it; otherwise only those of this one.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shared"].initial = self.instance.pk is not None and self.instance.company_id is None

    class Meta:
        model = Credential
        fields = ("name", "kind", "user_name", "allowed_hosts")

    def clean_allowed_hosts(self) -> str:
        try:
            return hosts_in_order(self.cleaned_data["allowed_hosts"])
        except ValueError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_user_name(self) -> str:
        return self._on_one_line("user_name")

    def clean_secret(self) -> str:
        return self._on_one_line("secret")

    def _on_one_line(self, name: str) -> str:
        """Both travel in a header, which ends at the first line break."""
        value = self.cleaned_data[name]
        if value and not value.isprintable():
            raise forms.ValidationError(ON_ONE_LINE)
        return value


@admin.register(Credential)
class CredentialAdmin(JobQueueAdmin):
    view_level: Level | None = "administer"
    add_level: Level | None = "administer"
    change_level: Level | None = "administer"
    delete_level: Level | None = "administer"
    form = CredentialForm
    list_display = ("name", "kind", "user_name", "secret_shown", "allowed_hosts", "used_in", "changed_shown")
    search_fields = ("name", "user_name")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """What every company uses is changed only by those who work in every company."""
        return super().has_change_permission(request, obj) and self._is_theirs(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_theirs(request, obj)

    @staticmethod
    def _is_theirs(request: HttpRequest, credential: Any) -> bool:
        return credential is None or credential.company_id is not None or works_in_every_company(request)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        if not self._is_theirs(request, obj):
            return ("name", "kind", "user_name", "allowed_hosts")
        shared = ("shared",) if works_in_every_company(request) else ()
        return ("name", "kind", "user_name", "allowed_hosts", "secret", *shared)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return Credential.objects.filter(Q(company=request.company) | Q(company=None)).select_related(
            "company"
        )

    @display(description="For")
    def used_in(self, credential: Credential) -> str:
        return str(credential.company) if credential.company is not None else "Every company"

    @display(description="Secret")
    def secret_shown(self, credential: Credential) -> SafeString:
        if secrets.has_secret(credential):
            return mark_safe('<span aria-label="stored">•••</span>')
        return mark_safe('<span class="jw-line--error">missing</span>')

    @display(description="Changed")
    def changed_shown(self, credential: Credential) -> SafeString:
        return words.moment(credential.changed_at, now=timezone.now())

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type:
        base = super().get_form(request, obj, change, **kwargs)

        class OwnForm(base):  # type: ignore[valid-type]
            def clean(self) -> dict[str, Any]:
                cleaned = super().clean() or self.cleaned_data
                company = company_for(request, cleaned)
                taken = name_taken(cleaned.get("name", ""), company, but=self.instance)
                if taken:
                    self.add_error("name", taken)
                return cleaned

        return OwnForm

    def save_model(self, request: HttpRequest, obj: Credential, form: Any, change: Any) -> None:
        values = dict(form.cleaned_data) | {"shared": company_for(request, form.cleaned_data) is None}
        actor, now = actor_of(request), now_of(request)
        if change:
            lifecycle.change_credential(obj, request.company, values, actor=actor, now=now)
        else:
            lifecycle.create_credential(request.company, values, actor=actor, now=now, into=obj)

    def delete_model(self, request: HttpRequest, obj: Credential) -> None:
        lifecycle.delete_credential(obj, request.company, actor=actor_of(request))


def company_for(request: HttpRequest, cleaned: dict[str, Any]) -> Any:
    """The company whose jobs may use the credential; None for every company."""
    return None if cleaned.get("shared") and works_in_every_company(request) else request.company
