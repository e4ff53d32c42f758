"""Set Active and Set On Hold: switching the schedule of a package (*Packages reference*, section of these verbs)."""

from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, Problem, Refused
from jobqueue.lifecycle import owned
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.states import HoldKind, Status
from packages import guards
from packages.engine import planning, steps, waiting
from packages.models import Package
from packages.permissions import require
from packages.rows import open_run, record_status, store_change, verb
from packages.states import PackageStatus

MAX_REASON = 250


def set_active(
    package: Package, *, actor: Actor, expected_revision: int | None = None, now: datetime | None = None
) -> Package:
    """Switches the schedule on; Next Run is the earliest due time later than now, nothing runs at once.

    Allowed while the last entry of a held run is still finishing. Raises ``NotAllowed``, ``Refused`` with code
    ``already_active``, or ``CannotStart`` with every finding of the guards.
    """
    return _set_active(package, actor=actor, expected_revision=expected_revision, now=now or database_now())


@verb
def _set_active(package: Package, *, actor: Actor, expected_revision: int | None, now: datetime) -> Package:
    require(actor, "operate", package.company)
    if package.is_active:
        raise Refused(f"“{package}” is already Active.", code="already_active")
    if expected_revision is not None and expected_revision != package.revision:
        raise Refused(
            f"“{package}” was changed since you opened it. Look at it again before you set it Active.",
            code="changed_meanwhile",
        )
    guards.require_none(guards.problems(package, actor=actor, now=now), package=package, doing="set Active")
    old = package.status
    package.status = PackageStatus.ACTIVE
    package.activated_by, package.activated_at, package.identity = actor.user, now, actor.user
    store_change(package, ["status", "activated_by", "activated_at", "identity"], actor=actor, now=now)
    clear_errors(package, now=now)
    record_status(package, old=old, actor=actor, now=now)
    planning.plan_next(package, after=now, now=now)
    return package


def set_on_hold(package: Package, *, actor: Actor, reason: str = "", now: datetime | None = None) -> Package:
    """Switches the schedule off at once; the entry that is running finishes, later entries do not run.

    Also the way to stop a manual run of a package that is On Hold. Raises ``Refused`` with code ``already_on_hold``.
    """
    reason = reason.strip()
    if len(reason) > MAX_REASON:
        sentence = f"The reason has {len(reason)} characters; at most {MAX_REASON} are kept. Shorten it."
        raise Invalid([Problem("reason", "too_long", sentence)])
    return _set_on_hold(package, actor=actor, reason=reason, now=now or database_now())


@verb
def _set_on_hold(package: Package, *, actor: Actor, reason: str, now: datetime) -> Package:
    require(actor, "operate", package.company)
    run = open_run(package)
    stoppable = run is not None and run.hold_requested_at is None
    if package.status == PackageStatus.ON_HOLD and not stoppable:
        raise Refused(f"“{package}” is already On Hold.", code="already_on_hold")
    old = package.status
    if package.is_active and run is not None:
        planning.account_for_overlap(package, run=run, until=now, now=now)
    elif package.is_active:
        waiting.account_for_hold(package, now=now)
    planning.forget_next(package)
    package.status = PackageStatus.ON_HOLD
    package.held_by, package.held_at, package.hold_reason = actor.user, now, reason
    store_change(package, ["status", "held_by", "held_at", "hold_reason"], actor=actor, now=now)
    record_status(package, old=old, actor=actor, now=now, reason=reason, run=run)
    if run is not None and stoppable:
        steps.request_hold(package, run, user=actor.user, reason=reason, now=now)
    return package


def clear_errors(package: Package, *, now: datetime) -> None:
    """Errors shown on the package's entries are over: On Hold again, and those that killed their workers may run."""
    entries = Entry.objects.filter(package_line__package=package)
    poisoned = entries.filter(status=Status.ON_HOLD, hold_kind=HoldKind.POISON)
    for entry in entries.filter(status=Status.ERROR) | poisoned:
        owned.rest(entry, now=now)
