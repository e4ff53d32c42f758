"""Answers in words: tables and fact sheets that fit a terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

WIDEST = 48


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Columns as wide as their longest cell, cells at most 48 characters; “Nothing found.” without rows."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return "Nothing found."
    widths = [max(len(row[column]) for row in [list(heads), *cells]) for column in range(len(heads))]
    lines = [heads, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(str(cell).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def facts(found: dict[str, Any]) -> str:
    """One fact a line, in the order given; unset ones are left out."""
    shown = {name: value for name, value in found.items() if value not in (None, "", {}, [], False)}
    width = max((len(name) for name in shown), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in shown.items())


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = "" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
