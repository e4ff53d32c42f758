"""Deletion of old ledger rows: in small batches, each a short transaction, so that workers are never held up.

What is deleted is gone and what is left is found again, so a deletion that was interrupted is simply begun anew.
Source: *Job queue reference, Stale detection, clean-up, retention, copies*.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from jobqueue import registers
from jobqueue.models import Company, LogEntry
from jobqueue.scheduler.sql import on_postgresql
from jobqueue.states import LogStatus

BATCH = 500
MOST_PAUSE_SECONDS = 1.0


def delete_log_entries(
    company: Company,
    *,
    ended_before: datetime | None,
    limit: int = BATCH,
    before_batch: Callable[[QuerySet[LogEntry]], object] | None = None,
) -> Iterator[int]:
    """Deletes the company's rows that ended by then (None: all), with their lines and error messages nobody refers to
    any more; yields the number of each batch of up to ``limit`` rows, after its commit.

    Rows In Process stay. Rows without an end (skipped, missed) count by their due moment. ``before_batch`` is called
    with the rows about to go, inside their transaction; what it raises ends the deletion.
    """
    for rows in _sets_of_rows(company, ended_before=ended_before):
        while True:
            began = time.monotonic()
            found = _delete_batch(rows, limit=limit, before_batch=before_batch)
            if found:
                yield found
            if found < limit:
                break
            _let_others_write(time.monotonic() - began)


def _sets_of_rows(company: Company, *, ended_before: datetime | None) -> Iterator[QuerySet[LogEntry]]:
    """Each walks an index from its oldest row on, so that finding nothing is as quick as finding something."""
    rows = LogEntry.objects.filter(company=company).exclude(status=LogStatus.IN_PROCESS)
    if ended_before is None:
        yield rows.order_by("entry_no")
    else:
        yield rows.filter(ended_at__lte=ended_before).order_by("ended_at")
        yield rows.filter(ended_at=None, due_at__lte=ended_before).order_by("due_at")


def _delete_batch(
    rows: QuerySet[LogEntry], *, limit: int, before_batch: Callable[[QuerySet[LogEntry]], object] | None
) -> int:
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            # Two deletions side by side share the rows instead of waiting for each other.
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        found = dict(rows.values_list("entry_no", "error_register_id")[:limit])
        if not found:
            return 0
        batch = LogEntry.objects.filter(pk__in=found).exclude(status=LogStatus.IN_PROCESS)
        if before_batch is not None:
            before_batch(batch)
        batch.delete()
        registers.release(found.values())
    return len(found)


def _let_others_write(took_seconds: float) -> None:
    """SQLite has one writer and no queue for it: whoever asks again at once may keep the others out for long."""
    if not on_postgresql() and not connection.in_atomic_block:
        time.sleep(min(took_seconds, MOST_PAUSE_SECONDS))
