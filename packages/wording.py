"""Packages and runs in plain words, the same on every door."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from packages.models import Run, RunLine
from packages.states import COUNTS_FOR_NOTHING, GOING, Result


def in_zone(moment: datetime, *, zone_name: str, now: datetime | None = None) -> str:
    """``Sat 21 Nov 22:00 (Europe/Amsterdam)``; with the year unless ``now`` is in it."""
    local = moment.astimezone(ZoneInfo(zone_name))
    year = (
        "" if now is not None and now.astimezone(ZoneInfo(zone_name)).year == local.year else f" {local.year}"
    )
    seconds = f":{local:%S}" if local.second else ""
    return f"{local:%a} {local.day} {local:%b}{year} {local:%H:%M}{seconds} ({zone_name})"


def running_line(lines: Iterable[RunLine]) -> str:
    """``2 of 4: Calculate``: the line that runs, waits, or comes next; empty between the last line and the end."""
    counted = [line for line in lines if line.result not in COUNTS_FOR_NOTHING]
    for wanted in (GOING, {Result.PENDING}):
        for position, line in enumerate(counted, start=1):
            if line.result in wanted:
                waits = ", waiting" if line.result == Result.WAITING else ""
                return f"{position} of {len(counted)}: {line.description}{waits}"
    return ""


def counted_lines(run: Run) -> str:
    """``4 of 4 succeeded``, ``2 of 4 succeeded, 1 failed, 1 not executed``."""
    parts = [f"{run.lines_succeeded} of {run.lines_total} succeeded"]
    if run.lines_failed:
        parts.append(f"{run.lines_failed} failed")
    if run.lines_not_executed:
        parts.append(f"{run.lines_not_executed} not executed")
    return ", ".join(parts)
