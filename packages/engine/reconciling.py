"""The reconciler: moves on what stands still, whatever process died between two steps (decision on owners).

Looks at every open run and every Active package, each in a transaction of its own; where nothing is wrong it changes
nothing. Also reports overruns and deletes old runs.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from jobqueue import scheduler
from jobqueue.errors import JobQueueError
from jobqueue.guarded import ChangedMeanwhile
from packages import telling
from packages.engine import planning, steps, waiting
from packages.models import Package, Run, StatusChange
from packages.rows import locked, open_run
from packages.states import PackageStatus

logger = logging.getLogger(__name__)

KEEP_DAYS = 90
BATCH = 500


def look_round(*, now: datetime) -> None:
    """One round of the reconciler."""
    for number in Run.objects.filter(is_open=True).values_list("number", flat=True):
        _one(lambda number=number: _reconcile_run(number, now=now), what=f"run {number}")
    for run in Run.objects.filter(is_open=True, cancel_requested_at__isnull=False):
        _one(lambda run=run: steps.interrupt(run), what=f"run {run.number}")
    for key in Package.objects.filter(status=PackageStatus.ACTIVE).values_list("pk", flat=True):
        _one(lambda key=key: _reconcile_schedule(key, now=now), what=f"package {key}")
    tell_what_waits(now=now)
    delete_old_runs(now=now)


def tell_what_waits(*, now: datetime, no_worker_free: bool = False) -> None:
    """Tells of due times that wait, and of runs beyond their Max. Duration, whoever should have told."""
    late = now - waiting.AT_ONCE
    due = Package.objects.filter(status=PackageStatus.ACTIVE, next_run_at__lt=late)
    opened = Run.objects.filter(is_open=True, due_at__lt=late, package__status=PackageStatus.ACTIVE)
    for key in sorted({*due.values_list("pk", flat=True), *opened.values_list("package_id", flat=True)}):
        _one(
            lambda key=key: waiting.look(locked(key), now=now, no_worker_free=no_worker_free),
            what=f"package {key}",
        )
    long = Run.objects.filter(is_open=True, overrun_at=None, package__max_duration_minutes__gt=0)
    for uuid, since, minutes in long.values_list("uuid", "started_at", "package__max_duration_minutes"):
        if since is not None and now - since >= timedelta(minutes=minutes):
            _one(lambda uuid=uuid: report_overrun(uuid, now=now), what=f"run {uuid}")


def report_overrun(run_uuid: UUID, *, now: datetime) -> bool:
    """Tells, once per run, that it is still open after the package's Max. Duration; it is never ended for that."""
    with transaction.atomic():
        run = Run.objects.filter(uuid=run_uuid, is_open=True).first()
        if run is None or run.package_id is None:
            return False
        package = locked(run.package_id)
        run = Run.objects.get(pk=run.pk)
        if not run.is_open or run.overrun_at is not None:
            return False
        run.overrun_at, run.overrun_task_id = now, None
        run.save(update_fields=["overrun_at", "overrun_task_id"])
        telling.run_overran(package, run, now=now)
    return True


def delete_old_runs(*, now: datetime) -> int:
    """Deletes runs that ended more than the kept days ago (``PACKAGES["LOG_RETENTION_DAYS"]``, 90), never open ones."""
    days = getattr(settings, "PACKAGES", {}).get("LOG_RETENTION_DAYS", KEEP_DAYS)
    before = now - timedelta(days=days)
    old = Run.objects.filter(is_open=False, ended_at__lt=before).order_by("number")
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    Run.objects.filter(pk__in=keys).delete()
    StatusChange.objects.filter(
        pk__in=StatusChange.objects.filter(at__lt=before).values("pk")[:BATCH]
    ).delete()
    return len(keys)


def _reconcile_run(number: int, *, now: datetime) -> None:
    run = Run.objects.get(pk=number)
    if run.package_id is None:
        return
    package = locked(run.package_id)
    run = Run.objects.select_related("held_by", "cancelled_by", "identity").get(pk=number)
    if run.is_open:
        steps.reconcile(package, run, now=now)


def _reconcile_schedule(key: Any, *, now: datetime) -> None:
    package = locked(key)
    if not package.is_active or open_run(package) is not None or scheduler.task_exists(package.task_id):
        return
    if package.next_run_at is None:
        planning.plan_next(package, after=now, now=now)
    else:
        planning.create_task(package)


def _one(step: Callable[[], object], *, what: str) -> None:
    try:
        with transaction.atomic():
            step()
    except (ChangedMeanwhile, JobQueueError):
        logger.debug("%s is being changed by somebody else.", what)
    except Exception:
        logger.exception("The reconciler could not put %s in order.", what)
