"""The installation a database belongs to: one row, asked by everything that must not run on a copy."""

import uuid

from django.conf import settings as django_settings
from django.db import models
from django.db.models.functions import Now

THE_ROW = 1


class Installation(models.Model):
    """Whose database this is, and its last heartbeat. There is one row; without it the database is a fresh one.

    Every worker raises ``heartbeat_number`` and keeps the number in a file beside its installation. A database that
    knows a smaller number than that file has been restored from the past. ``identity`` is renewed by every adoption,
    so files about the time before it no longer count.
    Source: *Decisions, Safety*, copy guard.
    """

    id = models.PositiveSmallIntegerField("id", primary_key=True, default=THE_ROW, editable=False)
    site_id = models.CharField(
        "site id", max_length=200, help_text="SITE_ID of the installation that owns the data."
    )
    identity = models.UUIDField("identity", default=uuid.uuid4, editable=False)
    heartbeat_number = models.BigIntegerField("heartbeats", default=0, db_default=0)
    heartbeat_at = models.DateTimeField("last heartbeat", db_default=Now())
    held_at = models.DateTimeField("held at", null=True)
    held_reason = models.CharField("reason", max_length=500, blank=True, db_default="")
    adopted_at = models.DateTimeField("adopted at", null=True)
    adopted_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
    )

    class Meta:
        app_label = "jobqueue"
        verbose_name = "installation"
        constraints = [models.CheckConstraint(condition=models.Q(id=THE_ROW), name="installation_one_row")]

    def __str__(self) -> str:
        return self.site_id
