"""Which package, run and line are meant."""

from argparse import Namespace
from typing import Any
from uuid import UUID

from jobqueue.actors import Actor
from jobqueue.command_line.acting import companies_of, lookup_of
from jobqueue.errors import NotFound, Refused
from jobqueue.models.entry import WEEKDAY_FIELDS
from packages.models import Package, PackageLine, Recurrence, Run
from packages.permissions import require

DAYS = tuple(name.removeprefix("run_on_")[:3] for name in WEEKDAY_FIELDS)


def package_of(options: Namespace, actor: Actor) -> Package:
    """The package named by its name, number or UUID, in the given company or any the user may work in."""
    key = options.package.strip()
    rows = Package.objects.select_related("company", "run_as_user", "identity", "activated_by", "held_by")
    rows = rows.filter(company__in=companies_of(options, actor))
    named = list(rows.filter(name_key=key.casefold())[:2])
    if len(named) > 1:
        raise Refused(
            f"More than one company has a package “{key}”. Name the company with --company, or give the number.",
            code="which_package",
        )
    lookup = lookup_of(key, number="pk", uuid="uuid")
    found = named[0] if named else rows.filter(**lookup).first() if lookup else None
    if found is None:
        raise NotFound(f"There is no job queue package “{key}”. “packages list” shows what there is.")
    require(actor, "view", found.company)
    return found


def package_uuid_of(options: Namespace, actor: Actor) -> UUID:
    """The UUID of the package meant; a UUID also finds a package that is gone and left its log."""
    try:
        return package_of(options, actor).uuid
    except NotFound:
        key = (lookup_of(options.package.strip(), number="pk", uuid="uuid") or {}).get("uuid")
        rows = (
            Run.objects.filter(package_uuid=key, company__in=companies_of(options, actor))
            if key
            else Run.objects.none()
        )
        run = rows.select_related("company").first()
        if run is None:
            raise
        require(actor, "view", run.company)
        return run.package_uuid


def run_of(options: Namespace, actor: Actor) -> Run:
    """The run named by its number or UUID."""
    key = options.run.strip()
    lookup = lookup_of(key, number="number", uuid="uuid")
    rows = Run.objects.select_related(
        "company", "package", "started_by", "identity", "held_by", "cancelled_by"
    )
    rows = rows.filter(company__in=companies_of(options, actor))
    found = rows.filter(**lookup).first() if lookup else None
    if found is None:
        raise NotFound(f"There is no run {key}. “packages log” shows what there is.")
    require(actor, "view", found.company)
    return found


def line_of(options: Namespace, package: Package) -> PackageLine:
    """The line named by its run order; refused if several lines have it."""
    lines = list(package.lines.select_related("entry", "package").filter(run_order=options.line))
    if len(lines) == 1:
        return lines[0]
    orders = ", ".join(str(order) for order in package.lines.values_list("run_order", flat=True)) or "none"
    if not lines:
        raise NotFound(f"“{package}” has no line {options.line}. Its run orders are: {orders}.")
    raise Refused(
        f"“{package}” has {len(lines)} lines with the run order {options.line}. Give each its own first.",
        code="which_line",
    )


def recurrence_of(options: Namespace, package: Package) -> Recurrence:
    """The recurrence named by its number, as ``packages show`` prints it."""
    found = package.recurrences.select_related("package").filter(pk=options.recurrence).first()
    if found is None:
        raise NotFound(f"“{package}” has no recurrence {options.recurrence}. “packages show” lists them.")
    return found


def spread_weekdays(values: dict[str, Any]) -> dict[str, Any]:
    """``weekdays=mon,wed``, ``mon-fri`` or ``daily`` as the seven ticks."""
    text = values.pop("weekdays", None)
    if text is None:
        return values
    chosen: set[int] = set()
    for part in str(text).lower().replace(" ", "").split(","):
        if part in ("daily", "all"):
            chosen |= set(range(7))
            continue
        first, dash, last = part.partition("-")
        if part and first[:3] in DAYS and (not dash or last[:3] in DAYS):
            start = DAYS.index(first[:3])
            end = DAYS.index(last[:3]) if dash else start
            chosen |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
        elif part:
            raise Refused(
                f"“{part}” is no weekday. Write for example weekdays=mon,wed or weekdays=mon-fri.",
                code="usage",
            )
    return values | {name: day in chosen for day, name in enumerate(WEEKDAY_FIELDS)}
