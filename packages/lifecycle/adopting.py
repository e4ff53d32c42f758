"""A copied or restored database became this installation's own: its packages run nothing before somebody says so."""

from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from packages.engine import planning, steps
from packages.models import Package, Run
from packages.rows import locked, open_run, record_status, store
from packages.states import PackageStatus

REASON = "The database is a copy that was adopted."


def hold_adopted(*, actor: Actor, keep_ready: bool, now: datetime, **_: Any) -> None:
    """Receiver of ``after_adopt``: Active packages go On Hold and open runs end, unless all stays as it is."""
    if keep_ready:
        return
    active = Package.objects.filter(status=PackageStatus.ACTIVE).values_list("pk", flat=True)
    running = Run.objects.filter(is_open=True).values_list("package_id", flat=True)
    for key in sorted({*active, *(key for key in running if key is not None)}):
        _hold(locked(key), actor=actor, now=now)


def _hold(package: Package, *, actor: Actor, now: datetime) -> None:
    old, run = package.status, open_run(package)
    planning.forget_next(package)
    if package.is_active:
        package.status = PackageStatus.ON_HOLD
        package.held_by, package.held_at, package.hold_reason = actor.user, now, REASON
        store(package, ["status", "held_by", "held_at", "hold_reason"])
        record_status(package, old=old, actor=actor, now=now, reason=REASON, run=run)
    if run is not None:
        if run.hold_requested_at is None:
            steps.request_hold(package, run, user=actor.user, reason=REASON, now=now)
        run = open_run(package)
        if run is not None:
            steps.reconcile(package, run, now=now)
