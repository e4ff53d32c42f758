"""The coming due times of a package, with zone and remarks on clock changes."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from jobqueue.schedule import Occurrence, load_zone, to_local
from jobqueue.schedule.zones import WallClock, wall_clock
from jobqueue.scheduler import database_now
from packages.models import Package
from packages.recurrences import anchor_of, rules_of
from packages.schedule import DueTime, Rule
from packages.schedule import due_times as due_times_of

DEFAULT_COUNT = 20


def due_times(
    package: Package, count: int = DEFAULT_COUNT, *, now: datetime | None = None
) -> list[Occurrence]:
    """The next ``count`` due times, fewer if the schedule ends: in UTC, in the package's zone, with remarks.

    For a package that is not Active, as if it were set Active now.
    """
    now = now or database_now()
    anchor = anchor_of(package, now=now)
    return occurrences_of(
        rules_of(package), time_zone=package.time_zone, after=now, anchor=anchor, count=count
    )


def occurrences_of(
    rules: Sequence[Rule], *, time_zone: str, after: datetime, anchor: datetime, count: int
) -> list[Occurrence]:
    """The first ``count`` due times of the rules later than ``after``, local in ``time_zone``."""
    coming = due_times_of(rules, after=after, anchor=anchor)
    zone = load_zone(time_zone)
    found = []
    previous = None
    for due in islice(coming, max(0, count)):
        local = to_local(due.at, zone=zone)
        found.append(Occurrence(due.at, local, tuple(_notes(due, local, previous))))
        previous = local
    return found


def _notes(due: DueTime, local: datetime, previous: datetime | None) -> list[str]:
    notes = []
    opens_at = due.rule.recurrence.window.opens_at
    zone = load_zone(due.rule.recurrence.time_zone)
    skipped = wall_clock(due.window_date, opens_at, zone=zone) is WallClock.SKIPPED
    if skipped and local.time() != opens_at:
        notes.append(f"clock goes forward: {opens_at:%H:%M} does not exist, runs at {local:%H:%M}")
    if wall_clock(local.date(), local.time(), zone=zone) is WallClock.TWICE:
        passing = "second" if local.fold else "first"
        notes.append(f"clock goes back: {local:%H:%M} comes twice, runs at the {passing} passing")
    if previous is not None and previous.utcoffset() != local.utcoffset():
        offset = local.strftime("%z")
        notes.append(f"clock changed since the run before: now UTC{offset[:3]}:{offset[3:5]}")
    return notes
