"""Categories: who occupies their slots, and whose turn is next.

A slot is occupied by a run in process: its ledger row names the category and its task is alive. So a run keeps its slot
when its entry is held, changed or deleted under it, and an extra run takes its turn like any other. Entries that found
no free slot are *Waiting* with a task that is not ready; nothing polls. Whoever ends a run wakes the next ones in the
transaction that ends it, under the category's row lock, so no wake-up is lost.
Source: *Job queue reference, Category serialisation*.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from jobqueue import scheduler, telemetry
from jobqueue.conf import settings
from jobqueue.enqueue import clear_session
from jobqueue.events import after_set_status, announce
from jobqueue.gates import Busy
from jobqueue.guarded import ChangedMeanwhile, store
from jobqueue.models import Category, Entry, LogEntry, ScheduledTask
from jobqueue.scheduler.sql import TASK_TABLE, fetch, on_postgresql
from jobqueue.scheduler.values import db_uuid
from jobqueue.states import LogStatus, Status

RECOVERY_ROUTINE = "jobqueue.recover_category"
KEEP_RECOVERY = timedelta(minutes=5)
"""A recovery task further away than this is kept."""

_CATEGORY, _ENTRY, _LOG = Category._meta.db_table, Entry._meta.db_table, LogEntry._meta.db_table
_LOCK = f"SELECT slots FROM {_CATEGORY} WHERE company_id = %(company)s AND code = %(code)s"
_LOCK_ON_POSTGRESQL = f"{_LOCK} FOR NO KEY UPDATE"
_OCCUPIED = f"""
SELECT count(*) FROM {_LOG} l
 WHERE l.company_id = %(company)s AND l.category_code = %(code)s AND l.status = {LogStatus.IN_PROCESS:d}
   AND EXISTS (SELECT 1 FROM {TASK_TABLE} t WHERE t.id = l.system_task_id)"""
_WAITED_FOR = f"""
SELECT EXISTS (SELECT 1 FROM {_ENTRY}
                WHERE company_id = %(company)s AND category_code = %(code)s AND status = {Status.WAITING:d})
    OR EXISTS (SELECT 1 FROM {TASK_TABLE} t JOIN {_ENTRY} e ON e.id = t.record
                WHERE t.owner_context <> '' AND NOT t.is_ready AND e.company_id = %(company)s
                  AND e.category_code = %(code)s)"""

TASK_NOT_FOUND = "The task of this waiting entry was not found. Restart the entry."


def lock(company_id: UUID, code: str) -> Category | None:
    """Locks the category until the end of the transaction; None if the code dangles (then nobody takes turns).

    Before any task or entry: everybody who needs the category locks it first. On SQLite the transaction is the lock.
    """
    if not code:
        return None
    found = Category.objects.select_for_update(no_key=True).filter(company_id=company_id, code=code)
    return found.first()


def take_turn(company_id: UUID, code: str) -> bool:
    """Locks the category until the end of the transaction; whether a slot is free then. False if the code dangles.

    What :func:`lock` and :func:`busy` ask, in two plain statements, as every run of a category asks it.
    """
    parameters = {"company": db_uuid(company_id), "code": code}
    found = fetch(_LOCK_ON_POSTGRESQL if on_postgresql() else _LOCK, parameters)
    return bool(found) and fetch(_OCCUPIED, parameters)[0][0] < found[0][0]


def busy(company_id: UUID, code: str) -> tuple[Busy, ...]:
    """The runs that occupy slots of the category, oldest first."""
    rows = running_in(company_id, code).order_by("started_at").values_list("description", "started_at")
    return tuple(Busy(description, since) for description, since in rows)


def running_in(company_id: UUID, code: str) -> QuerySet[LogEntry]:
    """Ledger rows in process whose task is alive."""
    alive = Exists(ScheduledTask.objects.filter(pk=OuterRef("system_task_id")))
    return LogEntry.objects.filter(
        alive, company_id=company_id, category_code=code, status=LogStatus.IN_PROCESS
    )


def waiting_in(company_id: UUID, code: str, *, now: datetime) -> QuerySet[Entry]:
    """Waiting entries of the category that have not expired, the next one first."""
    return Entry.objects.filter(
        Q(expires_at=None) | Q(expires_at__gte=now),
        company_id=company_id,
        category_code=code,
        status=Status.WAITING,
    ).order_by("priority_within_category", "entry_no")


def after_run(*, company_id: UUID, code: str, entry_id: UUID, now: datetime) -> None:
    """Gives the slot of an ended run to the next one. Call it in the transaction that ends the run."""
    for entry in Entry.objects.filter(id=entry_id, status=Status.WAITING):
        _activate(entry, now=now)
    wake(company_id, code, now=now)


def wake(company_id: UUID, code: str, *, now: datetime, category: Category | None = None) -> int:
    """Activates as many waiting runs as there are free slots; returns how many. Locks the category, unless it is given
    locked.

    Extra runs people asked for go first, then entries by priority and number. An entry whose task has vanished goes to
    Error and the next one is taken. Activated entries go through all gates again.
    """
    if not code:
        return 0
    category = category or lock(company_id, code)
    if not _somebody_waits(company_id, code):
        return 0
    free = None if category is None else category.slots - running_in(company_id, code).count()
    if free is not None and free <= 0:
        return 0
    woken = _wake_extra_runs(company_id, code, limit=free)
    for entry in _in_portions(waiting_in(company_id, code, now=now)):
        if free is not None and woken >= free:
            break
        woken += _activate(entry, now=now)
    if woken and category is not None:
        ensure_recovery(category, now=now)
    return woken


def request_wake(company_id: UUID, code: str) -> None:
    """Has a worker wake the next of the category at once, if anybody waits: for verbs that take an entry out of it.

    A task written with the change, so that it cannot be lost; the verb itself needs no lock on the category.
    """
    if (
        code
        and Entry.objects.filter(company_id=company_id, category_code=code, status=Status.WAITING).exists()
    ):
        scheduler.create_task(RECOVERY_ROUTINE, company=company_id, context={"code": code})


def recover(company_id: UUID, code: str, *, now: datetime) -> int:
    """What the recovery task does: wakes who can be woken, and stays on guard while anybody waits."""
    with transaction.atomic():
        woken = wake(company_id, code, now=now)
        category = lock(company_id, code)
        if category is not None and not woken and waiting_in(company_id, code, now=now).exists():
            ensure_recovery(category, now=now)
    return woken


def ensure_recovery(category: Category, *, now: datetime) -> None:
    """Makes sure a recovery task will look after the category, in case a hand-over is lost after all."""
    at, task_id = category.recovery_task_at, category.recovery_task_id
    if at is not None and at > now + KEEP_RECOVERY and scheduler.task_exists(task_id):
        return
    if task_id is not None:
        scheduler.cancel_task(task_id)
    category.recovery_task_at = now + timedelta(minutes=settings().recovery_minutes)
    category.recovery_task_id = scheduler.create_task(
        RECOVERY_ROUTINE,
        company=category.company_id,
        not_before=category.recovery_task_at,
        context={"code": category.code},
    )
    category.save(update_fields=["recovery_task_id", "recovery_task_at"])


def _somebody_waits(company_id: UUID, code: str) -> bool:
    """Usually nobody does: one look, instead of the three it takes to see who is next."""
    return bool(fetch(_WAITED_FOR, {"company": db_uuid(company_id), "code": code})[0][0])


def _wake_extra_runs(company_id: UUID, code: str, *, limit: int | None) -> int:
    entries = Entry.objects.filter(company_id=company_id, category_code=code)
    parked = ScheduledTask.objects.filter(
        ~Q(owner_context=""),
        is_ready=False,
        owner_context__contains='"extra"',
        record__in=entries.values("id"),
    ).order_by("created_at")
    return sum(scheduler.set_task_ready(task_id) for task_id in parked.values_list("pk", flat=True)[:limit])


def _activate(entry: Entry, *, now: datetime) -> bool:
    """Waiting → Ready with its task set ready; False if the entry cannot be activated."""
    try:
        with transaction.atomic():
            found = entry.system_task_id is not None and scheduler.set_task_ready(
                entry.system_task_id, not_before=now
            )
            old, entry.status = entry.status, Status.READY if found else Status.ERROR
            fields: list[str] = ["status"]
            if not found:
                clear_session(entry)
                entry.error_message = TASK_NOT_FOUND
                fields += ["error_message", "user_session_started_at", "worker_id", "session_number"]
            store(entry, fields, now=now)
    except ChangedMeanwhile:
        return False
    announce(after_set_status, entry=entry, old=old, new=entry.status)
    telemetry.status_changed(entry, old=old)
    if found:
        telemetry.entry_event("0000P9G", entry)
    return found


def _in_portions(entries: QuerySet[Entry], size: int = 50) -> Iterable[Any]:
    """The entries one by one, read a few at a time: usually only the first is wanted."""
    seen: list[int] = []
    while portion := list(entries.exclude(pk__in=seen)[:size]):
        for entry in portion:
            seen.append(entry.pk)
            yield entry
