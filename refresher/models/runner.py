"""Runner users: the application users under which passes run, and therefore the jobs they restart."""

from django.conf import settings
from django.db import models

FAILURE_LIMIT = 15
"""Failures in a row after which a runner is inactive (*Refresher reference, Numeric settings*)."""

MAX_ERROR = 2048

WARNING_DAYS = 30
"""A credential that expires within so many days is shown as expiring."""


class Runner(models.Model):
    """A registered application user, shared by every company it may enter.

    The counters tell how the outside worker fares with it: one failure a cycle, set to 0 by a success. Inactive from
    15 failures in a row until they are reset. Source: *Refresher reference, Runner users*.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="refresh_runner",
        help_text="The application user. It needs the permission set Ext JQ Refresher, and the right to run the jobs.",
    )
    is_enabled = models.BooleanField(
        "enabled",
        default=True,
        help_text="A runner that is not enabled refreshes nothing and runs nothing new.",
    )
    failed_attempts = models.PositiveIntegerField("failed attempts", default=0, editable=False)
    last_success_at = models.DateTimeField("last success", null=True, editable=False)
    last_failure_at = models.DateTimeField("last failure", null=True, editable=False)
    last_error = models.CharField("last error", max_length=MAX_ERROR, blank=True, editable=False)
    last_cycle = models.UUIDField(
        "last reported cycle",
        null=True,
        editable=False,
        help_text="Cycle of the worker that reported a failure last: each counts once, however often it is reported.",
    )
    created_at = models.DateTimeField("registered at", null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name="registered by",
    )

    class Meta:
        verbose_name = "runner user"
        ordering = ["id"]
        permissions = [("act_as_runner", "Can refresh monitored jobs as a runner user")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The user name, as screens and logs show it."""
        return self.user.get_username()

    @property
    def is_inactive(self) -> bool:
        """Whether it failed so often in a row that nobody calls it any more."""
        return self.failed_attempts >= FAILURE_LIMIT
