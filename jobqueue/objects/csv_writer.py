"""Tables as CSV documents."""

import csv
import io
from datetime import tzinfo
from typing import Any

from jobqueue.objects.tables import Table, cell_text, is_number

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(table: Table, *, zone: tzinfo | None = None) -> bytes:
    """UTF-8 with byte order mark (spreadsheet programs misread names without it), commas, CRLF (RFC 4180).

    Numbers are exact and unformatted. Texts a spreadsheet would take for a formula get an apostrophe in front. Totals
    and notes are left out: the file is data.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_harmless(column.title) for column in table.columns])
    for row in table.rows:
        writer.writerow([_cell(value, zone=zone) for value in row])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Any, *, zone: tzinfo | None) -> str:
    text = cell_text(value, zone=zone)
    return text if is_number(value) else _harmless(text)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
