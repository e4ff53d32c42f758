"""The tables: plain text at the end of a run, Markdown for the documentation."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import figures, wanted
from bench.figures import Findings, Verdict

BASE = Path(__file__).resolve().parent.parent
PAGE = BASE / "docs" / "benchmark.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"

Table = tuple[Sequence[str], list[Sequence[str]]]


def text(found: Findings) -> str:
    """Every table in plain text."""
    return "\n".join(line for table in _tables(found) for line in _plain(table))


def markdown(stored: dict[str, Any]) -> str:
    """Every table of a stored run with the machine it was measured on."""
    found = Findings.from_json(stored)
    about = stored["about"]
    head = f"Measured {about['measured_at'][:10]} on {about['machine']}. Options: `{about['options']}`."
    tables = ["\n".join(_piped(table)) for table in _tables(found)]
    return "\n\n".join([head, *tables])


def write_page(path: Path) -> Path:
    """Puts the tables of the stored run between the markers of the documentation's page; returns the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise SystemExit(f"{PAGE} has no place for figures between {BEGIN} and {END}.")
    stored = json.loads(path.read_text(encoding="utf-8"))
    PAGE.write_text(f"{before}{BEGIN}\n{markdown(stored)}\n{END}{after}", encoding="utf-8")
    return PAGE


def _tables(found: Findings) -> Iterator[Table]:
    verdicts = list(wanted.verdicts(found))
    if verdicts:
        yield (
            ("Wanted", "Measured", "Floor", "Goal", ""),
            [_verdict_row(verdict) for verdict in verdicts],
        )
    if found.throughputs:
        head = ("Throughput", "Database", "Jobs/s, median", "Rounds", "CPU ms per job", "with servers")
        yield head, list(_throughput_rows(found))
    if found.latencies:
        rows = [
            (
                one.contender,
                one.database,
                f"{one.load}, {one.kind}",
                *(f"{one.percentile(percent):.1f}" for percent in (50, 95, 99)),
                f"{len(one.samples_ms):,}",
            )
            for one in found.latencies
        ]
        yield ("To the start, ms", "Database", "Load, from", "p50", "p95", "p99", "Starts"), rows
    if found.sizes:
        sizes = [(one.name, one.database, f"{one.value:.4g} {one.unit}", one.note) for one in found.sizes]
        yield ("Scale", "Database", "Measured", ""), sizes


def _verdict_row(verdict: Verdict) -> Sequence[str]:
    sign = "≥" if verdict.at_least else "≤"
    goal = "" if verdict.goal is None else f"{sign} {verdict.goal:g} {verdict.unit}"
    measured = f"{verdict.value:.2f} {verdict.unit}" + (f" ({verdict.note})" if verdict.note else "")
    return verdict.name, measured, f"{sign} {verdict.floor:g} {verdict.unit}", goal, verdict.words


def _throughput_rows(found: Findings) -> Iterator[Sequence[str]]:
    for contender, database in dict.fromkeys((one.contender, one.database) for one in found.throughputs):
        each = figures.rates(found.throughputs, contender=contender, database=database)
        middle = figures.median_rate(found.throughputs, contender=contender, database=database) or 0
        cpu = figures.median_cpu(found.throughputs, contender=contender, database=database)
        yield (
            contender,
            database,
            f"{middle:,.0f}",
            " ".join(f"{rate:.0f}" for rate in each),
            f"{cpu['own']:.2f}" if cpu else "",
            f"{cpu['own'] + cpu['servers']:.2f}" if cpu else "",
        )


def _plain(table: Table) -> Iterator[str]:
    head, rows = table
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    yield ""
    for row in [head, *rows]:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _piped(table: Table) -> Iterator[str]:
    head, rows = table
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
