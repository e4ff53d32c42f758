"""Tables as PDF documents: repeated column heads, totals, and “Page x of y” on every page."""

from datetime import datetime, tzinfo

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from jobqueue.objects.pdf_font import FAMILY, font_files
from jobqueue.objects.tables import Table, cell_text

LANDSCAPE_FROM_COLUMNS = 7
_MAX_CELL = 500
_GREY = (90, 90, 90)
_HEAD = FontFace(emphasis="BOLD", fill_color=(236, 238, 242))
_TOTAL = FontFace(emphasis="BOLD")


class _Pages(FPDF):
    """Pages with the title on top and print time and page number at the bottom."""

    def __init__(self, *, landscape: bool, title: str, subtitle: str, printed: str) -> None:
        super().__init__(orientation="landscape" if landscape else "portrait", format="A4")
        self._words = (title, subtitle, printed)

    def header(self) -> None:
        title, subtitle, _printed = self._words
        self.set_font(FAMILY, "B", 13)
        self.multi_cell(0, 7, title, new_x="LMARGIN", new_y="NEXT")
        if subtitle:
            self.set_font(FAMILY, "", 9)
            self.set_text_color(*_GREY)
            self.cell(0, 5, subtitle, new_x="LMARGIN", new_y="NEXT")
            self.set_text_color(0)
        self.ln(3)

    def footer(self) -> None:
        self.set_y(-13)
        self.set_font(FAMILY, "", 8)
        self.set_text_color(*_GREY)
        half = self.epw / 2
        self.cell(half, 5, self._words[2])
        self.cell(half, 5, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)


def write_pdf(table: Table, *, made_at: datetime, zone: tzinfo | None = None, subtitle: str = "") -> bytes:
    """The table on A4, landscape from seven columns on. ``made_at`` is aware and printed in ``zone``.

    Numbers are right-aligned, the total row is bold, notes follow the table. A cell shows at most 500 characters.
    """
    printed = made_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    cells = _cells(table, zone=zone)
    words = [table.title, subtitle, printed, *table.notes, *(text for row in cells for text in row)]
    pdf = _Pages(
        landscape=len(table.columns) >= LANDSCAPE_FROM_COLUMNS,
        title=table.title,
        subtitle=subtitle,
        printed=printed,
    )
    pdf.set_creation_date(made_at)
    pdf.set_title(table.title)
    pdf.set_producer("Jobwarden")
    pdf.set_margins(12, 12)
    pdf.set_auto_page_break(True, margin=16)
    with font_files("".join(words)) as fonts:
        for style, path in fonts.items():
            pdf.add_font(FAMILY, style, path)
        pdf.add_page()
        _draw(pdf, table, cells=cells)
        return bytes(pdf.output())


def _draw(pdf: FPDF, table: Table, *, cells: list[list[str]]) -> None:
    pdf.set_font(FAMILY, "", 9)
    aligned = tuple(
        "RIGHT" if table.is_number_column(place) else "LEFT" for place in range(len(table.columns))
    )
    with pdf.table(
        text_align=aligned,
        col_widths=_widths(cells),
        headings_style=_HEAD,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=5,
        padding=(0.6, 1.2),
    ) as drawn:
        last = len(cells) - 1
        for number, line in enumerate(cells):
            row = drawn.row(style=_TOTAL if table.has_totals and number == last else None)
            for text in line:
                row.cell(text)
    for text in [*table.notes, *(() if table.rows else ("No rows.",))]:
        pdf.ln(3)
        pdf.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")


def _cells(table: Table, *, zone: tzinfo | None) -> list[list[str]]:
    """Head, rows and, where a column is added up, the total row, as texts."""
    lines = [[column.title for column in table.columns]]
    for row in table.rows:
        lines.append(
            [cell_text(value, column=head, zone=zone) for value, head in zip(row, table.columns, strict=True)]
        )
    if table.has_totals:
        sums = zip(table.totals(), table.columns, strict=True)
        total = [cell_text(value, column=head) for value, head in sums]
        if not total[0]:
            total[0] = "Total"
        lines.append(total)
    return [
        [text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}…" for text in line] for line in lines
    ]


def _widths(cells: list[list[str]]) -> tuple[int, ...]:
    """Relative widths by the longest text of a column, between 6 and 40 characters."""
    return tuple(min(40, max(6, *(len(line[place]) for line in cells))) for place in range(len(cells[0])))
