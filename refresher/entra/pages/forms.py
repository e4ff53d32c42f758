"""Forms of the pages of Entra applications."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from refresher.entra.applications import LONGEST_NAME
from refresher.entra.models import CredentialKind, EntraApplication, EntraTenant
from refresher.entra.pages.base import moment_field, secret_field


class CardForm(forms.ModelForm):
    """What is known of an application; its credential is entered by an action of its own."""

    credential_expires_at = moment_field("Credential expires")

    class Meta:
        model = EntraApplication
        fields = ("display_name", "client_id", "object_id", "service_principal_id", "credential_expires_at")


class RegisterForm(forms.ModelForm):
    """An application made in Entra ID by hand, with its runner user and its secret."""

    runner_name = forms.CharField(
        label="Runner user",
        max_length=LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text="Name of the runner user it signs in as; made if there is none.",
    )
    credential_expires_at = moment_field("Credential expires")
    secret = secret_field("The value of the secret, not its id. Stored encrypted and never shown again.")

    class Meta:
        model = EntraApplication
        fields = (
            "tenant",
            "display_name",
            "client_id",
            "service_principal_id",
            "object_id",
            "credential_expires_at",
        )

    def clean(self) -> dict[str, Any]:
        """An application known already is not refused for being there twice: if it is the same runner's the verb
        brings it up to date, if it is another one's the verb refuses and names the runner."""
        values = super().clean() or self.cleaned_data
        known = {"tenant": values.get("tenant"), "client_id": values.get("client_id")}
        self.instance = EntraApplication.objects.filter(**known).first() or self.instance
        return values

    def field_of_problem(self, name: str) -> str:
        return {"name": "runner_name", "expires_at": "credential_expires_at"}.get(name, name)


class SecretForm(forms.Form):
    secret = forms.CharField(
        label="Client secret",
        widget=UnfoldAdminTextInputWidget({"type": "password", "autocomplete": "new-password"}),
        help_text="The value of the secret, not its id.",
    )
    expires_at = moment_field("Expires")


class CertificateForm(forms.Form):
    certificate = forms.CharField(
        label="Private key and certificate",
        widget=UnfoldAdminTextareaWidget({"rows": 10, "spellcheck": "false", "autocomplete": "off"}),
        help_text="Both in PEM, one below the other. The certificate alone must be uploaded in Entra ID.",
    )


class CreateForm(forms.Form):
    """*Create External JQ Refresher User*."""

    name = forms.CharField(
        label="User name",
        max_length=LONGEST_NAME,
        widget=UnfoldAdminTextInputWidget,
        help_text="Of the runner user, and of its application in Entra ID. One that exists already is found again.",
    )
    tenant = forms.ModelChoiceField(
        label="Entra tenant", queryset=EntraTenant.objects.none(), widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        label="Credential",
        choices=CredentialKind.choices,
        initial=CredentialKind.CERTIFICATE,
        widget=UnfoldAdminRadioSelectWidget,
        help_text="Either is good for a year. The key of a certificate never passes through Entra ID.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenants: Any = self.fields["tenant"]
        tenants.queryset = EntraTenant.objects.filter(is_enabled=True)
        tenants.initial = tenants.queryset.first()
