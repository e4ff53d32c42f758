"""Stored credentials: secrets a job object refers to by name and nobody can read back."""

from django.db import models

from jobqueue.models.company import Company


class Credential(models.Model):
    """A named secret for job objects, for example the password of a web service.

    The secret is stored encrypted and is write-only on every door; see ``jobqueue.secrets``.
    """

    class Kind(models.TextChoices):
        BASIC = "basic", "User name and password"
        BEARER = "bearer", "Bearer token"
        HEADER = "header", "Header with a secret value"

    company = models.ForeignKey(
        Company,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credentials",
        help_text="Leave empty to let the jobs of every company use it.",
    )
    name = models.CharField(
        "name", max_length=50, help_text="Name job parameters refer to, for example “bank”."
    )
    kind = models.CharField("kind", max_length=10, choices=Kind.choices, default=Kind.BASIC)
    user_name = models.CharField(
        "user name or header name",
        max_length=250,
        blank=True,
        help_text="User name for a password; name of the header for a header; unused for a bearer token.",
    )
    allowed_hosts = models.CharField(
        "hosts",
        max_length=500,
        blank=True,
        help_text="Hosts the secret may be sent to, separated by commas, for example “api.bank.example, "
        "sandbox.bank.example:8443”. HTTP jobs send it nowhere else.",
    )
    secret_encrypted = models.BinaryField("secret", editable=False, default=b"")
    changed_at = models.DateTimeField("secret changed at", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "credential"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["company", "name"], name="credential_name_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(company__isnull=True), name="credential_shared_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
