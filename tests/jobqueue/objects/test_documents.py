"""Tables as CSV and PDF: what spreadsheets and people read in them. PDFs are read back with an independent reader."""

import csv
import io
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from jobqueue.objects import Column, Document, OutputType
from jobqueue.objects.csv_writer import write_csv
from jobqueue.objects.pdf_font import missing_characters
from jobqueue.objects.pdf_writer import write_pdf
from jobqueue.objects.tables import cell_text, make_table

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NAMES = [
    "Ærø Østergård ApS",
    "Zażółć Gęślą Jaźń S.A.",
    "Ελληνικά Ποτά Α.Ε.",
    "Жукова и Їжак",
    "Đặng Ngọc",
    "Þór ß ğ Ő",
]


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_a_csv_begins_with_a_byte_order_mark_and_ends_lines_with_crlf():
    content = write_csv(make_table(["Name"], [["Ærø"]]))
    assert content == b"\xef\xbb\xbfName\r\n\xc3\x86r\xc3\xb8\r\n"


def test_csv_cells_are_exact_and_quoted_where_needed():
    row = [Decimal("1234.50"), 7, 0.1, date(2026, 3, 2), NOW, time(8, 30), True, None, 'a "b", c\nd']
    heads = list("ABCDEFGHI")
    assert read_csv(write_csv(make_table(heads, [row]), zone=COPENHAGEN))[1] == [
        "1234.50", "7", "0.1", "2026-03-02", "2026-03-02 10:30:00", "08:30:00", "Yes", "", 'a "b", c\nd',
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1"])
def test_a_text_a_spreadsheet_would_calculate_gets_an_apostrophe(text):
    content = write_csv(make_table([text], [[text]])).decode("utf-8-sig")
    assert content.count(f"'{text}") == 2


def test_a_negative_number_stays_a_number_in_csv():
    assert read_csv(write_csv(make_table(["A"], [[Decimal("-5.00")], [-3]])))[1:] == [["-5.00"], ["-3"]]


def test_a_pdf_shows_european_names_readably():
    content = write_pdf(
        make_table(["Name"], [[name] for name in NAMES], title="Kunder – Клиенты"), made_at=NOW
    )
    [page] = pages(content)
    for name in [*NAMES, "Kunder – Клиенты"]:
        assert name in page


def test_every_page_repeats_the_heads_and_counts_the_pages():
    rows = [[number, f"Customer {number}", Decimal(number)] for number in range(150)]
    table = make_table(
        ["No.", "Customer", Column("Amount", decimals=2, total=True)], rows, title="Receivables"
    )
    found = pages(write_pdf(table, made_at=NOW, zone=COPENHAGEN, subtitle="Main company"))
    assert len(found) > 2
    for number, page in enumerate(found, start=1):
        assert f"Page {number} of {len(found)}" in page
        assert "Customer" in page
        assert "Receivables" in page
        assert "Main company" in page
        assert "2026-03-02 10:30" in page
    assert "Total" in found[-1]
    assert "11,175.00" in found[-1]
    assert "Total" not in found[0]


def test_numbers_are_right_aligned_in_a_pdf():
    table = make_table(["Name", "Amount"], [["a", 5], ["b", 1234567]], title="T")
    places: dict[str, float] = {}
    page = PdfReader(io.BytesIO(write_pdf(table, made_at=NOW))).pages[0]
    page.extract_text(visitor_text=lambda text, _cm, tm, _font, _size: places.setdefault(text.strip(), tm[4]))
    assert places["5"] > places["1234567"]
    assert places["a"] == places["b"]


def test_an_empty_table_says_so_and_notes_follow_it():
    [page] = pages(write_pdf(make_table(["Name"], [], title="T", notes=["Only paid ones."]), made_at=NOW))
    assert "No rows." in page
    assert "Only paid ones." in page


def test_a_very_long_cell_is_cut_and_a_wide_table_lies_across():
    table = make_table([f"C{number}" for number in range(9)], [["x" * 3000, *[""] * 8]], title="T")
    found = PdfReader(io.BytesIO(write_pdf(table, made_at=NOW)))
    assert found.pages[0].mediabox.width > found.pages[0].mediabox.height
    assert len(found.pages) == 1


def test_signs_the_typeface_lacks_are_known_and_do_not_stop_the_report():
    assert missing_characters("Ærø\nŻ") == []
    assert missing_characters("a中") == ["中"]
    assert write_pdf(make_table(["A"], [["中"]], title="T"), made_at=NOW).startswith(b"%PDF")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"Row 2 has 1 cells, the table has 2 columns"):
        make_table(["A", "B"], [[1, 2], [1]])


def test_totals_add_exactly_and_skip_what_is_no_number():
    table = make_table(
        ["A", Column("B", total=True)], [["x", Decimal("0.1")], ["y", 0.2], ["z", None], ["w", True]]
    )
    assert table.totals() == [None, Decimal("0.3")]


def test_a_column_of_numbers_is_one_even_with_gaps_unless_told():
    table = make_table(["A", "B", Column("C", number=False), "D"], [[1, "x", 1, None], [None, 2, 2, None]])
    assert [table.is_number_column(place) for place in range(4)] == [True, False, False, False]


def test_cells_read_like_people_write():
    assert cell_text(Decimal("1234.5"), column=Column("A", decimals=2)) == "1,234.50"
    assert cell_text(Decimal("1E+3")) == "1000"
    assert cell_text(False) == "No"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\r\nb.csv", "a_b.csv"),
        ('x<>:"|?*.pdf', "x_.pdf"),
        ("...", "document"),
        ("Ærø 2026.pdf", "Ærø 2026.pdf"),
        ("x" * 300 + ".pdf", "x" * 246 + ".pdf"),
    ],
)
def test_a_file_name_carries_no_folder_and_nothing_unsafe(given, kept):
    assert Document(given, "text/plain", b"", OutputType.CSV).file_name == kept
