"""What packages add to the job queue's own pages: links, tiles, calls for help, and who owns an entry."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from jobqueue.actors import Actor
from jobqueue.admin import extensions, navigation
from jobqueue.admin.role_centre import Tile
from jobqueue.admin.verbs import Button, missing_level
from jobqueue.guarded import ChangedMeanwhile
from jobqueue.models import Entry
from packages import lifecycle
from packages.admin.base import may
from packages.admin.filters import MOST_CHOICES
from packages.admin.state import states_of
from packages.admin.verbs import VERBS
from packages.admin.words import rule_that_stopped
from packages.models import Package, PackageLine, Run
from packages.states import OWNER_KIND, PackageStatus

SHOWN_CALLS = 5
SHOWN_NEXT = 8
LOCKED_ACTIVE = (
    "Its package is Active, so nothing of it can be changed. Choose Set Job Queue Package On Hold first."
)
LOCKED_RUNNING = "A run of its package is open, so nothing of it can be changed until the run has ended."


def register() -> None:
    """Called once, while the admin of packages is imported."""
    extensions.add_sidebar_group(sidebar_group, order=10)
    extensions.add_tiles(tiles)
    extensions.add_calls(calls)
    extensions.add_next_runs(next_runs)
    extensions.add_owner(
        extensions.OwnerPages(
            kind=OWNER_KIND,
            label="Package",
            describe=describe,
            choices=choices,
            narrow=narrow,
            change=change_entry,
        )
    )
    extensions.add_user_uses(runs_as)


# --- sidebar and role centre
def sidebar_group(request: HttpRequest) -> dict[str, Any]:
    items = []
    if may(request, "view"):
        failed = Package.objects.filter(company=request.company, status=PackageStatus.ERROR).count()
        items = [
            navigation.item(
                "Job queue packages",
                icon="deployed_code",
                name="packages_package_changelist",
                badge=f"{failed:,}" if failed else "",
                variant="danger",
            ),
            navigation.item("Package log entries", icon="history_toggle_off", name="packages_run_changelist"),
        ]
    return navigation.group("Packages", items)


def tiles(request: HttpRequest) -> list[Tile]:
    """*Packages running*, and *Packages in Error* when one is; nothing in a company without packages."""
    if not may(request, "view"):
        return []
    rows = Package.objects.filter(company=request.company)
    statuses = list(rows.values_list("status", flat=True))
    if not statuses:
        return []
    running = Run.objects.filter(company=request.company, is_open=True).count()
    failed = statuses.count(PackageStatus.ERROR)
    listing = reverse("admin:packages_package_changelist")
    found = [
        Tile("Packages running", running, f"{listing}?tab=running", "running" if running else "quiet", "ring")
    ]
    if failed:
        found.append(Tile("Packages in Error", failed, f"{listing}?tab=error", "error", "square"))
    return found


def next_runs(request: HttpRequest) -> list[extensions.NextRun]:
    """The due times of Active packages, the next ones first."""
    if not may(request, "view"):
        return []
    rows = Package.objects.filter(company=request.company, next_run_at__isnull=False).order_by("next_run_at")
    return [
        extensions.NextRun(
            name=f"{package.name} (package)",
            address=reverse("admin:packages_package_change", args=[package.pk]),
            at=package.next_run_at,
            time_zone=package.time_zone,
        )
        for package in rows[:SHOWN_NEXT]
        if package.next_run_at is not None
    ]


def calls(request: HttpRequest) -> list[extensions.Call]:
    """Packages in Error: their schedule is off until somebody acts."""
    if not may(request, "view"):
        return []
    rows = Package.objects.filter(company=request.company, status=PackageStatus.ERROR)
    packages = list(rows.order_by("-last_run_at", "name")[:SHOWN_CALLS])
    states = states_of(packages)
    found = []
    for package in packages:
        package.state_shown = states[package.pk]
        run = states[package.pk].stopped_by
        mode = rule_that_stopped(run).label if run is not None and run.lines_failed else ""
        found.append(
            extensions.Call(
                name=package.name,
                address=reverse("admin:packages_package_change", args=[package.pk]),
                note=f"package in Error{f', On Error is {mode}' if mode else ''}, last run",
                at=package.last_run_at,
                message=run.message if run is not None and run.message else "Its schedule is off.",
                buttons=_helping(request, package),
                links=(
                    (("Show run", reverse("admin:packages_run_change", args=[run.pk])),)
                    if run is not None
                    else ()
                ),
            )
        )
    return found


def _helping(request: HttpRequest, package: Package) -> list[Button]:
    found = []
    for name in ("set-active", "resume"):
        verb = next(verb for verb in VERBS if verb.name == name)
        reason = verb.offered(package) if may(request, verb.level) else missing_level(verb, verb.level)
        if name == "resume" and reason:
            continue
        address = reverse(f"admin:packages_package_{name.replace('-', '_')}", args=[package.pk])
        found.append(Button(verb, address, reason, verb.label))
    return found


# --- users
def runs_as(user: Any) -> list[extensions.UserUse]:
    """Active packages whose entries run as a user."""
    active = Package.objects.filter(status=PackageStatus.ACTIVE)
    mine = active.filter(run_as_user=user) | active.filter(run_as_user=None, identity=user)
    return [
        extensions.UserUse(
            what=f"The job queue package “{package}” is Active and runs as this user",
            without="Its next run cannot start, and its schedule is then switched off. Name another Run As User, or "
            "let somebody else set it active.",
        )
        for package in mine.order_by("name")
    ]


# --- entries a package owns
def describe(entries: Iterable[Entry]) -> dict[int, extensions.OwnerShown]:
    keys = [entry.pk for entry in entries]
    lines = list(PackageLine.objects.filter(entry__in=keys).select_related("package"))
    running = set(
        Run.objects.filter(package__in={line.package_id for line in lines}, is_open=True).values_list(
            "package_id", flat=True
        )
    )
    found = {}
    for line in lines:
        package = line.package
        locked = LOCKED_ACTIVE if package.is_active else LOCKED_RUNNING if package.pk in running else ""
        found[line.entry_id] = extensions.OwnerShown(
            name=package.name,
            address=reverse("admin:packages_package_change", args=[package.pk]),
            place=f"line {line.run_order}",
            locked=locked,
        )
    return found


def choices(request: HttpRequest) -> list[tuple[str, str]]:
    rows = Package.objects.filter(company=request.company).order_by("name")[:MOST_CHOICES]
    return [(str(package.uuid), package.name) for package in rows]


def narrow(queryset: QuerySet, value: str) -> QuerySet:
    try:
        return queryset.filter(package_line__package__uuid=uuid.UUID(value))
    except ValueError:
        return queryset.none()


def change_entry(
    entry: Entry, values: dict[str, Any], *, actor: Actor, expected_revision: int | None = None
) -> Entry:
    """Stores the card of an owned entry through its line, which refuses while the package is locked."""
    line = PackageLine.objects.select_related("package", "entry").get(entry=entry)
    if expected_revision is not None and expected_revision != entry.revision:
        raise ChangedMeanwhile(
            f"“{entry}” was changed since you opened it. Open it again and repeat your change."
        )
    changed = lifecycle.change_line_entry(line, values, actor=actor)
    return changed.entry
