"""API tokens: what a program shows instead of a password. Only their digest is stored."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company


class ApiToken(models.Model):
    """The right of a program to act as ``user`` through the API, within scopes, a company and a time.

    The token itself is shown once, when it is made. Verbs are in ``jobqueue.api_tokens``.
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal", "Personal"
        APPLICATION = "application", "Application"

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        "name", max_length=100, help_text="Where it is used, for example “nightly export on host alpha”."
    )
    kind = models.CharField("kind", max_length=12, choices=Kind.choices, default=Kind.PERSONAL)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="api_tokens",
        help_text="Whoever shows the token acts as this user and may do no more than this user may.",
    )
    company = models.ForeignKey(
        Company,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_tokens",
        help_text="Leave empty for every company the user may work in.",
    )
    scopes = models.JSONField(
        "scopes", default=list, help_text="What the token is good for, at most what its user may do."
    )
    prefix = models.CharField(
        "begins with",
        max_length=16,
        unique=True,
        editable=False,
        help_text="The first characters, by which people tell tokens apart.",
    )
    digest = models.CharField("digest", max_length=64, editable=False)
    created_at = models.DateTimeField("created", editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    last_used_at = models.DateTimeField(
        "last used", null=True, editable=False, help_text="To within five minutes."
    )
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
