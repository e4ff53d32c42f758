"""Serving a due time: exactly one run per package and due time, late or missed by the package's rules.

Source: *Packages reference, Overlap*, *Missed runs* and *Identity and failure to start*.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from jobqueue.errors import NotFound
from packages import guards, telling
from packages.engine import planning, starting, waiting
from packages.models import Package, Run
from packages.recurrences import next_due_of
from packages.rows import locked, open_run, store
from packages.schedule import DueTime
from packages.states import RECORDS_ONLY, MissedRun, Outcome, Trigger

TOO_LATE = "The due time was missed."
WINDOW_OVER = "The window had ended before a run could start."


def start_due(task_id: UUID, *, now: datetime, consume: Callable[[], None] | None = None) -> Run | None:
    """Serves the Next Run a task stands for; returns the run it opened, None if there is nothing to open.

    ``consume`` takes the claimed task away in the same transaction, under the package's lock: a process that dies
    before the commit leaves the task to the next one, one that dies after it leaves an open run. A due time that falls
    into an open run is left to the end of that run, which logs it as Skipped.
    """
    with transaction.atomic():
        key = Package.objects.filter(task_id=task_id).values_list("pk", flat=True).first()
        package = None if key is None else _locked(key)
        if consume is not None:
            consume()
        if package is None or not package.is_active or package.task_id != task_id or not package.next_run_at:
            return None
        package.task_id = None
        store(package, ["task_id"])
        if open_run(package) is not None:
            return None
        if package.next_run_at > now:
            planning.create_task(package)
            return None
        return _serve(package, now=now)


def _locked(key: int) -> Package | None:
    try:
        return locked(key)
    except NotFound:
        return None


def _serve(package: Package, *, now: datetime) -> Run | None:
    due = planning.passed(package, until=now)
    tolerance = waiting.late_after(package)
    on_time = [one for one in due if now - one.at <= tolerance]
    late = [one for one in due if now - one.at > tolerance]
    if package.missed_run == MissedRun.SKIP:
        lost, served = late, on_time
    else:
        lost = [one for one in late if not one.may_start(now)]
        served = [one for one in late if one.may_start(now)] + on_time
    served = _without_run(package, served)
    message = TOO_LATE if package.missed_run == MissedRun.SKIP else WINDOW_OVER
    missed = planning.record_gap(package, lost, outcome=Outcome.MISSED, message=message, now=now)
    if not served:
        planning.plan_next(package, after=now, now=now)
        waiting.tell_missed(package, missed, lost, now=now)
        return None
    coming = next_due_of(package, after=now)
    package.next_run_at = None if coming is None else coming.at
    store(package, ["next_run_at"])
    waiting.tell_missed(package, missed, lost, now=now)
    return _start(package, served, late_seconds=_seconds_late(served[0], late, now=now), now=now)


def _start(package: Package, served: list[DueTime], *, late_seconds: int, now: datetime) -> Run:
    due = served[0]
    identity = package.run_as_user or package.identity
    trigger = Trigger.LATE if late_seconds else Trigger.SCHEDULED
    words = due.rule.in_words()
    found = guards.identity_findings(package, identity, guards.enabled_lines(package))
    if found:
        return starting.record_failure_to_start(
            package,
            found,
            trigger=trigger,
            due_at=due.at,
            now=now,
            identity=identity,
            recurrence=words,
            late_seconds=late_seconds,
        )
    message = ""
    if len(served) > 1:
        message = f"Stands for {len(served)} due times, the last one at {served[-1].at:%Y-%m-%d %H:%M} UTC."
    run = starting.begin(
        package,
        trigger=trigger,
        due_at=due.at,
        now=now,
        identity=identity,
        recurrence=words,
        late_seconds=late_seconds,
        message=message,
    )
    if late_seconds and not waiting.was_told(package, due):
        telling.run_missed(package, run, state="started_late", now=now)
    return run


def _seconds_late(first: DueTime, late: list[DueTime], *, now: datetime) -> int:
    return max(1, int((now - first.at).total_seconds())) if first in late else 0


def _without_run(package: Package, due: list[DueTime]) -> list[DueTime]:
    if not due:
        return []
    runs = Run.objects.filter(package_uuid=package.uuid, due_at__range=(due[0].at, due[-1].at))
    runs = runs.exclude(trigger=Trigger.MANUAL).exclude(outcome__in=RECORDS_ONLY)
    started = set(runs.values_list("due_at", flat=True))
    return [one for one in due if one.at not in started]
