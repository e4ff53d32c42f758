"""The latest runs of a package, line by line: a row per line, a small tick per run, oldest first."""

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from packages.admin.looks import RESULT_LOOKS
from packages.models import Package, PackageLine, Run, RunLine
from packages.states import Result

SHOWN_RUNS = 15


def grid(package: Package, lines: Iterable[PackageLine]) -> list[tuple[PackageLine, SafeString]]:
    """The present lines with what became of each in the latest runs, in one query; empty before the first run."""
    runs = Run.objects.filter(package_uuid=package.uuid, lines_total__gt=0).order_by("-number")[:SHOWN_RUNS]
    keys = list(reversed(runs.values_list("pk", flat=True)))
    if not keys:
        return []
    found: dict[Any, dict[int, str]] = {}
    for uuid, run, result in RunLine.objects.filter(run__in=keys).values_list(
        "line_uuid", "run_id", "result"
    ):
        found.setdefault(uuid, {})[run] = result
    return [(line, ticks(found.get(line.uuid, {}), keys)) for line in lines]


def ticks(results: dict[int, str], runs: list[int]) -> SafeString:
    """One tick per run; a gap where the line was not there yet."""
    drawn = []
    for run in runs:
        result = results.get(run)
        if result is None:
            drawn.append(("none", f"run {run}: not a line of the package then"))
        else:
            drawn.append((RESULT_LOOKS[Result(result)][1], f"run {run}: {Result(result).label}"))
    if not drawn:
        return mark_safe("")
    marks = format_html_join("", '<i class="jw-tick jw-tick--{}" title="{}"></i>', drawn)
    spoken = ", ".join(title for _, title in drawn)
    return format_html('<span class="jw-ticks" role="img" aria-label="{}">{}</span>', spoken, marks)
