"""The table of a run: fault by moment, survived or not, seconds to recover; and the same as JSON."""

import json
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from chaos.hooks import MOMENTS, SIGNALS

Row = dict[str, Any]
DATABASE_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def line(row: Row) -> str:
    """One case as it ends, for the terminal."""
    words = "survived" if not row["problems"] else "FAILED"
    took = "" if row["seconds"] is None else f"{row['seconds']:6.1f} s"
    text = f"{DATABASE_NAMES[row['database']]:<10}  {row['fault']:<44} {row['moment']:<26} {words:<8} {took}"
    return "\n".join([text.rstrip(), *(f"            ! {problem}" for problem in row["problems"])])


def markdown(rows: Sequence[Row]) -> str:
    """The tables of the documentation: the matrix for each database, then everything else with the databases beside
    each other.
    """
    databases = [name for name in DATABASE_NAMES if any(row["database"] == name for row in rows)]
    cells = {(row["database"], row["fault"], row["moment"]): row for row in rows}
    blows = list(dict.fromkeys(row["fault"] for row in rows if _is_blow(row)))
    parts = []
    for database in databases:
        head = [f"Seconds to recover, {DATABASE_NAMES[database]}", *MOMENTS]
        table = [
            [fault, *(_outcome(cells.get((database, fault, moment))) for moment in MOMENTS)]
            for fault in blows
        ]
        parts.append(_table(head, table))
    others = list(dict.fromkeys((row["fault"], row["moment"]) for row in rows if not _is_blow(row)))
    head = ["Seconds to recover", "", *(DATABASE_NAMES[name] for name in databases)]
    table = [
        [fault, moment, *(_outcome(cells.get((name, fault, moment))) for name in databases)]
        for fault, moment in others
    ]
    parts.append(_table(head, table))
    return "\n\n".join(parts)


def _is_blow(row: Row) -> bool:
    return row["fault"].split()[0] in SIGNALS


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---" if index == 0 or not title else "---:" for index, title in enumerate(head)]
    return "\n".join(_cells(words) for words in (head, rule, *rows))


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
    return "held" if row["seconds"] is None else f"{row['seconds']:.1f}"


def _cells(words: Iterable[str]) -> str:
    return f"| {' | '.join(words)} |"
