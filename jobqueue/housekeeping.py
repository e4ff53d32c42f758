"""Housekeeping: finds entries and ledger rows nobody stands behind any more, and sees that somebody looks regularly.

Two keepers. The *watch*, a task that schedules its own next run every minute, cares for what must not stand still: runs
in process without a task, waiting entries without anybody to wait for, lost clean-up jobs. The *clean-up job*, one
system entry per company, does the daily work of *Job queue reference, Stale detection, clean-up, retention, copies*.
Nothing here stops the rest: each row is its own transaction.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import Combinable

from jobqueue import categories, idempotency, ledger, permissions, registers, scheduler, telemetry
from jobqueue.actors import SYSTEM, Actor
from jobqueue.conf import settings
from jobqueue.enqueue import SESSION_FIELDS, clear_session, enqueue
from jobqueue.events import (
    after_delete_entry,
    after_set_status,
    after_stale,
    announce,
    ask,
    minute_passed,
    stale_delay,
)
from jobqueue.guarded import ChangedMeanwhile, remove, store
from jobqueue.models import Category, Company, Entry, ErrorMessageRegister, LogEntry, ScheduledTask
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.schedule import load_zone, to_local
from jobqueue.scheduler import database_now, retention, session_events
from jobqueue.states import Anchor, LogStatus, ObjectType, Status

logger = logging.getLogger(__name__)

CLEAN_UP_OBJECT = 6
WATCH_ROUTINE = "jobqueue.watch"
WATCH_EVERY = timedelta(minutes=1)
ORPHAN_REGISTERS_AFTER = timedelta(days=1)
BATCH = 500
KEPT_BEYOND_EVENTS = timedelta(days=1)
"""Rows of ended workers outlive the events that name them: one may report late."""

STOPPED = (
    "Something stopped the job, probably an update or maintenance of the system. "
    "Set the entry to Ready to start it again."
)

Row = TypeVar("Row", Entry, LogEntry)


# --- the watch


def watch(task_id: UUID, *, now: datetime) -> None:
    """One round of the watch, by the task of that id; schedules the next one first."""
    if not ScheduledTask.objects.filter(main_routine=WATCH_ROUTINE).exclude(pk=task_id).exists():
        scheduler.create_task(WATCH_ROUTINE, not_before=now + WATCH_EVERY)
    for company in Company.objects.all():
        ensure_clean_up_entry(company, now=now)
        _stop_stale_entries(_stale_entries(company, now=now, statuses=[Status.IN_PROCESS]), now=now)
        _settle_stale_rows(company, now=now)
        wake_waiting(company, now=now)
    announce(minute_passed, now=now)


def ensure_watch(now: datetime) -> None:
    """Makes sure the watch is on: called whenever workers start and by every clean-up job."""
    if not ScheduledTask.objects.filter(main_routine=WATCH_ROUTINE).exists():
        scheduler.create_task(WATCH_ROUTINE, not_before=now)


def ensure_clean_up_entry(company: Company, *, now: datetime) -> Entry | None:
    """The company's clean-up job, made or put back on its way; None if all is well.

    Daily on all seven days, at the present time of day, which spreads the load of several companies.
    """
    with transaction.atomic():
        # The company is the lock: two watches never make two clean-up jobs. It leaves references to the company alone.
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)
        entry = Entry.objects.filter(company=company, is_system=True, object_id=CLEAN_UP_OBJECT).first()
        if entry is None:
            entry = _new_clean_up_entry(company, now=now)
        elif entry.status in (Status.ON_HOLD, Status.IN_PROCESS) or (
            entry.status != Status.ERROR and scheduler.task_exists(entry.system_task_id)
        ):
            return None
        entry.status = Status.READY
        enqueue(entry, now=now, keep_attempts=False)
    return entry


def wake_waiting(company: Company, *, now: datetime) -> None:
    """Wakes waiting entries nobody will wake: no run in process stands before them."""
    waiting = Entry.objects.filter(company=company, status=Status.WAITING)
    for code in waiting.exclude(category_code="").values_list("category_code", flat=True).distinct():
        with transaction.atomic():
            categories.wake(company.pk, code, now=now)
    running = LogEntry.objects.filter(entry_id=OuterRef("id"), status=LogStatus.IN_PROCESS)
    for entry in waiting.filter(~Exists(running), category_code=""):
        with transaction.atomic():
            categories.after_run(company_id=company.pk, code="", entry_id=entry.id, now=now)


# --- the clean-up job


def clean_up(company: Company, *, now: datetime) -> dict[str, int]:
    """The daily work; returns what was done, by words for the log."""
    ensure_watch(now)
    before = now - timedelta(days=settings().session_event_days)
    return {
        "recovery tasks made again": _restore_recovery(company, now=now),
        "stale entries": _stop_stale_entries(
            _stale_entries(company, now=now, statuses=[Status.READY, Status.IN_PROCESS]), now=now
        ),
        "stale log entries": _settle_stale_rows(company, now=now),
        "sleeping entries scheduled again": _wake_sleepers(company, now=now),
        "expired waiting entries deleted": _delete_expired_waiting(company, now=now),
        "error messages without a log entry deleted": _delete_orphan_registers(company, now=now),
        "idempotency keys forgotten": idempotency.purge(now),
        "session events deleted": session_events.purge(before=before),
        "ended workers and clusters deleted": retention.purge_ended(before=before - KEPT_BEYOND_EVENTS),
    }


def check_stale(company: Company, *, actor: Actor, now: datetime | None = None) -> int:
    """*Check for stale jobs*: sets entries and ledger rows to Error that nobody stands behind; returns how many.

    For administrators. Sleeping entries that lost their alarm are scheduled again; they are not counted.
    """
    permissions.require(actor, "administer", company)
    now = now or database_now()
    _wake_sleepers(company, now=now)
    entries = _stale_entries(company, now=now, statuses=[Status.READY, Status.IN_PROCESS])
    return _stop_stale_entries(entries, now=now) + _settle_stale_rows(company, now=now)


def _new_clean_up_entry(company: Company, *, now: datetime) -> Entry:
    local = to_local(now, zone=load_zone(company.time_zone))
    return Entry(
        company=company,
        is_system=True,
        object_type=ObjectType.CODEUNIT,
        object_id=CLEAN_UP_OBJECT,
        description="Clean up failed jobs",
        recurring=True,
        minutes_between_runs=1440,
        starting_time=local.time().replace(second=0, microsecond=0),
        recurrence_anchor=Anchor.FIXED,
        time_zone=company.time_zone,
        created_at=now,
        last_ready_state_at=now,
        **dict.fromkeys(WEEKDAY_FIELDS, True),
    )


def _without_task() -> Combinable:
    return ~Exists(ScheduledTask.objects.filter(pk=OuterRef("system_task_id")))


def _stale_entries(company: Company, *, now: datetime, statuses: list[Status]) -> QuerySet[Entry]:
    """Entries that should have a task and have none, unchanged for the stale age (10 minutes)."""
    age = timedelta(minutes=settings().stale_minutes)
    return Entry.objects.filter(
        _without_task(), company=company, status__in=statuses, modified_at__lt=now - age
    )


def _stop_stale_entries(entries: QuerySet[Entry], *, now: datetime) -> int:
    return _one_by_one(entries, lambda entry: _stop_stale_entry(entry, now=now))


def _stop_stale_entry(entry: Entry, *, now: datetime) -> bool:
    minutes = ask(stale_delay, entry=entry)
    if minutes is not None and entry.modified_at and entry.modified_at > now - timedelta(minutes=minutes):
        return False
    old = entry.status
    entry.status, entry.error_message, entry.system_task_id = Status.ERROR, STOPPED, None
    clear_session(entry)
    store(entry, ["status", "error_message", "system_task_id", *SESSION_FIELDS], now=now)
    ledger.close_due_moment(entry, reason="The entry had no task any more.", now=now)
    announce(after_set_status, entry=entry, old=old, new=entry.status)
    announce(after_stale, entry=entry)
    telemetry.entry_event("0000FMH", entry)
    telemetry.status_changed(entry, old=old)
    return True


def _settle_stale_rows(company: Company, *, now: datetime) -> int:
    """Ledger rows in process whose task is gone."""
    age = timedelta(minutes=settings().stale_minutes)
    rows = LogEntry.objects.filter(
        _without_task(), company=company, status=LogStatus.IN_PROCESS, modified_at__lt=now - age
    )
    return _one_by_one(rows, lambda row: _settle_stale_row(row, now=now))


def _settle_stale_row(row: LogEntry, *, now: datetime) -> bool:
    settled = ledger.settle(
        row.entry_no,
        status=LogStatus.ERROR,
        ended_at=row.ended_at or row.started_at or now,
        error_kind="stale",
        error_message=STOPPED,
    )
    if settled:
        categories.after_run(
            company_id=row.company_id, code=row.category_code, entry_id=row.entry_id, now=now
        )
        telemetry.log_event("0000FMI", row)
    return settled


def _restore_recovery(company: Company, *, now: datetime) -> int:
    """A recovery task for every category with waiting entries that has lost its own."""
    waiting = Entry.objects.filter(company=company, category_code=OuterRef("code"), status=Status.WAITING)
    restored = 0
    for category in Category.objects.filter(Exists(waiting), company=company):
        with transaction.atomic():
            found = categories.lock(company.pk, category.code)
            if found is not None and not scheduler.task_exists(found.recovery_task_id):
                found.recovery_task_at = None
                categories.ensure_recovery(found, now=now)
                restored += 1
    return restored


def _wake_sleepers(company: Company, *, now: datetime) -> int:
    """Sleeping entries whose alarm is lost."""
    sleepers = Entry.objects.filter(
        _without_task(), company=company, status=Status.INACTIVITY, inactivity_timeout_minutes__gt=0
    )

    def schedule_again(entry: Entry) -> bool:
        return enqueue(entry, now=now)

    return _one_by_one(sleepers, schedule_again)


def _delete_expired_waiting(company: Company, *, now: datetime) -> int:
    """Nobody wakes an expired waiting entry, so nobody else would delete it."""
    expired = Entry.objects.filter(company=company, status=Status.WAITING, expires_at__lt=now)

    def delete(entry: Entry) -> bool:
        if entry.system_task_id is not None:
            scheduler.cancel_task(entry.system_task_id)
        reason = f"Expired at {entry.expires_at:%Y-%m-%d %H:%M:%S} UTC."
        ledger.close_due_moment(entry, reason=reason, now=now)
        telemetry.entry_event("0000P9E", entry)
        remove(entry)
        registers.release([entry.error_register_id])
        announce(after_delete_entry, entry=entry, actor=SYSTEM)
        return True

    return _one_by_one(expired, delete)


def _delete_orphan_registers(company: Company, *, now: datetime) -> int:
    """Registers whose log entries were deleted while their entry still showed them."""
    rows = LogEntry.objects.filter(error_register_id=OuterRef("pk"))
    entries = Entry.objects.filter(error_register_id=OuterRef("pk"))
    old = ErrorMessageRegister.objects.filter(
        ~Exists(rows), ~Exists(entries), company=company, created_at__lt=now - ORPHAN_REGISTERS_AFTER
    )
    return registers.release(old.values_list("pk", flat=True)[:BATCH])


def _one_by_one(rows: Iterable[Row], change: Callable[[Row], object]) -> int:
    """Changes each row in a transaction of its own; one that cannot be changed does not stop the others."""
    changed = 0
    for row in rows:
        try:
            with transaction.atomic():
                changed += bool(change(row))
        except ChangedMeanwhile:
            continue  # somebody is at it: then it is not left alone
        except Exception:
            logger.exception("Housekeeping could not put %s in order.", row)
    return changed
