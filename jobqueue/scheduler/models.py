"""Rows of the task scheduler: durable one-shot tasks, and the clusters and workers that execute them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

FREE, CLAIMED, RUNNING = 0, 1, 2


class ScheduledTask(models.Model):
    """A task that runs once, soon after ``not_before``, on any cluster; the row is deleted when it has ended.

    The row is the truth: a message inside django-q2 is only a hint that may come twice, late or never. Every claim
    raises ``claim_number``, and each later step names the number it acts under, so a stale worker changes nothing.
    Source: *Job queue reference, Scheduled Task* and *Task scheduler*.
    """

    class State(models.IntegerChoices):
        FREE = FREE, "Waiting"
        CLAIMED = CLAIMED, "Claimed"
        RUNNING = RUNNING, "Running"

    class Priority(models.IntegerChoices):
        HIGH = -1, "High"
        NORMAL = 0, "Normal"
        LOW = 1, "Low"

    class ErrorKind(models.TextChoices):
        EXCEPTION = "exception", "Error in the routine"
        NON_RETRIABLE = "non_retriable", "Error that another attempt cannot cure"
        TIMEOUT = "timeout", "Maximum run time exceeded"
        KILLED = "killed", "Worker process ended"
        LOST = "lost", "Worker host lost"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    main_routine = models.CharField("main routine", max_length=60, help_text="Registered name of what runs.")
    failure_routine = models.CharField(
        "failure routine",
        max_length=60,
        blank=True,
        db_default="",
        help_text="Registered name of what runs, in a new session, when the main routine ends badly.",
    )
    record = models.UUIDField("record", null=True, help_text="The record the routine is about.")
    company = models.ForeignKey(
        "jobqueue.Company",
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="scheduled_tasks",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="scheduled_tasks",
        help_text="The identity the task runs as; empty for the System identity.",
    )
    not_before = models.DateTimeField("not before", help_text="The task does not start earlier (UTC).")
    rank = models.DateTimeField(
        "rank", help_text="Claim order: not before, moved 5 minutes forward or back by the priority."
    )
    is_ready = models.BooleanField(
        "is ready",
        default=True,
        db_default=True,
        help_text="A task that is not ready waits until it is set ready.",
    )
    priority = models.SmallIntegerField("priority", choices=Priority, default=0, db_default=0)
    timeout_seconds = models.PositiveIntegerField("timeout", help_text="Maximum run time in seconds.")
    owner_context = models.TextField(
        "context", blank=True, db_default="", help_text="JSON handed through to the routine."
    )
    created_at = models.DateTimeField("created at", db_default=Now(), editable=False)

    state = models.SmallIntegerField("state", choices=State, default=FREE, db_default=FREE)
    claim_number = models.IntegerField(
        "claim number", default=0, db_default=0, help_text="Fencing token; raised by every claim."
    )
    cluster = models.ForeignKey(
        "jobqueue.Cluster",
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="tasks",
    )
    claimed_at = models.DateTimeField("claimed at", null=True)
    worker = models.ForeignKey(
        "jobqueue.WorkerSession",
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="tasks",
    )
    session_number = models.IntegerField("session number", null=True)
    started_at = models.DateTimeField("started at", null=True)

    attempt = models.IntegerField(
        "attempt",
        default=0,
        db_default=0,
        help_text="Retries of the present routine by the scheduler; 0 is the first run.",
    )
    error_kind = models.CharField(
        "kind of error", max_length=20, choices=ErrorKind, blank=True, db_default=""
    )
    error_message = models.TextField("error message", blank=True, db_default="")
    error_call_stack = models.TextField("error call stack", blank=True, db_default="")
    non_retriable = models.BooleanField(
        "non-retriable",
        default=False,
        db_default=False,
        help_text="The stored error uses up all attempts at once.",
    )
    cancel_requested_at = models.DateTimeField("cancel requested at", null=True)
    cancel_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    cancel_reason = models.CharField("cancel reason", max_length=250, blank=True, db_default="")

    class Meta:
        app_label = "jobqueue"
        verbose_name = "scheduled task"
        verbose_name_plural = "scheduled tasks"
        ordering = ["not_before"]
        indexes = [
            models.Index(
                fields=["priority", "not_before"], name="task_due", condition=Q(state=0, is_ready=True)
            ),
            models.Index(
                fields=["company", "priority", "not_before"],
                name="task_due_in_company",
                condition=Q(state=0, is_ready=True),
            ),
            models.Index(fields=["cluster"], name="task_in_flight", condition=Q(state__gt=0)),
            models.Index(fields=["record"], name="task_with_context", condition=~Q(owner_context="")),
        ]

    def __str__(self) -> str:
        return f"{self.main_routine} {self.id}"


class Cluster(models.Model):
    """One django-q2 cluster under one supervisor. ``lease_until`` is the lease of every task the cluster holds."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        DRAINING = "draining", "Draining"
        ENDED = "ended", "Ended"
        LOST = "lost", "Lost"

    name = models.CharField("name", max_length=80, blank=True)
    host = models.CharField("host", max_length=255)
    machine = models.CharField(
        "machine",
        max_length=120,
        help_text="Boot and process namespace of the host: where the process ids are valid.",
    )
    pid = models.IntegerField("process id", help_text="The supervisor's process.")
    process_start = models.BigIntegerField(
        "process start", help_text="Start of the process in clock ticks since boot."
    )
    started_at = models.DateTimeField("started at", db_default=Now())
    heartbeat_at = models.DateTimeField("last heartbeat", db_default=Now())
    lease_until = models.DateTimeField("lease until")
    ended_at = models.DateTimeField("ended at", null=True)
    end_reason = models.CharField("end reason", max_length=250, blank=True, db_default="")
    state = models.CharField("state", max_length=10, choices=State, default=State.LIVE)
    version = models.CharField("version", max_length=40, blank=True)
    workers = models.PositiveIntegerField("workers")

    class Meta:
        app_label = "jobqueue"
        verbose_name = "cluster"
        verbose_name_plural = "clusters"
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["lease_until"], name="cluster_open", condition=Q(state__in=["live", "draining"])
            )
        ]

    def __str__(self) -> str:
        return f"{self.name or self.host} {self.pk}"


class WorkerSession(models.Model):
    """One worker process. A *session* is one execution in it: this row's id and a number counted by the worker."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="worker_sessions")
    host = models.CharField("host", max_length=255)
    pid = models.IntegerField("process id")
    process_start = models.BigIntegerField(
        "process start", help_text="Start of the process in clock ticks since boot."
    )
    started_at = models.DateTimeField("started at", db_default=Now())
    seen_at = models.DateTimeField(
        "last seen", db_default=Now(), help_text="The supervisor saw the process alive."
    )
    ended_at = models.DateTimeField("ended at", null=True)
    end_reason = models.CharField("end reason", max_length=250, blank=True, db_default="")

    class Meta:
        app_label = "jobqueue"
        verbose_name = "worker session"
        verbose_name_plural = "worker sessions"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
