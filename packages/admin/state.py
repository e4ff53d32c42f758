"""What the list and the card show of packages beside their fields: the open run with its lines, and the latest run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Case, OuterRef, Subquery, When

from packages.live import as_they_are
from packages.models import Package, Run, RunLine
from packages.rows import ended_runs
from packages.states import PackageStatus


@dataclass
class PackageState:
    """The live side of one package."""

    open_run: Run | None = None
    lines: list[RunLine] = field(default_factory=list)
    last_run: Run | None = None
    stopped_by: Run | None = None

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
        state = by_uuid[run.package_uuid]
        if run.stops_package and (state.stopped_by is None or state.stopped_by.pk < run.pk):
            state.stopped_by = run
        if state.last_run is None or state.last_run.pk < run.pk:
            state.last_run = run
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
    """The latest run of each package that ended with a verdict, and the latest that switched its schedule off.

    An indexed look each, in one statement.
    """
    ended = ended_runs().filter(package_uuid=OuterRef("uuid"))
    rows = Package.objects.filter(pk__in=[package.pk for package in packages])
    stopped = rows.annotate(
        last_no=Subquery(ended.values("pk")[:1]),
        stop_no=Case(
            When(status=PackageStatus.ERROR, then=Subquery(ended.filter(stops_package=True).values("pk")[:1]))
        ),
    )
    keys = {key for pair in stopped.values_list("last_no", "stop_no") for key in pair if key is not None}
    found = Run.objects.filter(pk__in=keys)
    return list(found.select_related("started_by", "package"))
