"""What follows the runs of monitored jobs: auto-reschedule after an error, a heartbeat after a success.

Source: *Refresher reference, Job errors* (auto-reschedule, heartbeat).
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobqueue import lifecycle, scheduler
from jobqueue.actors import SYSTEM
from jobqueue.errors import JobQueueError
from jobqueue.models import Entry, LogEntry
from jobqueue.outbound import Call, OutboundFailed, OutboundRefused, send
from jobqueue.states import LogStatus, Status
from refresher.models import MonitoredJob

logger = logging.getLogger(__name__)

RESCHEDULE_ROUTINE = "refresher.reschedule"
HEARTBEAT_ROUTINE = "refresher.heartbeat"
HEARTBEAT_SECONDS = 5


def after_failure(sender: Any, entry: Entry, log_entry: LogEntry, **named: Any) -> None:
    """Receives ``failed_for_good``: the restart is a task of its own, after people have been told."""
    job = MonitoredJob.objects.filter(entry_id=entry.id, auto_reschedule=True).first()
    if job is not None and not entry.owner_kind:
        scheduler.create_task(
            RESCHEDULE_ROUTINE,
            record=entry.id,
            company=entry.company_id,
            context={"delay_seconds": job.auto_reschedule_delay_seconds},
        )


def reschedule(entry_id: UUID | None, *, delay_seconds: int, now: datetime) -> bool:
    """Restarts the entry if it still is in Error: attempts from zero, not before the delay, in its window and days."""
    entry = Entry.objects.filter(id=entry_id, status=Status.ERROR).first()
    if entry is None:
        return False
    try:
        lifecycle.restart(
            entry,
            actor=SYSTEM,
            now=now,
            earliest_start_at=now + timedelta(seconds=delay_seconds),
            expected_revision=entry.revision,
        )
    except JobQueueError as refusal:
        logger.warning("Entry %s could not be started again after its error: %s", entry.pk, refusal)
        return False
    return True


def after_finish(sender: Any, entry: Entry | None, log_entry: LogEntry, **named: Any) -> None:
    """Receives ``after_watched_finish``: a success of a job with a heartbeat URL calls it, in a task of its own."""
    if entry is None or log_entry.status != LogStatus.SUCCESS:
        return
    url = MonitoredJob.objects.filter(entry_id=entry.id).exclude(heartbeat_url="")
    if url.exists():
        scheduler.create_task(
            HEARTBEAT_ROUTINE, record=entry.id, company=entry.company_id, timeout_seconds=60
        )


def beat(entry_id: UUID | None) -> bool:
    """Calls the heartbeat URL once; whatever comes of it is only logged. True if it answered well."""
    job = MonitoredJob.objects.filter(entry_id=entry_id).exclude(heartbeat_url="").first()
    if job is None:
        return False
    try:
        answer = send(Call("POST", job.heartbeat_url, timeout_seconds=HEARTBEAT_SECONDS))
    except (OutboundFailed, OutboundRefused) as error:
        logger.warning("The heartbeat of the monitored job “%s” failed: %s", job, error)
        return False
    if answer.status >= 400:
        logger.warning("The heartbeat URL of the monitored job “%s” answered %s.", job, answer.status)
        return False
    return True
