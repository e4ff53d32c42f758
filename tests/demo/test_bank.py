import shutil
from datetime import date

import pytest

from config.demo.bank import BankLine, import_statement, match_payments, parse_statement, write_payment_file
from config.demo.errors import DemoError, Malformed
from config.demo.shop import open_shop

from .conftest import TODAY

HEAD = "booked_on;amount;reference;text\n"


def test_amounts_are_read_as_the_bank_writes_them(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text(HEAD + "2026-11-20;1.204,50;B1;Invoice 7\n2026-11-20;-3,00;B2;Fee\n", encoding="utf-8")
    assert parse_statement(path) == [
        BankLine(date(2026, 11, 20), 120450, "B1", "Invoice 7"),
        BankLine(date(2026, 11, 20), -300, "B2", "Fee"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: expected booked_on;amount;reference;text"),
        (HEAD + "2026-11-20;1,00;B1\n", "line 2: expected 4 values, found 3"),
        (HEAD + "20.11.2026;1,00;B1;x\n", "line 2: “20.11.2026” is not a date"),
        (HEAD + "2026-11-20;1.00;B1;x\n", "line 2: “1.00” is not an amount like 1.204,50"),
        (HEAD + "2026-11-20;12.34,00;B1;x\n", "is not an amount"),
    ],
)
def test_a_malformed_statement_is_refused_with_the_line(tmp_path, text, reason):
    path = tmp_path / "s.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Malformed, match=reason):
        parse_statement(path)


def test_a_missing_statement_is_told_with_its_place_and_the_way_out(places):
    with pytest.raises(
        DemoError, match=r"has not delivered bank/incoming/statement\.csv.*bank/sample/statement\.csv"
    ):
        import_statement(places)


def test_the_sample_cures_the_import_and_is_archived(places):
    shutil.copy(places.bank_sample, places.bank_in)
    assert import_statement(places) == 20
    assert not places.bank_in.exists()
    assert [path.name for path in places.bank_done.iterdir()] == ["statement-0001.csv"]
    shutil.copy(places.bank_sample, places.bank_in)
    assert import_statement(places) == 0  # the same lines again


def test_payments_settle_invoices_of_the_same_amount_once(places):
    steps = []
    matched, unmatched = match_payments(places, progress=lambda done, total: steps.append((done, total)))
    assert matched > 20
    assert matched + unmatched == 40 == len(steps)
    assert match_payments(places) == (0, unmatched)
    with open_shop(places.shop) as shop:
        row = shop.execute(
            "SELECT COUNT(*), SUM(l.open_cents) FROM bank_line b JOIN ledger_entry l ON l.document_no = b.matched_to"
        ).fetchone()
    assert tuple(row) == (matched, 0)


def test_due_supplier_invoices_are_paid_once(places):
    name, payments, total = write_payment_file(places, today=TODAY, most=5)
    assert (payments, total > 0) == (5, True)
    assert len((places.payments_out / name).read_text().splitlines()) == 6
    while payments:
        _, payments, _ = write_payment_file(places, today=TODAY, most=50)
    assert write_payment_file(places, today=TODAY, most=50) == ("", 0, 0)
