"""The job queue entry: one job definition plus its live state."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from jobqueue.models.company import Company
from jobqueue.models.fields import TimeZoneField, UpperCodeField
from jobqueue.models.messages import ErrorMessageRegister
from jobqueue.states import (
    Anchor,
    CategoryPriority,
    HoldKind,
    MissedRuns,
    ObjectType,
    OutputType,
    Priority,
    Status,
)

WEEKDAY_FIELDS = (
    "run_on_mondays",
    "run_on_tuesdays",
    "run_on_wednesdays",
    "run_on_thursdays",
    "run_on_fridays",
    "run_on_saturdays",
    "run_on_sundays",
)


class Entry(models.Model):
    """One job (a codeunit or report with parameters), its schedule, its limits and its live state.

    Source: *Job queue reference, Job Queue Entry*. Statuses change only through ``jobqueue.lifecycle`` and the
    dispatcher, by guarded updates; ``revision`` is raised by every change and guards the claim's decision.
    """

    entry_no = models.BigAutoField("entry no.", primary_key=True)
    id = models.UUIDField("id", default=uuid.uuid4, unique=True, editable=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="entries", db_index=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="job_queue_entries",
        verbose_name="running user",
        help_text="The job runs as this user: whoever last set it to Ready. Empty means the System identity.",
    )
    revision = models.PositiveIntegerField("revision", default=0, editable=False)

    # --- what runs
    object_type = models.SmallIntegerField(
        "object type to run",
        choices=ObjectType.choices(),
        default=ObjectType.CODEUNIT,
        help_text="A codeunit does work; a report leaves documents in the report inbox.",
    )
    object_id = models.IntegerField(
        "object id to run", default=0, help_text="The job object to run, as registered by an installed app."
    )
    description = models.CharField(
        "description",
        max_length=250,
        blank=True,
        help_text="Name people see; the object's caption if left empty.",
    )
    parameter_string = models.CharField(
        "parameter string", max_length=250, blank=True, help_text="Free text handed to the job object."
    )
    parameters = models.JSONField(
        "parameters", default=dict, blank=True, help_text="Typed parameters of the job object."
    )
    record_to_process = models.CharField(
        "record to process",
        max_length=250,
        blank=True,
        help_text="The record the job works on, written app.model:key, for example “sales.order:42”.",
    )
    report_output_type = models.SmallIntegerField(
        "report output type",
        choices=OutputType.choices(),
        default=OutputType.PDF,
        help_text="Only for reports.",
    )
    report_request_page_options = models.BooleanField(
        "report request page options",
        default=False,
        help_text="On: the report runs with the stored parameters. Clearing it deletes them.",
    )
    printer_name = models.CharField(
        "printer name", max_length=250, blank=True, help_text="Only for printed reports."
    )
    run_in_user_session = models.BooleanField("run in user session", default=False, editable=False)
    notify_on_success = models.BooleanField(
        "notify on success", default=False, help_text="Tell the running user when a run succeeded."
    )
    user_language = models.CharField(
        "language", max_length=15, default="en", help_text="Language the job runs in."
    )

    # --- when it runs
    earliest_start_at = models.DateTimeField(
        "earliest start",
        null=True,
        blank=True,
        help_text="Not before this moment; for a recurring entry, its next run.",
    )
    expires_at = models.DateTimeField(
        "expiration",
        null=True,
        blank=True,
        help_text="After this moment the entry is deleted instead of run.",
    )
    due_at = models.DateTimeField(
        "due at", null=True, editable=False, help_text="The due moment being served; retries keep it."
    )
    recurring = models.BooleanField("recurring", default=False, editable=False)
    run_on_mondays = models.BooleanField("run on Mondays", default=False)
    run_on_tuesdays = models.BooleanField("run on Tuesdays", default=False)
    run_on_wednesdays = models.BooleanField("run on Wednesdays", default=False)
    run_on_thursdays = models.BooleanField("run on Thursdays", default=False)
    run_on_fridays = models.BooleanField("run on Fridays", default=False)
    run_on_saturdays = models.BooleanField("run on Saturdays", default=False)
    run_on_sundays = models.BooleanField("run on Sundays", default=False)
    minutes_between_runs = models.PositiveIntegerField(
        "no. of minutes between runs",
        default=0,
        help_text="1,440 (once a day) when a recurring entry leaves it at 0.",
    )
    starting_time = models.TimeField(
        "starting time", null=True, blank=True, help_text="The entry starts only from this time of day on."
    )
    ending_time = models.TimeField(
        "ending time",
        null=True,
        blank=True,
        help_text="The entry starts only until this time of day; may lie before the starting time (over midnight).",
    )
    next_run_date_formula = models.CharField(
        "next run date formula",
        max_length=20,
        blank=True,
        help_text="Instead of weekdays: for example 1D (daily), 1D+CM (last day of each month), D15 (the 15th).",
    )
    time_zone = TimeZoneField("time zone", help_text="Zone in which times of day and weekdays are read.")
    recurrence_anchor = models.CharField(
        "recurrence counts from",
        max_length=10,
        choices=[(Anchor.FIXED.value, "Fixed times"), (Anchor.COMPLETION.value, "After completion")],
        default=Anchor.COMPLETION,
        help_text="Fixed times: due times lie on a grid and never drift. "
        "After completion: counted from the end of a run.",
    )
    anchor_date = models.DateField("grid counted from", null=True, blank=True, editable=False)
    missed_runs = models.CharField(
        "missed runs",
        max_length=15,
        choices=[(MissedRuns.RUN_ONCE_LATE.value, "Run once, late"), (MissedRuns.SKIP.value, "Skip")],
        default=MissedRuns.RUN_ONCE_LATE,
        help_text="What happens when due times passed while nothing could run.",
    )

    # --- how it behaves
    max_attempts = models.SmallIntegerField(
        "maximum no. of attempts to run",
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(10)],
        help_text="How often a failed run is tried again; 0 means no retry, at most 10.",
    )
    attempts = models.SmallIntegerField("no. of attempts to run", default=0, editable=False)
    rerun_delay_seconds = models.PositiveIntegerField(
        "rerun delay (sec.)",
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text="Wait before a retry, up to 3,600 seconds; each further retry waits longer by itself.",
    )
    inactivity_timeout_minutes = models.PositiveIntegerField(
        "inactivity timeout period",
        default=5,
        validators=[MinValueValidator(5)],
        help_text="Minutes a recurring entry sleeps after it found nothing to do; at least 5.",
    )
    timeout_seconds = models.PositiveIntegerField(
        "job timeout", default=43_200, help_text="Longest run time in seconds; 12 hours unless changed."
    )
    category_code = UpperCodeField(
        "category",
        blank=True,
        help_text="Entries of one category take turns. Leave empty to run independently.",
    )
    priority_within_category = models.SmallIntegerField(
        "priority within category",
        choices=CategoryPriority.choices(),
        default=CategoryPriority.NORMAL,
        help_text="Which waiting entry of the category is next.",
    )
    priority = models.SmallIntegerField(
        "priority",
        choices=Priority.choices(),
        default=Priority.NORMAL,
        help_text="High counts as due five minutes earlier than it is, Low as five minutes later.",
    )
    manual_recurrence = models.BooleanField(
        "manual recurrence",
        default=False,
        help_text="The job sets its own status after a success; for programs.",
    )

    # --- live state
    status = models.SmallIntegerField(
        "status", choices=Status.choices(), default=Status.ON_HOLD, editable=False
    )
    last_ready_state_at = models.DateTimeField("last ready state", null=True, editable=False)
    hold_kind = models.CharField(
        "kind of hold", max_length=10, blank=True, editable=False, default=HoldKind.DRAFT
    )
    hold_reason = models.CharField("reason of hold", max_length=250, blank=True, editable=False)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )
    held_at = models.DateTimeField("held at", null=True, editable=False)
    held_until = models.DateTimeField("held until", null=True, editable=False)
    error_message = models.CharField("error message", max_length=2048, blank=True, editable=False)
    error_register = models.ForeignKey(
        ErrorMessageRegister,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        db_index=False,
        related_name="entries",
    )
    system_task_id = models.UUIDField("system task", null=True, editable=False)
    user_session_started_at = models.DateTimeField("session started", null=True, editable=False)
    worker_id = models.BigIntegerField("service instance", null=True, editable=False)
    session_number = models.IntegerField("session", null=True, editable=False)

    # --- who made it, who owns it
    owner_kind = models.CharField("owner", max_length=30, blank=True, editable=False)
    owner_reference = models.CharField("owner reference", max_length=100, blank=True, editable=False)
    is_system = models.BooleanField("system entry", default=False, editable=False)
    is_watched = models.BooleanField(
        "watched",
        default=False,
        db_default=False,
        editable=False,
        help_text="Somebody listens to how its runs end, for example a notification list.",
    )
    created_at = models.DateTimeField("created at", null=True, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )
    modified_at = models.DateTimeField("modified at", null=True, editable=False)

    class Meta:
        verbose_name = "job queue entry"
        verbose_name_plural = "job queue entries"
        ordering = ["entry_no"]
        permissions = [
            ("operate_entry", "Can operate job queue entries (ready, hold, restart, run now, cancel)"),
            ("run_http_request", "Can run the job object HTTP request"),
            ("run_command", "Can run the job object Management command"),
            ("run_sql_report", "Can run the report SQL query"),
            ("run_send_email", "Can run the job object Send e-mail"),
            ("run_log_cleanup", "Can run the job object Log clean-up"),
        ]
        indexes = [
            models.Index(fields=["company", "status", "entry_no"], name="entry_company_status"),
            models.Index(
                fields=["company", "category_code", "status", "priority_within_category", "entry_no"],
                name="entry_category",
            ),
            models.Index(fields=["system_task_id"], name="entry_task"),
            models.Index(fields=["object_type", "object_id"], name="entry_object"),
            models.Index(fields=["company", "earliest_start_at"], name="entry_company_start"),
            models.Index(fields=["user", "status"], name="entry_user_status"),
            models.Index(
                fields=["held_until"], name="entry_held_until", condition=models.Q(held_until__isnull=False)
            ),
            models.Index(
                fields=["error_register"],
                name="entry_error_register",
                condition=models.Q(error_register__isnull=False),
            ),
        ]

    asked_before = ""
    """Not stored: what Run Now answers where an extra run is waiting already."""

    expected_revision: int | None = None
    """Not stored: the revision the caller saw. Verbs refuse if the row has another one by now; None expects nothing."""

    def __str__(self) -> str:
        return self.description or f"Job queue entry {self.entry_no}"

    @property
    def tells_of_ends(self) -> bool:
        """Whether somebody wants to hear how its runs end: only then ``after_watched_finish`` is sent."""
        return self.is_watched or self.notify_on_success

    @property
    def weekdays(self) -> frozenset[int]:
        """Weekdays the entry runs on, Monday = 1 … Sunday = 7."""
        return frozenset(day for day, name in enumerate(WEEKDAY_FIELDS, start=1) if getattr(self, name))
