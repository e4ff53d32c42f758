"""The Job Queue Refresh Setup: one row per company."""

from django.db import models

from jobqueue.models import Company
from jobqueue.models.fields import TimeZoneField
from refresher.models.runner import Runner


class RefreshSetup(models.Model):
    """How a company's monitored jobs are refreshed; made with its defaults when it is first asked for.

    When it was last refreshed is told by the refresh log (``refresher.asking.last_refreshed``).
    Source: *Refresher reference, Job Queue Refresh Setup*.
    """

    company = models.OneToOneField(
        Company, on_delete=models.CASCADE, primary_key=True, related_name="refresh_setup"
    )
    enabled = models.BooleanField(
        "enabled", default=True, help_text="Off: nothing is refreshed, neither on sign-in nor from outside."
    )
    use_external = models.BooleanField(
        "use external JQ refresher",
        default=False,
        editable=False,
        help_text="On: a worker outside refreshes every hour, under runner users. Off: sign-ins do, at most hourly.",
    )
    external_enabled_at = models.DateTimeField("external JQ refresher enabled at", null=True, editable=False)
    external_only = models.BooleanField(
        "external only",
        default=False,
        help_text="On: sign-ins never refresh; only the external refresher does.",
    )
    default_runner = models.ForeignKey(
        Runner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="default JQ runner user",
        help_text="Refreshes and runs the monitored jobs that name no runner of their own.",
    )
    default_time_zone = TimeZoneField(
        "default job time zone",
        blank=True,
        help_text="Zone of jobs registered by code. The external refresher does not work without it.",
    )
    create_missing_custom_jobs = models.BooleanField(
        "create missing custom jobs",
        default=False,
        help_text="On: deleted entries of custom monitored jobs are created again. Protected jobs always are.",
    )
    overdue_told_at = models.DateTimeField("told that nobody refreshes at", null=True, editable=False)
    last_request_at = models.DateTimeField("last Refresh Now", null=True, editable=False)

    class Meta:
        verbose_name = "job queue refresh setup"
        verbose_name_plural = "job queue refresh setups"

    def __str__(self) -> str:
        return f"Job queue refresh setup of {self.company}"
