"""Locked reading and guarded writing of packages.

Whoever changes a package, its lines or its runs holds the package's row: verbs, the run engine and the reconciler never
interleave. In a transaction that also ends a run of an entry, the entry comes first and the package second.
"""

import functools
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import F, QuerySet

from jobqueue.actors import Actor
from jobqueue.errors import NotFound
from jobqueue.guarded import TRIES, ChangedMeanwhile
from packages.errors import PackageChangedMeanwhile, PackageLocked
from packages.models import Package, Run, RunLine, StatusChange
from packages.states import GOING, RECORDS_ONLY, PackageStatus

DEADLOCK = "40P01"

P = ParamSpec("P")
R = TypeVar("R")


def locked(package_id: Any) -> Package:
    """The package as stored now, its row locked until the transaction ends; ``NotFound`` if it was deleted."""
    rows = Package.objects.select_for_update(of=("self",), no_key=True).select_related(
        "company", "run_as_user", "identity"
    )
    found = rows.filter(pk=package_id).first()
    if found is None:
        raise NotFound("The package does not exist any more; it was deleted. Its log remains.")
    return found


def verb(function: Callable[Concatenate[Package, P], R]) -> Callable[Concatenate[Package, P], R]:
    """Runs a verb in a transaction of its own on the locked row; again if an entry changed at that very moment.

    An entry that starts and ends while it is being withdrawn waits for the package, and the package for it: PostgreSQL
    then ends one of both, which is tried again here or by the worker.
    """

    @functools.wraps(function)
    def run(package: Package, *args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                with transaction.atomic():
                    return function(locked(package.pk), *args, **kwargs)
            except ChangedMeanwhile:
                continue
            except OperationalError as error:
                if connection.in_atomic_block or not _is_deadlock(error):
                    raise
        with transaction.atomic():
            return function(locked(package.pk), *args, **kwargs)

    return run


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") == DEADLOCK


def store(package: Package, names: Iterable[str]) -> None:
    """Writes live fields of a locked package; the revision people's forms compare stays."""
    Package.objects.filter(pk=package.pk).update(**{name: getattr(package, name) for name in names})


def store_change(
    package: Package, names: Iterable[str] = (), *, actor: Actor, now: datetime, lines: bool = False
) -> None:
    """Writes what people changed of a locked package and raises its revision; ``lines``: what its lines do, too."""
    package.modified_at, package.modified_by = now, actor.user
    values: dict[str, Any] = {name: getattr(package, name) for name in (*names, "modified_at", "modified_by")}
    values["revision"] = F("revision") + 1
    package.revision += 1
    if lines:
        values["lines_revision"] = F("lines_revision") + 1
        package.lines_revision += 1
    Package.objects.filter(pk=package.pk).update(**values)


def open_run(package: Package) -> Run | None:
    """The package's open run, if there is one."""
    return Run.objects.filter(package_uuid=package.uuid, is_open=True).first()


def ended_runs() -> QuerySet[Run]:
    """Runs that ended with a verdict, the latest first: no open ones, and no records of due times without a run."""
    return Run.objects.filter(is_open=False).exclude(outcome__in=[*RECORDS_ONLY, ""]).order_by("-number")


def last_ended_run(package: Package) -> Run:
    """The package's latest run that ended with a verdict; ``NotFound`` if there is none."""
    found = ended_runs().filter(package_uuid=package.uuid).select_related("package", "company").first()
    if found is None:
        raise NotFound(f"“{package}” has no run that could be resumed. Use run-now.")
    return found


def require_editable(package: Package) -> None:
    """Raises ``PackageLocked`` while the package is Active or a run is open, naming the way out."""
    if package.status == PackageStatus.ACTIVE:
        raise PackageLocked(
            f"“{package}” is Active, and nothing of it can be changed. Set it On Hold first "
            "(Set Job Queue Package On Hold)."
        )
    run = open_run(package)
    if run is None:
        return
    going = ", ".join(str(line) for line in RunLine.objects.filter(run=run, result__in=GOING))
    what = f" (line {going} is still finishing)" if going else ""
    raise PackageLocked(
        f"A run of “{package}” is still open{what}, and nothing of it can be changed. Wait for its end; "
        "Set On Hold lets only the entry that is running finish."
    )


def require_revision(package: Package, expected: int | None) -> None:
    """Refuses a change that was made on an older state than the stored one."""
    if expected is not None and expected != package.revision:
        raise PackageChangedMeanwhile(
            f"“{package}” was changed since you opened it. Open it again and repeat your change."
        )


def record_status(
    package: Package,
    *,
    old: str,
    actor: Actor,
    now: datetime,
    reason: str = "",
    run: Run | None = None,
) -> StatusChange:
    """One row of the package's status changes."""
    return StatusChange.objects.create(
        package=package,
        package_uuid=package.uuid,
        package_name=package.name,
        company_id=package.company_id,
        at=now,
        user=actor.user,
        origin=str(actor.origin),
        from_status=old,
        to_status=package.status,
        reason=reason[:500],
        run=run,
    )
