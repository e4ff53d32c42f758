"""What the list and the card show of packages beside their fields: the open run with its lines, and the latest run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import OuterRef, Subquery

from packages.live import as_they_are
from packages.models import Package, Run, RunLine
from packages.states import RECORDS_ONLY


@dataclass
class PackageState:
    """The live side of one package."""

    open_run: Run | None = None
    lines: list[RunLine] = field(default_factory=list)
    last_run: Run | None = None

    @property
    def is_running(self) -> bool:
        return self.open_run is not None


def states_of(packages: Iterable[Package]) -> dict[int, PackageState]:
    """The states of many packages in three queries; rows of packages that were asked before are asked again."""
    rows = list(packages)
    found = {package.pk: PackageState() for package in rows}
    by_uuid = {package.uuid: found[package.pk] for package in rows}
    if not rows:
        return found
    runs = Run.objects.filter(package_uuid__in=by_uuid).select_related("started_by", "held_by")
    for run in runs.filter(is_open=True):
        by_uuid[run.package_uuid].open_run = run
    lines = defaultdict(list)
    open_lines = RunLine.objects.filter(run__package_uuid__in=by_uuid, run__is_open=True)
    for line in as_they_are(open_lines):
        lines[line.run_id].append(line)
    for run in _latest(rows):
        by_uuid[run.package_uuid].last_run = run
    for state in found.values():
        if state.open_run is not None:
            state.lines = lines[state.open_run.pk]
    return found


def state_of(package: Package) -> PackageState:
    """The state of one package, asked once for each row read from the database."""
    if not hasattr(package, "state_shown"):
        package.state_shown = states_of([package])[package.pk]
    state: PackageState = package.state_shown
    return state


def _latest(packages: list[Package]) -> list[Run]:
    """The latest run that ended with a verdict, one per package: an indexed look each, in one statement."""
    ended = Run.objects.filter(package_uuid=OuterRef("uuid"), is_open=False)
    ended = ended.exclude(outcome__in=[*RECORDS_ONLY, ""]).order_by("-number")
    rows = Package.objects.filter(pk__in=[package.pk for package in packages])
    keys = rows.annotate(last_no=Subquery(ended.values("pk")[:1])).values_list("last_no", flat=True)
    found = Run.objects.filter(pk__in=[key for key in keys if key is not None])
    return list(found.select_related("started_by", "package"))
