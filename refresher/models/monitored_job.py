"""Monitored jobs: the template of each job that must be kept alive, and the flag on its entry."""

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, URLValidator
from django.db import models

from jobqueue.models import Company, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from notifications.models import NotificationList
from refresher.models.runner import Runner
from refresher.states import RefreshStatus

MAX_HEARTBEAT_URL = 150


def _as_on_entry(name: str, **changed: Any) -> Any:
    """The entry's field of that name: same meaning, same limits, same help."""
    source: Any = Entry._meta.get_field(name)
    field = source.clone()
    for attribute, value in changed.items():
        setattr(field, attribute, value)
    field._verbose_name = field.verbose_name  # what migrations write
    return field


class MonitoredJob(models.Model):
    """The template of a job that must be kept alive; a pass makes its entry match.

    *Protected* jobs are registered by code on every pass and always created again; *customisable* ones among them keep
    what people changed. All others are custom jobs. Source: *Refresher reference, Monitored Job*.
    """

    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, related_name="monitored_jobs", db_index=False
    )
    entry_id = models.UUIDField(
        "job queue entry",
        null=True,
        editable=False,
        help_text="The entry it drives; none before its first refresh.",
    )
    runner = models.ForeignKey(
        Runner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="monitored_jobs",
        verbose_name="JQ runner user",
        help_text="Refreshes and runs this job; the default runner user if left empty.",
    )
    is_protected = models.BooleanField("protected", default=False, editable=False)
    is_customisable = models.BooleanField("customisable", default=False, editable=False)
    registered_by = models.CharField(
        "registered by",
        max_length=150,
        blank=True,
        editable=False,
        help_text="The code that registers the job.",
    )
    registered_as = models.CharField(
        "registered as", max_length=100, blank=True, editable=False, help_text="The job's key in that code."
    )

    # --- what the entry shall be
    object_type = _as_on_entry("object_type")
    object_id = _as_on_entry("object_id")
    description = _as_on_entry("description")
    parameter_string = _as_on_entry("parameter_string")
    parameters = _as_on_entry("parameters")
    record_to_process = _as_on_entry("record_to_process")
    report_output_type = _as_on_entry("report_output_type")
    report_request_page_options = _as_on_entry("report_request_page_options")
    printer_name = _as_on_entry("printer_name")
    notify_on_success = _as_on_entry("notify_on_success")
    user_language = _as_on_entry("user_language")
    earliest_start_at = _as_on_entry(
        "earliest_start_at",
        verbose_name="first run",
        help_text="A job that has not run yet is not planned before this moment; later its last run counts.",
    )
    expires_at = _as_on_entry("expires_at", help_text="After this moment the job is left alone.")
    recurring = _as_on_entry("recurring")
    run_on_mondays = _as_on_entry("run_on_mondays")
    run_on_tuesdays = _as_on_entry("run_on_tuesdays")
    run_on_wednesdays = _as_on_entry("run_on_wednesdays")
    run_on_thursdays = _as_on_entry("run_on_thursdays")
    run_on_fridays = _as_on_entry("run_on_fridays")
    run_on_saturdays = _as_on_entry("run_on_saturdays")
    run_on_sundays = _as_on_entry("run_on_sundays")
    minutes_between_runs = _as_on_entry("minutes_between_runs")
    starting_time = _as_on_entry("starting_time")
    ending_time = _as_on_entry("ending_time")
    next_run_date_formula = _as_on_entry("next_run_date_formula")
    time_zone = _as_on_entry("time_zone")
    recurrence_anchor = _as_on_entry("recurrence_anchor")
    anchor_date = _as_on_entry("anchor_date")
    missed_runs = _as_on_entry("missed_runs")
    max_attempts = _as_on_entry("max_attempts")
    rerun_delay_seconds = _as_on_entry("rerun_delay_seconds")
    inactivity_timeout_minutes = _as_on_entry("inactivity_timeout_minutes")
    timeout_seconds = _as_on_entry("timeout_seconds")
    category_code = _as_on_entry("category_code")
    priority_within_category = _as_on_entry("priority_within_category")
    priority = _as_on_entry("priority")
    manual_recurrence = _as_on_entry("manual_recurrence")

    # --- what is done for it beside the entry
    auto_reschedule = models.BooleanField(
        "auto-reschedule after error",
        default=False,
        help_text="After its last attempt has failed, the entry is started again after the delay.",
    )
    auto_reschedule_delay_seconds = models.PositiveIntegerField(
        "auto-reschedule delay (sec.)", default=0, validators=[MaxValueValidator(31_536_000)]
    )
    heartbeat_url = models.CharField(
        "heartbeat URL",
        max_length=MAX_HEARTBEAT_URL,
        blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Called (POST, no content) after every successful run; a failing call never harms the job.",
    )

    notification_lists = models.ManyToManyField(
        NotificationList,
        blank=True,
        related_name="monitored_jobs",
        verbose_name="notification lists",
        help_text="Lists that hear of the entry's runs; a pass links them again where they are missing.",
    )

    # --- how the last refresh went
    last_refresh_at = models.DateTimeField("last refresh", null=True, editable=False)
    last_refresh_status = models.CharField(
        "last refresh status",
        max_length=10,
        blank=True,
        editable=False,
        default=RefreshStatus.NONE,
        choices=[(RefreshStatus.SUCCESS.value, "Success"), (RefreshStatus.ERROR.value, "Error")],
    )
    last_reason = models.CharField("last reason", max_length=500, blank=True, editable=False)
    last_error = models.TextField("last error message", blank=True, editable=False)
    last_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name="last running user",
        help_text="Whom an entry that is created again in login mode runs as.",
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

    class Meta:
        verbose_name = "monitored job"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry_id"],
                condition=models.Q(entry_id__isnull=False),
                name="monitored_job_entry_once",
            ),
            models.UniqueConstraint(
                fields=["company", "registered_as"],
                condition=~models.Q(registered_as=""),
                name="monitored_job_registered_once",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "id"], name="monitored_job_company"),
            models.Index(fields=["object_type", "object_id"], name="monitored_job_object"),
        ]

    def __str__(self) -> str:
        return self.description or f"Monitored job {self.pk}"

    @property
    def weekdays(self) -> frozenset[int]:
        """Weekdays the job runs on, Monday = 1 … Sunday = 7."""
        return frozenset(day for day, name in enumerate(WEEKDAY_FIELDS, start=1) if getattr(self, name))


class ManagedByApp(models.Model):
    """The *Managed by App* flag of an entry that is no protected job; kept when the monitored job is recreated."""

    entry_id = models.UUIDField("job queue entry", primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    managed = models.BooleanField("managed by app", default=True)

    class Meta:
        verbose_name = "managed-by-app flag"

    def __str__(self) -> str:
        return f"{self.entry_id}: {'managed' if self.managed else 'not managed'}"
