"""A neutral table: what a report has to say, before it becomes a PDF or CSV document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any

Number = int | Decimal | float


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``decimals`` rounds numbers for the eye (PDF); ``total`` adds the column up at the end.

    ``number`` says that the column is right-aligned; left open, the values decide.
    """

    title: str
    decimals: int | None = None
    total: bool = False
    number: bool | None = None


@dataclass(frozen=True)
class Table:
    """Columns and rows with a title. Cells are texts, numbers, dates, moments, times, booleans or None."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    title: str = ""
    notes: tuple[str, ...] = ()

    @property
    def has_totals(self) -> bool:
        return any(column.total for column in self.columns)

    def totals(self) -> list[Any]:
        """One cell per column: the sum, or None. Booleans and texts count as nothing."""
        return [
            sum((_exact(row[place]) for row in self.rows if is_number(row[place])), start=Decimal(0))
            if column.total
            else None
            for place, column in enumerate(self.columns)
        ]

    def is_number_column(self, place: int) -> bool:
        told = self.columns[place].number
        if told is not None:
            return told
        cells = [row[place] for row in self.rows if row[place] is not None]
        return bool(cells) and all(is_number(cell) for cell in cells)


def make_table(
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    notes: Sequence[str] = (),
) -> Table:
    """A table of column titles (or :class:`Column`) and rows; raises ``ValueError`` for a row of another length."""
    heads = tuple(Column(item) if isinstance(item, str) else item for item in columns)
    lines = tuple(tuple(row) for row in rows)
    for number, line in enumerate(lines, start=1):
        if len(line) != len(heads):
            raise ValueError(f"Row {number} has {len(line)} cells, the table has {len(heads)} columns.")
    return Table(columns=heads, rows=lines, title=title, notes=tuple(notes))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal, float)) and not isinstance(value, bool)


def cell_text(value: Any, *, column: Column | None = None, zone: tzinfo | None = None) -> str:
    """A cell as people read it: ISO dates, moments in ``zone`` to the second, numbers with ``column.decimals``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        local = value.astimezone(zone) if zone is not None and value.tzinfo is not None else value
        return local.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if is_number(value) and column is not None and column.decimals is not None:
        return f"{value:,.{column.decimals}f}"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def _exact(value: Number) -> Decimal:
    return Decimal(str(value))
