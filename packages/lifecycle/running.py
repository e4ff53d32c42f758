"""Runs on request: Run Now (all, from a line, only a line), Resume, and Cancel Run."""

from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.errors import NotFound, Refused
from jobqueue.scheduler import database_now
from packages import guards
from packages.engine import starting, steps
from packages.engine.selection import Selection, all_lines, following, from_line_on, only
from packages.models import Package, PackageLine, Run
from packages.permissions import require
from packages.rows import open_run, verb
from packages.states import RESUMABLE, Outcome, Trigger

MAX_REASON = 250


def run_now(
    package: Package,
    *,
    actor: Actor,
    from_line: PackageLine | int | None = None,
    only_line: PackageLine | int | None = None,
    now: datetime | None = None,
) -> Run:
    """Starts a manual run at once, in the background, in every status; the schedule does not move.

    ``from_line`` and ``only_line`` are a line or a run order. Raises ``NotAllowed``, ``Refused`` with code
    ``already_running``, ``NotFound`` for an unknown line, or ``CannotStart`` with every finding of the guards.
    """
    if from_line is not None and only_line is not None:
        raise Refused(
            "Choose either the line to begin with or the only line to run, not both.", code="both_given"
        )
    return _run_now(package, actor=actor, from_line=from_line, only_line=only_line, now=now or database_now())


@verb
def _run_now(
    package: Package,
    *,
    actor: Actor,
    from_line: PackageLine | int | None,
    only_line: PackageLine | int | None,
    now: datetime,
) -> Run:
    require(actor, "operate", package.company)
    _require_idle(package)
    found = guards.problems(package, actor=actor, now=now, to_run_now=True)
    guards.require_none(found, package=package, doing="run")
    selection = all_lines()
    if from_line is not None:
        selection = from_line_on(_order_of(package, from_line))
    elif only_line is not None:
        selection = only(_keys_of(package, only_line))
    return _begin(package, selection, actor=actor, now=now)


def resume(run: Run, *, actor: Actor, now: datetime | None = None) -> Run:
    """Starts a new manual run at the first line that did not succeed; earlier lines are logged as *Taken Over*.

    For an ended run with outcome Error or Stopped whose package's lines have not changed since. Refusals as
    :func:`run_now`, and ``Refused`` with codes ``not_resumable``, ``lines_changed`` and ``already_resumed``.
    """
    if run.package_id is None or run.package is None:
        raise NotFound(f"The package of {run} was deleted, so the run cannot be resumed.")
    return _resume(run.package, run.pk, actor=actor, now=now or database_now())


@verb
def _resume(package: Package, number: int, *, actor: Actor, now: datetime) -> Run:
    require(actor, "operate", package.company)
    _require_idle(package)
    run = Run.objects.get(pk=number)
    if run.outcome not in RESUMABLE:
        words = Outcome(run.outcome).label if run.outcome else "still open"
        raise Refused(
            f"Run {run.number} of “{package}” is {words}; only a run that ended with Error or Stopped can be resumed.",
            code="not_resumable",
        )
    later = run.resumed_by.first()
    if later is not None:
        raise Refused(
            f"Run {run.number} of “{package}” was resumed already, by run {later.number}. Resume that one, or use "
            "Run Now.",
            code="already_resumed",
        )
    if run.lines_revision != package.lines_revision:
        raise Refused(
            f"The lines of “{package}” have changed since run {run.number}, so it cannot be resumed. Use Run Now, if "
            "need be from a line on.",
            code="lines_changed",
        )
    found = guards.problems(package, actor=actor, now=now, to_run_now=True)
    guards.require_none(found, package=package, doing="resumed")
    return _begin(package, following(run), actor=actor, now=now, resumed_from=run)


def cancel_run(run: Run, *, actor: Actor, reason: str = "", now: datetime | None = None) -> Run:
    """Asks the running entries to stop; their lines end as errors, later lines do not run.

    Returns at once, the run ends when its entries have let go. Raises ``Refused`` if the run has ended or was cancelled
    before.
    """
    if run.package is None:
        raise Refused(f"{run} has ended.", code="not_running")
    _cancel(run.package, run.pk, actor=actor, reason=reason.strip()[:MAX_REASON], now=now or database_now())
    run.refresh_from_db()
    steps.interrupt(run)
    return run


@verb
def _cancel(package: Package, number: int, *, actor: Actor, reason: str, now: datetime) -> None:
    require(actor, "operate", package.company)
    run = Run.objects.get(pk=number)
    if not run.is_open:
        raise Refused(
            f"Run {run.number} of “{package}” has ended and cannot be cancelled.", code="not_running"
        )
    if run.cancel_requested_at is not None:
        raise Refused(
            f"Run {run.number} of “{package}” was cancelled before; its entry is still letting go.",
            code="already_cancelled",
        )
    steps.request_cancel(package, run, actor=actor, reason=reason, now=now)


def _begin(
    package: Package,
    selection: Selection,
    *,
    actor: Actor,
    now: datetime,
    resumed_from: Run | None = None,
) -> Run:
    return starting.begin(
        package,
        trigger=Trigger.MANUAL,
        due_at=now,
        now=now,
        identity=guards.identity_of(package, actor=actor, activating=False),
        started_by=actor.user,
        selection=selection,
        resumed_from=resumed_from,
    )


def _require_idle(package: Package) -> None:
    run = open_run(package)
    if run is None:
        return
    since = f" since {run.started_at:%Y-%m-%d %H:%M:%S} UTC" if run.started_at else ""
    raise Refused(
        f"“{package}” is already running{since} (run {run.number}). Wait for its end.", code="already_running"
    )


def _order_of(package: Package, line: PackageLine | int) -> int:
    found = _find(package, line)
    return found[0].run_order


def _keys_of(package: Package, line: PackageLine | int) -> frozenset[int]:
    return frozenset(found.pk for found in _find(package, line))


def _find(package: Package, line: PackageLine | int) -> list[PackageLine]:
    lines = package.lines.filter(enabled=True)
    found = list(lines.filter(pk=line.pk) if isinstance(line, PackageLine) else lines.filter(run_order=line))
    if not found:
        which = line.run_order if isinstance(line, PackageLine) else line
        orders = ", ".join(str(one.run_order) for one in lines) or "none"
        raise NotFound(f"“{package}” has no enabled line {which}. Choose one of: {orders}.")
    return found
