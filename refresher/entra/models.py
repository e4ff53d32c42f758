"""Rows about Entra ID: directories whose tokens are accepted, and the application of each runner."""

import uuid

from django.conf import settings
from django.db import models

from refresher.models.runner import Runner


class CredentialKind(models.TextChoices):
    SECRET = "secret", "Client secret"
    CERTIFICATE = "certificate", "Certificate"


class EntraTenant(models.Model):
    """A directory whose access tokens are accepted, and Jobwarden's own application in it, for which they are issued.

    Whoever administers Entra ID registers that application by hand, once, with the application role JobQueue.Refresh.
    """

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField("name", max_length=100, help_text="What people call the directory.")
    tenant_id = models.UUIDField(
        "directory (tenant) id", unique=True, help_text="From the overview of the directory in Entra ID."
    )
    client_id = models.UUIDField(
        "application (client) id of Jobwarden",
        help_text="Of the application registered for Jobwarden itself: access tokens must be issued for it.",
    )
    application_id_uri = models.CharField(
        "application ID URI",
        max_length=250,
        blank=True,
        help_text="For example api://8f1c…; left empty, api:// and the client id.",
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="Off: no access token of this directory is accepted."
    )
    secret_encrypted = models.BinaryField("client secret", editable=False, default=b"")
    secret_expires_at = models.DateTimeField(
        "client secret expires",
        null=True,
        blank=True,
        help_text="As Entra ID shows it, so that a warning comes in time.",
    )

    class Meta:
        verbose_name = "Entra tenant"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def audience_uri(self) -> str:
        """The application ID URI tokens are asked for."""
        return self.application_id_uri or f"api://{self.client_id}"

    @property
    def audiences(self) -> tuple[str, ...]:
        """The values of *aud* that mean us: the client id, and the application ID URI of version 1.0 tokens."""
        return (str(self.client_id), self.audience_uri)


class EntraApplication(models.Model):
    """The application in Entra ID under which a runner user signs in; at most one per runner.

    Its credential is stored encrypted and write-only: it leaves the product once, in the configuration of the worker.
    *Consent granted* is a note of ours and no proof; the roles in the tokens are.
    """

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    runner = models.OneToOneField(
        Runner, on_delete=models.CASCADE, related_name="entra_application", verbose_name="runner user"
    )
    tenant = models.ForeignKey(
        EntraTenant, on_delete=models.PROTECT, related_name="applications", verbose_name="Entra tenant"
    )
    display_name = models.CharField("name in Entra ID", max_length=120)
    client_id = models.UUIDField(
        "application (client) id", help_text="From the overview of the application in Entra ID."
    )
    object_id = models.UUIDField("object id of the application", null=True, blank=True)
    service_principal_id = models.UUIDField(
        "object id of the service principal",
        null=True,
        blank=True,
        help_text="Of the enterprise application. If given, tokens must carry it as oid.",
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="Off: access tokens of this application are refused."
    )

    credential_kind = models.CharField(
        "credential", max_length=12, choices=CredentialKind.choices, default=CredentialKind.SECRET
    )
    secret_encrypted = models.BinaryField("secret", editable=False, default=b"")
    certificate = models.TextField("certificate", blank=True, editable=False)
    credential_key_id = models.UUIDField("key id of the credential", null=True, editable=False)
    credential_changed_at = models.DateTimeField("credential changed", null=True, editable=False)
    credential_expires_at = models.DateTimeField("credential expires", null=True, blank=True)
    warned_days = models.PositiveSmallIntegerField(
        "told of its end",
        null=True,
        editable=False,
        help_text="Days before its end at which people were told last; 0 when it had ended.",
    )
    handed_over_at = models.DateTimeField("credential handed over", null=True, editable=False)

    consent_granted_at = models.DateTimeField("consent granted", null=True, editable=False)
    consent_granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )

    tested_at = models.DateTimeField("last test sign-in", null=True, editable=False)
    test_succeeded = models.BooleanField("test succeeded", null=True, editable=False)
    test_code = models.CharField("result code", max_length=60, blank=True, editable=False)
    test_answer = models.CharField("result", max_length=1000, blank=True, editable=False)

    created_at = models.DateTimeField("created", null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        verbose_name = "Entra application"
        ordering = ["display_name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "client_id"], name="entra_application_client_once")
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def has_credential(self) -> bool:
        return bool(bytes(self.secret_encrypted))
