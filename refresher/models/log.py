"""The refresh log: one row per pass and runner, one line per monitored job."""

from django.conf import settings
from django.db import models

from jobqueue.models import Company
from refresher.models.monitored_job import MonitoredJob
from refresher.models.runner import Runner
from refresher.states import ACTION_WORDS, PASS_WORDS, TRIGGER_WORDS, PassState


class RefreshLog(models.Model):
    """One pass over the monitored jobs of a company, as one runner or, in login mode, as nobody in particular.

    Source: *Refresher reference, Refresh log*. The newest ``ended_at`` of a pass that is done is when the company was
    last refreshed.
    """

    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, related_name="refresh_logs", db_index=False
    )
    runner = models.ForeignKey(
        Runner, on_delete=models.SET_NULL, null=True, related_name="refresh_logs", verbose_name="runner user"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who asked for the pass: the runner, who signed in, or who pressed Refresh Now.",
    )
    trigger = models.CharField(
        "started by", max_length=15, choices=[(k.value, v) for k, v in TRIGGER_WORDS.items()]
    )
    state = models.CharField(
        "state",
        max_length=10,
        choices=[(k.value, v) for k, v in PASS_WORDS.items()],
        default=PassState.RUNNING,
    )
    asked_at = models.DateTimeField("asked for at")
    started_at = models.DateTimeField("started at", null=True)
    ended_at = models.DateTimeField("ended at", null=True)
    message = models.CharField("message", max_length=2048, blank=True)

    jobs = models.PositiveIntegerField("jobs", default=0)
    left_alone = models.PositiveIntegerField("left alone", default=0)
    corrected = models.PositiveIntegerField("corrected", default=0)
    restarted = models.PositiveIntegerField("restarted", default=0)
    recreated = models.PositiveIntegerField("recreated", default=0, help_text="Created again or adopted.")
    failed = models.PositiveIntegerField("failed", default=0)
    registered = models.PositiveIntegerField("registered", default=0, help_text="Jobs registered by code.")
    registration_errors = models.PositiveIntegerField("registration errors", default=0)

    class Meta:
        verbose_name = "refresh log entry"
        verbose_name_plural = "refresh log entries"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["company", "-id"], name="refresh_log_company"),
            models.Index(fields=["company", "state", "-ended_at"], name="refresh_log_last"),
        ]

    def __str__(self) -> str:
        return f"Refresh of {self.company} at {self.asked_at:%Y-%m-%d %H:%M} UTC"


class RefreshLogLine(models.Model):
    """What a pass did to one monitored job and why; ``changes`` is field in words → [old, new] in words."""

    log = models.ForeignKey(RefreshLog, on_delete=models.CASCADE, related_name="lines")
    monitored_job = models.ForeignKey(
        MonitoredJob, on_delete=models.SET_NULL, null=True, related_name="refresh_lines"
    )
    description = models.CharField("job", max_length=250, blank=True)
    entry_id = models.UUIDField("job queue entry", null=True)
    at = models.DateTimeField("at")
    action = models.CharField(
        "action", max_length=15, choices=[(k.value, v) for k, v in ACTION_WORDS.items()]
    )
    why = models.CharField("reason code", max_length=30)
    reason = models.TextField("reason", blank=True)
    changes = models.JSONField("changes", default=dict, blank=True)
    due_at = models.DateTimeField("next run", null=True)

    class Meta:
        verbose_name = "refresh log line"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.description}: {self.action}"
