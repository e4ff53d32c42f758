"""Runs and their lines: the log of packages. It survives renaming and deletion of its package."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import QuerySet

from jobqueue.models import Company, LogEntry
from packages.models.package import NAME_LENGTH, Package, PackageLine
from packages.states import OnError, Outcome, Result, Trigger

USER = settings.AUTH_USER_MODEL


class Run(models.Model):
    """One execution of a package, or the record of due times that brought none (Missed, Skipped).

    Source: *Packages reference, Log*. ``outcome`` is empty and ``is_open`` true while the run goes on; at most one run
    of a package is open, and each due time has at most one run.
    """

    number = models.BigAutoField("run no.", primary_key=True)
    uuid = models.UUIDField("id", default=uuid.uuid4, unique=True, editable=False)
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, related_name="package_runs", db_index=False
    )
    package = models.ForeignKey(Package, on_delete=models.SET_NULL, null=True, related_name="runs")
    package_uuid = models.UUIDField("package")
    package_name = models.CharField("package", max_length=NAME_LENGTH)
    trigger = models.CharField("trigger", max_length=10, choices=Trigger.choices)
    started_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, db_index=False, related_name="+", verbose_name="started by"
    )
    identity = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, db_index=False, related_name="+", verbose_name="ran as"
    )
    recurrence = models.CharField(
        "recurrence", max_length=250, blank=True, help_text="The recurrence that was due, in words."
    )
    due_at = models.DateTimeField("due", help_text="For a manual run, when it was asked for.")
    started_at = models.DateTimeField("started", null=True)
    ended_at = models.DateTimeField("ended", null=True)
    is_open = models.BooleanField("open", default=False)
    on_error = models.CharField("on error", max_length=10, choices=OnError.choices)
    runs_groups = models.BooleanField("equal orders together", default=False)
    outcome = models.CharField("outcome", max_length=12, blank=True, choices=Outcome.choices)
    message = models.CharField("message", max_length=2048, blank=True)
    late_seconds = models.PositiveBigIntegerField("late by (seconds)", default=0)
    gap_count = models.PositiveIntegerField(
        "due times", default=1, help_text="How many due times the row stands for."
    )
    gap_last_due_at = models.DateTimeField("last due", null=True)
    lines_total = models.PositiveIntegerField("lines", default=0, help_text="Enabled lines.")
    lines_succeeded = models.PositiveIntegerField("succeeded", default=0)
    lines_failed = models.PositiveIntegerField("failed", default=0)
    lines_not_executed = models.PositiveIntegerField("not executed", default=0)
    lines_revision = models.PositiveIntegerField(default=0, editable=False)
    stops_package = models.BooleanField(
        "switched the schedule off", default=False, help_text="The run ended with the package in Error."
    )
    hold_requested_at = models.DateTimeField("held at", null=True)
    held_by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    hold_reason = models.CharField("reason of hold", max_length=250, blank=True)
    cancel_requested_at = models.DateTimeField("cancelled at", null=True)
    cancelled_by = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    cancel_reason = models.CharField("reason of cancelling", max_length=250, blank=True)
    resumed_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, db_index=False, related_name="resumed_by"
    )
    overrun_task_id = models.UUIDField(null=True, editable=False)
    overrun_at = models.DateTimeField("overrun reported at", null=True)
    touched_at = models.DateTimeField("last step", null=True, editable=False)

    class Meta:
        verbose_name = "job queue package log entry"
        verbose_name_plural = "job queue package log entries"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["package_uuid"], condition=models.Q(is_open=True), name="package_one_open_run"
            ),
            models.UniqueConstraint(
                fields=["package_uuid", "due_at"],
                condition=models.Q(
                    trigger__in=["scheduled", "late"],
                    outcome__in=["", "success", "with_errors", "error", "stopped"],
                ),
                name="package_run_once",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-number"], name="run_company"),
            models.Index(fields=["package_uuid", "-number"], name="run_package"),
            models.Index(fields=["ended_at"], name="run_ended"),
        ]

    def __str__(self) -> str:
        return f"{self.package_name}, run {self.number}"

    @property
    def duration_seconds(self) -> int | None:
        """Whole seconds from start to end; None while either is unknown."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0, int((self.ended_at - self.started_at).total_seconds()))


class RunLine(models.Model):
    """What happened to one package line in one run, with what the line was at that time.

    Its attempts are the ordinary log entries of the entry for the run line's due moment: :meth:`log_entries`.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(PackageLine, on_delete=models.SET_NULL, null=True, related_name="run_lines")
    line_uuid = models.UUIDField("line")
    entry_id = models.UUIDField("job queue entry")
    run_order = models.PositiveIntegerField("run order")
    always = models.BooleanField("always", default=False)
    on_error = models.CharField("on error", max_length=10, choices=OnError.choices)
    description = models.CharField("description", max_length=250)
    object_type = models.SmallIntegerField("object type")
    object_id = models.IntegerField("object id")
    object_caption = models.CharField("object", max_length=250, blank=True)
    parameter_string = models.CharField("parameter string", max_length=250, blank=True)
    parameters = models.JSONField(
        "parameters", default=dict, blank=True, help_text="Secret values are masked."
    )
    category_code = models.CharField("category", max_length=10, blank=True)
    result = models.CharField("result", max_length=12, choices=Result.choices, default=Result.PENDING)
    reason = models.CharField("reason", max_length=500, blank=True, help_text="Why it did not run.")
    attempts = models.PositiveSmallIntegerField("attempts", default=0)
    released_at = models.DateTimeField("released", null=True)
    started_at = models.DateTimeField("started", null=True)
    ended_at = models.DateTimeField("ended", null=True)
    entry_due_at = models.DateTimeField(null=True, editable=False)
    error_message = models.CharField("error message", max_length=2048, blank=True)
    error_call_stack = models.TextField("error trace", blank=True)
    worker = models.CharField("worker", max_length=100, blank=True)

    class Meta:
        verbose_name = "line of a package run"
        verbose_name_plural = "lines of package runs"
        ordering = ["always", "run_order", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "line_uuid"], name="run_line_once")]
        indexes = [models.Index(fields=["entry_id", "entry_due_at"], name="run_line_attempts")]

    def __str__(self) -> str:
        return f"{self.run_order} {self.description}"

    @property
    def duration_seconds(self) -> int | None:
        """Whole seconds from the start of the first attempt to the end of the last."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0, int((self.ended_at - self.started_at).total_seconds()))

    def log_entries(self) -> QuerySet[LogEntry]:
        """The ordinary log entries of its attempts, first attempt first."""
        if self.entry_due_at is None:
            return LogEntry.objects.none()
        return LogEntry.objects.filter(entry_id=self.entry_id, due_at=self.entry_due_at).order_by("attempt")
