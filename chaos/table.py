"""The table of a run: fault by moment, survived or not, seconds to recover; and the same as JSON."""

import json
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
DATABASE_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def line(row: Row) -> str:
    """One case as it ends, for the terminal."""
    words = "survived" if not row["problems"] else "FAILED"
    took = "" if row["seconds"] is None else f"{row['seconds']:6.1f} s"
    text = f"{DATABASE_NAMES[row['database']]:<10}  {row['fault']:<44} {row['moment']:<26} {words:<8} {took}"
    return "\n".join([text.rstrip(), *(f"            ! {problem}" for problem in row["problems"])])


def markdown(rows: Sequence[Row]) -> str:
    """The tables of the documentation: one for each kind of case, a column for each database."""
    databases = [name for name in DATABASE_NAMES if any(row["database"] == name for row in rows)]
    found: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row["fault"], row["moment"]), {})[row["database"]] = row
    head = ["Fault", "Moment", *(DATABASE_NAMES[name] for name in databases)]
    lines = [_cells(head), _cells(["---", "---", *("---:" for _ in databases)])]
    previous = ""
    for (fault, moment), by_database in found.items():
        shown = fault if fault != previous else ""
        lines.append(_cells([shown, moment, *(_outcome(by_database.get(name)) for name in databases)]))
        previous = fault
    return "\n".join(lines)


def save(path: Path, rows: Iterable[Row]) -> None:
    """Writes what was measured, with the machine it was measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.platform()}
    path.write_text(json.dumps({"machine": machine, "cases": list(rows)}, indent=1) + "\n")


def _outcome(row: Row | None) -> str:
    if row is None:
        return "–"
    if row["problems"]:
        return "**failed**"
    return "survived" if row["seconds"] is None else f"{row['seconds']:.1f} s"


def _cells(words: Iterable[str]) -> str:
    return f"| {' | '.join(words)} |"
