"""The live side of packages for lists: their open runs, and the lines these are at, in three queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from packages.live import as_they_are
from packages.models import Package, Run, RunLine
from packages.wording import running_line


@dataclass
class Live:
    """One package's open run; None if it is not running."""

    run: Run | None = None
    lines: list[RunLine] = field(default_factory=list)

    @property
    def words(self) -> str:
        return running_line(self.lines) if self.run is not None else ""


def live_of(packages: Iterable[Package]) -> dict[int, Live]:
    """By the key of the package."""
    found: dict[int, Live] = defaultdict(Live)
    keys = [package.pk for package in packages]
    runs = {run.pk: run for run in Run.objects.filter(package__in=keys, is_open=True)}
    for run in runs.values():
        if run.package_id is not None:
            found[run.package_id] = Live(run)
    if not runs:
        return found
    for line in as_they_are(RunLine.objects.filter(run__in=runs)):
        package_id = runs[line.run_id].package_id
        if package_id is not None:
            found[package_id].lines.append(line)
    return found
