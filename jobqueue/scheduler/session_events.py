"""Session events: who came and went behind the scenes, and which runs ended by force.

A worker process leaves one *Logon* and one *Logoff* row, whose comment is the error when it did not go in order; so do
clusters with *Start* and their end. A session (one execution) leaves a row only when something ended it from outside or
it came back too late: its start and its result are in the ledger already, and the way of a run that goes well must not
get longer.
Source: *Job queue reference, Session events*.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings as django_settings
from django.db import DatabaseError, models, transaction

from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.tasks import ClaimedTask

logger = logging.getLogger("jobqueue.scheduler")

COMMENT_LENGTH = 2_048
PURGE_BATCH = 1_000


class SessionEvent(models.Model):
    """One thing that happened to a cluster, a worker process or a session. Rows are only added and purged."""

    class Kind(models.TextChoices):
        START = "start", "Start"
        STOP = "stop", "Stop"
        REPLACED = "replaced", "Replaced"
        LOST = "lost", "Lost"
        LOGON = "logon", "Logon"
        LOGOFF = "logoff", "Logoff"
        KILLED = "killed", "Killed"
        TIMEOUT = "timeout", "Timeout"
        CANCELLED = "cancelled", "Cancelled"
        LATE = "late", "Reported late"
        UNKNOWN = "unknown", "Unknown routine"

    at = models.DateTimeField("at")
    kind = models.CharField("event", max_length=10, choices=Kind)
    cluster = models.ForeignKey(
        "jobqueue.Cluster",
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="session_events",
        help_text="The service instance.",
    )
    worker = models.ForeignKey(
        "jobqueue.WorkerSession",
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        db_constraint=False,
        related_name="session_events",
        help_text="The worker process; empty for events of a cluster.",
    )
    session_number = models.IntegerField(
        "session", null=True, help_text="Number of the execution in its worker process."
    )
    company = models.ForeignKey(
        "jobqueue.Company", on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    user = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        db_index=False,
        related_name="+",
        help_text="The identity the session ran as; empty for the System identity.",
    )
    host = models.CharField("host", max_length=255, blank=True, db_default="")
    pid = models.IntegerField("process id", null=True)
    task_id = models.UUIDField("task", null=True)
    record = models.UUIDField("record", null=True, help_text="The record the session was about.")
    comment = models.TextField("comment", blank=True, db_default="", help_text="The error, if there was one.")

    class Meta:
        app_label = "jobqueue"
        verbose_name = "session event"
        verbose_name_plural = "session events"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="session_event_at"),
            models.Index(fields=["kind", "-id"], name="session_event_kind"),
            models.Index(
                fields=["worker", "-id"],
                name="session_event_worker",
                condition=models.Q(worker__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.host} {self.pid or ''}".strip()


Kind = SessionEvent.Kind

SESSION_ENDS = {kind.value: kind for kind in (Kind.KILLED, Kind.LOST, Kind.TIMEOUT, Kind.CANCELLED)}
"""Kinds of task errors that came from outside the routine, with their events."""


def cluster_event(kind: Kind, cluster: Cluster, *, at: datetime, comment: str = "") -> None:
    """Records the start or the end of a cluster; the process is its supervisor."""
    _record(kind, at=at, cluster_id=cluster.pk, host=cluster.host, pid=cluster.pid, comment=comment)


def worker_events(kind: Kind, workers: Iterable[WorkerSession], *, at: datetime, comment: str = "") -> None:
    """Records that worker processes (rows of ``WorkerSession``) came or went."""
    SessionEvent.objects.bulk_create(
        SessionEvent(
            kind=kind,
            at=at,
            cluster_id=worker.cluster_id,
            worker_id=worker.pk,
            host=worker.host,
            pid=worker.pid,
            comment=comment[:COMMENT_LENGTH],
        )
        for worker in workers
    )


def session_event(kind: Kind, task: ScheduledTask, *, at: datetime, comment: str = "") -> None:
    """Records what ended the session of a running task (its row, before it is changed)."""
    _record(
        kind,
        at=at,
        session_number=task.session_number,
        company_id=task.company_id,
        user_id=task.user_id,
        task_id=task.pk,
        record=task.record,
        comment=comment,
        **_process(task.worker_id),
    )


def reported_late(claim: ClaimedTask, *, comment: str) -> None:
    """Records that a session came with a result for a claim that was no longer its own; never raises."""
    try:
        with transaction.atomic():
            task = ScheduledTask.objects.filter(pk=claim.id).first()
            _record(
                Kind.LATE,
                at=database_now(),
                session_number=claim.session_number or None,
                task_id=claim.id,
                company_id=task.company_id if task is not None else None,
                user_id=task.user_id if task is not None else None,
                record=task.record if task is not None else None,
                comment=comment,
                **_process(claim.worker_id),
            )
    except DatabaseError as error:
        logger.warning("The late report of task %s was not recorded: %s", claim.id, error)


def unknown_routine(claim: ClaimedTask, *, cluster_id: int | None, pid: int, comment: str) -> None:
    """Records that a cluster met a routine its code does not know; never raises."""
    try:
        with transaction.atomic():
            task = ScheduledTask.objects.filter(pk=claim.id).first()
            cluster = Cluster.objects.filter(pk=cluster_id).first() if cluster_id else None
            _record(
                Kind.UNKNOWN,
                at=database_now(),
                cluster_id=cluster_id,
                host=cluster.host if cluster is not None else "",
                pid=pid,
                task_id=claim.id,
                company_id=task.company_id if task is not None else None,
                user_id=task.user_id if task is not None else None,
                record=task.record if task is not None else None,
                comment=comment,
            )
    except DatabaseError as error:
        logger.warning("The unknown routine of task %s was not recorded: %s", claim.id, error)


def purge(*, before: datetime) -> int:
    """Deletes events older than ``before`` in small batches, each a transaction of its own; returns how many."""
    deleted = 0
    while True:
        with transaction.atomic():
            old = SessionEvent.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)
            found = list(old[:PURGE_BATCH])
            deleted += SessionEvent.objects.filter(pk__in=found).delete()[0] if found else 0
        if len(found) < PURGE_BATCH:
            return deleted


def _record(kind: Kind, *, comment: str, **values: Any) -> None:
    SessionEvent.objects.create(kind=kind, comment=comment[:COMMENT_LENGTH], **values)


def _process(worker_id: int | None) -> dict[str, Any]:
    worker = WorkerSession.objects.filter(pk=worker_id).first() if worker_id else None
    if worker is None:
        return {"worker_id": worker_id}
    return {"worker_id": worker.pk, "cluster_id": worker.cluster_id, "host": worker.host, "pid": worker.pid}
