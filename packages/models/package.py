"""The package, its lines, and the changes of its status."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from jobqueue.models import Company, Entry
from jobqueue.models.fields import TimeZoneField
from jobqueue.states import Origin
from packages.states import MissedRun, OnError, Outcome, PackageStatus

NAME_LENGTH = 100
MAX_RUN_ORDER = 2_147_483_647


class Package(models.Model):
    """An ordered set of job queue entries with a schedule of its own, one error rule and one notification list.

    Source: *Packages reference, The package*. Changed only through ``packages.lifecycle`` and the run engine;
    ``revision`` is raised by every change people make, ``lines_revision`` by those that reach its lines.
    """

    uuid = models.UUIDField("id", default=uuid.uuid4, unique=True, editable=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="packages", db_index=False)
    name = models.CharField(
        "name", max_length=NAME_LENGTH, help_text="Unique in the company; mails show this name."
    )
    name_key = models.CharField(max_length=NAME_LENGTH * 3, editable=False)
    description = models.TextField("description", blank=True, help_text="Shown in every mail of the package.")
    status = models.CharField(
        "status",
        max_length=10,
        choices=PackageStatus.choices,
        default=PackageStatus.ON_HOLD,
        editable=False,
    )
    on_error = models.CharField(
        "on error",
        max_length=10,
        choices=OnError.choices,
        default=OnError.STOP,
        help_text="Stop: the remaining lines do not run and the schedule is switched off. Finish Run, then Stop: the "
        "remaining lines run, then the schedule is switched off. Continue: they run and the schedule goes on.",
    )
    time_zone = TimeZoneField("time zone", help_text="Zone in which the times of the recurrences are read.")
    missed_run = models.CharField(
        "missed run",
        max_length=10,
        choices=MissedRun.choices,
        default=MissedRun.RUN_LATE,
        help_text="Run Late: one run as soon as possible for due times that were missed. Skip: the next due time.",
    )
    late_tolerance_minutes = models.PositiveIntegerField(
        "late tolerance (min.)",
        default=5,
        validators=[MaxValueValidator(525_600)],
        help_text="A run that cannot start within so many minutes of its due time is late.",
    )
    run_equal_orders_together = models.BooleanField(
        "run equal orders together",
        default=False,
        help_text="Lines with the same run order start together; the next order waits for all of them.",
    )
    max_duration_minutes = models.PositiveIntegerField(
        "max. duration (min.)",
        default=0,
        validators=[MaxValueValidator(525_600)],
        help_text="A run still open after so many minutes is reported once; it is never ended. 0: no limit.",
    )
    run_as_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name="run as user",
        help_text="The entries run as this user. Empty: as whoever last set the package Active.",
    )
    identity = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
        verbose_name="runs as",
        help_text="Who stands in for an empty Run As User: whoever last set the package Active, or has since changed "
        "what reaches its jobs.",
    )

    notification_lists = models.ManyToManyField(
        "notifications.NotificationList",
        blank=True,
        related_name="packages",
        verbose_name="shared notification lists",
        help_text="Told besides the package's own list.",
    )

    # --- live state
    next_run_at = models.DateTimeField("next run", null=True, editable=False)
    task_id = models.UUIDField("task of the next run", null=True, editable=False)
    last_run_at = models.DateTimeField("last run", null=True, editable=False)
    last_outcome = models.CharField(
        "last outcome", max_length=12, blank=True, choices=Outcome.choices, editable=False
    )
    waiting_due_at = models.DateTimeField(
        "due time that waits",
        null=True,
        editable=False,
        help_text="The due time that was last found late while it waited.",
    )
    waiting_noticed_at = models.DateTimeField("found waiting at", null=True, editable=False)
    waiting_told_at = models.DateTimeField("told that it waits at", null=True, editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )
    activated_at = models.DateTimeField("activated at", null=True, editable=False)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )
    held_at = models.DateTimeField("held at", null=True, editable=False)
    hold_reason = models.CharField("reason of hold", max_length=250, blank=True, editable=False)

    # --- who made it
    revision = models.PositiveIntegerField("revision", default=0, editable=False)
    lines_revision = models.PositiveIntegerField("revision of the lines", default=0, editable=False)
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
    modified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )

    class Meta:
        verbose_name = "job queue package"
        ordering = ["name"]
        permissions = [
            ("operate_package", "Can operate job queue packages (set active, set on hold, run now, cancel)"),
            ("set_up_package", "Can set up job queue packages (run as another user, retention)"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["company", "name_key"], name="package_name_once"),
        ]
        indexes = [
            models.Index(fields=["company", "status", "name"], name="package_company_status"),
            models.Index(fields=["task_id"], name="package_task", condition=models.Q(task_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status == PackageStatus.ACTIVE


class PackageLine(models.Model):
    """One job queue entry inside a package, with its run order."""

    uuid = models.UUIDField("id", default=uuid.uuid4, unique=True, editable=False)
    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="lines")
    entry = models.OneToOneField(
        Entry, on_delete=models.PROTECT, related_name="package_line", verbose_name="job queue entry"
    )
    run_order = models.PositiveIntegerField(
        "run order",
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RUN_ORDER)],
        help_text="Lines run in ascending order; gaps are fine.",
    )
    enabled = models.BooleanField("enabled", default=True, help_text="A disabled line is left out.")
    always = models.BooleanField(
        "always",
        default=False,
        help_text="Runs after all other lines, also when an error has stopped them; never after a hold.",
    )
    on_error = models.CharField(
        "on error",
        max_length=10,
        blank=True,
        choices=OnError.choices,
        help_text="Empty: as the package says.",
    )

    class Meta:
        verbose_name = "package line"
        ordering = ["always", "run_order", "id"]

    def __str__(self) -> str:
        return f"{self.run_order} {self.entry}"


class StatusChange(models.Model):
    """Who or what moved a package from one status to another, or asked its open run to stop. Survives the package."""

    package = models.ForeignKey(Package, on_delete=models.SET_NULL, null=True, related_name="status_changes")
    package_uuid = models.UUIDField("package")
    package_name = models.CharField("package", max_length=NAME_LENGTH)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("at")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    origin = models.CharField("origin", max_length=10, choices=[(item.value, item.value) for item in Origin])
    from_status = models.CharField("from", max_length=10, blank=True, choices=PackageStatus.choices)
    to_status = models.CharField("to", max_length=10, choices=PackageStatus.choices)
    reason = models.CharField("reason", max_length=500, blank=True)
    run = models.ForeignKey(
        "packages.Run", on_delete=models.SET_NULL, null=True, related_name="status_changes"
    )

    class Meta:
        verbose_name = "status change of a package"
        verbose_name_plural = "status changes of packages"
        ordering = ["-id"]
        indexes = [models.Index(fields=["package_uuid", "-id"], name="package_change")]

    def __str__(self) -> str:
        return f"{self.package_name}: {self.get_to_status_display()}"
