"""The ledger: one row per attempt, exactly one final row per due moment, and the lines a run wrote."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company
from jobqueue.models.fields import UpperCodeField
from jobqueue.models.messages import ErrorMessageRegister
from jobqueue.states import Level, LogStatus, ObjectType, Origin


class LogEntry(models.Model):
    """One attempt, or one due moment (or gap of due moments) that brought no run.

    Survives its entry. Source: *Job queue reference, Job Queue Log Entry*, and the decisions on the ledger: unique per
    (entry, due moment, attempt), one final row per due moment; a gap is one row with count, first and last due moment.
    """

    entry_no = models.BigAutoField("log entry no.", primary_key=True)
    id = models.UUIDField("id", default=uuid.uuid4, unique=True, editable=False)
    entry_id = models.UUIDField("job queue entry")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="log_entries", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="job_log_entries",
    )
    status = models.SmallIntegerField("status", choices=LogStatus.choices())
    is_final = models.BooleanField(
        "final",
        default=False,
        help_text="The row that settles its due moment; a failed attempt with a retry is not final.",
    )
    origin = models.CharField("started by", max_length=10, default=Origin.SCHEDULE)
    due_at = models.DateTimeField("due at")
    attempt = models.PositiveSmallIntegerField(
        "attempt", default=0, help_text="0 is the first run of a due moment."
    )
    claimed_at = models.DateTimeField("claimed at", null=True)
    started_at = models.DateTimeField("started at", null=True)
    ended_at = models.DateTimeField("ended at", null=True)
    gap_count = models.PositiveIntegerField(
        "occurrences", default=1, help_text="Due moments this row stands for."
    )
    gap_last_due_at = models.DateTimeField("last due at", null=True)

    object_type = models.SmallIntegerField("object type", choices=ObjectType.choices())
    object_id = models.IntegerField("object id")
    object_caption = models.CharField("object", max_length=250, blank=True)
    description = models.CharField("description", max_length=250, blank=True)
    parameter_string = models.CharField("parameter string", max_length=250, blank=True)
    parameters = models.JSONField("parameters", default=dict, blank=True)
    category_code = UpperCodeField("category", blank=True)

    error_kind = models.CharField("kind of error", max_length=20, blank=True)
    error_message = models.CharField("error message", max_length=2048, blank=True)
    error_call_stack = models.TextField("error call stack", blank=True)
    error_register = models.ForeignKey(
        ErrorMessageRegister,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="log_entries",
    )
    reason = models.CharField(
        "reason", max_length=250, blank=True, help_text="Why skipped, missed or cancelled."
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
    )

    system_task_id = models.UUIDField("task", null=True)
    claim_number = models.IntegerField("claim number", null=True)
    worker_id = models.BigIntegerField("service instance", null=True)
    session_number = models.IntegerField("session", null=True)
    progress_done = models.BigIntegerField("progress", null=True)
    progress_total = models.BigIntegerField("progress total", null=True)
    modified_at = models.DateTimeField("modified at", null=True)

    class Meta:
        verbose_name = "job queue log entry"
        verbose_name_plural = "job queue log entries"
        ordering = ["-entry_no"]
        constraints = [
            models.UniqueConstraint(fields=["entry_id", "due_at", "attempt"], name="log_attempt_once"),
            models.UniqueConstraint(
                fields=["entry_id", "due_at"], condition=models.Q(is_final=True), name="log_final_once"
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-entry_no"], name="log_company"),
            models.Index(fields=["entry_id", "-entry_no"], name="log_entry"),
            models.Index(fields=["user", "-entry_no"], name="log_user"),
            models.Index(
                fields=["company", "object_type", "object_id", "-entry_no"], name="log_company_object"
            ),
            models.Index(
                fields=["company", "category_code", "-entry_no"],
                name="log_company_category",
                condition=~models.Q(category_code=""),
            ),
            # Successes are nearly all rows: to find one, any row will do.
            models.Index(
                fields=["company", "status", "-entry_no"],
                name="log_company_not_success",
                condition=~models.Q(status=int(LogStatus.SUCCESS)),
            ),
            models.Index(
                fields=["entry_id"],
                name="log_in_process",
                condition=models.Q(status=int(LogStatus.IN_PROCESS)),
            ),
            models.Index(fields=["company", "ended_at"], name="log_company_ended"),
            models.Index(
                fields=["company", "due_at"],
                name="log_company_no_end",
                condition=models.Q(ended_at=None) & ~models.Q(status=int(LogStatus.IN_PROCESS)),
            ),
            models.Index(
                fields=["error_register"],
                name="log_error_register",
                condition=models.Q(error_register__isnull=False),
            ),
            models.Index(
                fields=["ended_by"], name="log_ended_by", condition=models.Q(ended_by__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} #{self.entry_no}"

    @property
    def duration_ms(self) -> int:
        """Run time in milliseconds rounded to the nearest 100 (50 rounds up); 0 if not both moments are known."""
        if self.started_at is None or self.ended_at is None:
            return 0
        exact = (self.ended_at - self.started_at).total_seconds() * 1000
        return max(0, int((exact + 50) // 100) * 100)


class LogLine(models.Model):
    """A line a job wrote while it ran."""

    log_entry = models.ForeignKey(LogEntry, on_delete=models.CASCADE, related_name="lines", db_index=False)
    at = models.DateTimeField("at")
    level = models.SmallIntegerField("level", choices=Level.choices(), default=Level.INFORMATION)
    text = models.CharField("text", max_length=2048)

    class Meta:
        verbose_name = "log line"
        ordering = ["id"]
        indexes = [models.Index(fields=["log_entry", "id"], name="log_line_entry")]

    def __str__(self) -> str:
        return self.text
