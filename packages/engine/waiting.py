"""Due times that wait: told once, when their run has not started within the tolerance, however long it waits then.

Source: *Packages reference, Scenarios*: one message per due time, saying whether it is still waiting, was started late,
or is missed. What waits because no worker is free is told by the stand-by (``jobqueue.scheduler.standby``); a worker
that looks round and finds such a due time may be a moment faster than the one that is about to start it, so it looks
twice before it tells.
"""

from datetime import datetime, timedelta

from jobqueue.models import Entry
from jobqueue.states import Status
from packages import telling
from packages.engine import planning
from packages.models import Package, Run
from packages.recurrences import next_due_of
from packages.rows import open_run, store
from packages.schedule import NOW_INCLUDED, DueTime
from packages.states import GOING, MissedRun, Outcome, Trigger

AT_ONCE = timedelta(seconds=30)
"""What a start takes when nothing stands against it: no due time is late before, also with a tolerance of 0."""
SECOND_LOOK = timedelta(seconds=50)
HELD_BEFORE = "The package was set On Hold before a run could start."
FIELDS = ("waiting_due_at", "waiting_noticed_at", "waiting_told_at")


def late_after(package: Package) -> timedelta:
    """How long after its due time a run may start without being late."""
    return max(timedelta(minutes=package.late_tolerance_minutes), AT_ONCE)


def look(package: Package, *, now: datetime, no_worker_free: bool = False) -> bool:
    """Tells of the due time a locked package waits with, if it is late; True if somebody was told now.

    ``no_worker_free``: nothing is about to start it, so the first look is enough.
    """
    if not package.is_active:
        return False
    run = open_run(package)
    due_at = package.next_run_at if run is None else run.due_at
    if due_at is None or now - due_at <= late_after(package):
        return False
    if run is not None and not _waits_for_its_first_line(run):
        return False
    if package.waiting_due_at != due_at:
        package.waiting_due_at, package.waiting_noticed_at, package.waiting_told_at = due_at, now, None
        store(package, FIELDS)
    if package.waiting_told_at is not None or package.waiting_noticed_at is None:
        return False
    if not no_worker_free and now - package.waiting_noticed_at < SECOND_LOOK:
        return False
    package.waiting_told_at = now
    store(package, FIELDS)
    due = next_due_of(package, after=due_at - NOW_INCLUDED, now=now) if run is None else None
    coming = next_due_of(package, after=now)
    telling.run_waits(
        package,
        run,
        due_at=due_at,
        starts_until=None if due is None else due.closes,
        starts=due is None or may_still_start(package, due, now=now),
        next_run_at=None if coming is None else coming.at,
        no_worker_free=no_worker_free,
        now=now,
    )
    return True


def was_told(package: Package, due: DueTime) -> bool:
    """Whether people have heard that this due time waits."""
    return package.waiting_due_at == due.at and package.waiting_told_at is not None


def tell_missed(package: Package, missed: Run | None, lost: list[DueTime], *, now: datetime) -> None:
    """Tells of a gap, if there is one: ``missed`` is its record. Who heard all of it while it waited hears no more."""
    if missed is None:
        return
    told_at = package.waiting_told_at if was_told(package, lost[0]) else None
    if told_at is not None and len(lost) == 1 and not may_still_start(package, lost[0], now=told_at):
        return
    telling.run_missed(package, missed, state="missed", told_before=told_at is not None, now=now)


def account_for_hold(package: Package, *, now: datetime) -> None:
    """A package is set On Hold while a due time waits: it is missed, in the log too; told if it was late."""
    lost = planning.passed(package, until=now)
    missed = planning.record_gap(package, lost, outcome=Outcome.MISSED, message=HELD_BEFORE, now=now)
    if lost and now - lost[0].at > late_after(package):
        tell_missed(package, missed, lost, now=now)


def may_still_start(package: Package, due: DueTime, *, now: datetime) -> bool:
    """Whether a due time that is late is started all the same, by *Missed Run* and its window."""
    return package.missed_run == MissedRun.RUN_LATE and due.may_start(now)


def _waits_for_its_first_line(run: Run) -> bool:
    """Whether the run of a due time was opened in time and nothing of it has been executed, for want of a worker.

    Waiting for a category is told by nobody: it is the rule of the category.
    """
    if run.trigger != Trigger.SCHEDULED or run.hold_requested_at or run.cancel_requested_at:
        return False
    lines = list(run.lines.all())
    if any(line.attempts or line.started_at for line in lines):
        return False
    going = [line.entry_id for line in lines if line.result in GOING]
    released = Entry.objects.filter(id__in=going, status=Status.READY, attempts=0)
    return bool(going) and released.count() == len(going)
