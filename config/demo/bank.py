"""Bank files: the statement that comes in, its payments matched with open invoices, and payments that go out.

The statement is a semicolon file as banks on the continent write it: ``booked_on;amount;reference;text`` with amounts
like ``1.204,50``.
"""

import csv
import re
import sqlite3
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path

from config.demo.errors import DemoError, Malformed
from config.demo.places import Places
from config.demo.shop import next_number, open_shop, posting
from config.demo.telling import Log, Progress, silent

COLUMNS = ["booked_on", "amount", "reference", "text"]
AMOUNT = re.compile(r"-?\d{1,3}(?:\.\d{3})*,\d{2}|-?\d+,\d{2}")
LIKELY = 0.6


@dataclass(frozen=True, slots=True)
class BankLine:
    booked_on: date
    amount_cents: int
    reference: str
    text: str


def parse_statement(path: Path) -> list[BankLine]:
    """The lines of a statement; raises :class:`Malformed` naming the first line that cannot be used."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter=";"))
    except UnicodeDecodeError as error:
        raise Malformed(f"{path.name} is not UTF-8 text (byte {error.start + 1}).") from error
    if not rows or rows[0] != COLUMNS:
        raise Malformed(f"{path.name}, line 1: expected {';'.join(COLUMNS)}.")
    return [_bank_line(row, line_no=number, name=path.name) for number, row in enumerate(rows[1:], start=2)]


def _bank_line(row: list[str], *, line_no: int, name: str) -> BankLine:
    if len(row) != len(COLUMNS):
        raise Malformed(f"{name}, line {line_no}: expected {len(COLUMNS)} values, found {len(row)}.")
    try:
        booked_on = date.fromisoformat(row[0])
    except ValueError as error:
        raise Malformed(f"{name}, line {line_no}: “{row[0]}” is not a date.") from error
    if not AMOUNT.fullmatch(row[1]):
        raise Malformed(f"{name}, line {line_no}: “{row[1]}” is not an amount like 1.204,50.")
    return BankLine(booked_on, int(re.sub(r"[.,]", "", row[1])), row[2], row[3])


def import_statement(places: Places) -> int:
    """Stores the new lines of the statement and archives the file; returns how many were new.

    Raises :class:`DemoError` while the bank has not delivered, :class:`Malformed` if the file cannot be used.
    """
    if not places.bank_in.exists():
        raise DemoError(
            f"The bank has not delivered {places.name_of(places.bank_in)} yet. Put the statement there "
            f"(a sample is {places.name_of(places.bank_sample)}), then restart the entry."
        )
    lines = parse_statement(places.bank_in)
    with open_shop(places.shop) as shop, posting(shop):
        new = sum(
            shop.execute(
                "INSERT INTO bank_line VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO NOTHING",
                (line.reference, line.booked_on.isoformat(), line.amount_cents, line.text),
            ).rowcount
            for line in lines
        )
        number = next_number(shop, series="statement")
    places.bank_in.replace(places.bank_done / f"statement-{number:04d}.csv")
    return new


def match_payments(
    places: Places,
    *,
    log: Log = silent,
    progress: Progress = silent,
) -> tuple[int, int]:
    """Settles open invoices with unmatched bank lines; returns (matched, still unmatched).

    A line fits an invoice of the same amount whose number or customer name is like its text (at least 60 %).
    Each match is a transaction of its own.
    """
    matched = unmatched = 0
    with open_shop(places.shop) as shop:
        lines = shop.execute(
            "SELECT * FROM bank_line WHERE matched_to IS NULL ORDER BY booked_on, reference"
        ).fetchall()
        for position, line in enumerate(lines, start=1):
            invoice = _best_invoice(shop, line=line)
            if invoice is None:
                unmatched += 1
            else:
                _settle(shop, line=line, invoice=invoice)
                matched += 1
                log(f"{line['reference']} pays invoice {invoice['document_no']} of {invoice['name']}.")
            progress(position, len(lines))
    return matched, unmatched


def _best_invoice(shop: sqlite3.Connection, *, line: sqlite3.Row) -> sqlite3.Row | None:
    candidates = shop.execute(
        "SELECT l.id, l.customer_no, l.document_no, l.open_cents, c.name FROM ledger_entry l "
        "JOIN customer c ON c.no = l.customer_no WHERE l.kind = 'invoice' AND l.open_cents > 0"
    )
    best, best_likeness = None, LIKELY
    for invoice in candidates:
        likeness = 1.0 if invoice["document_no"] in line["text"] else _likeness(line["text"], invoice["name"])
        if invoice["open_cents"] == line["amount_cents"] and likeness >= best_likeness:
            best, best_likeness = invoice, likeness
    return best


def _likeness(text: str, name: str) -> float:
    return SequenceMatcher(None, text.casefold(), name.casefold()).ratio()


def _settle(shop: sqlite3.Connection, *, line: sqlite3.Row, invoice: sqlite3.Row) -> None:
    with posting(shop):
        shop.execute(
            "INSERT INTO ledger_entry (customer_no, kind, document_no, posted_on, due_on, amount_cents, open_cents) "
            "VALUES (?, 'payment', ?, ?, ?, ?, 0)",
            (
                invoice["customer_no"],
                line["reference"],
                line["booked_on"],
                line["booked_on"],
                -line["amount_cents"],
            ),
        )
        shop.execute("UPDATE ledger_entry SET open_cents = 0 WHERE id = ?", (invoice["id"],))
        shop.execute(
            "UPDATE bank_line SET matched_to = ? WHERE reference = ?",
            (invoice["document_no"], line["reference"]),
        )


def write_payment_file(places: Places, *, today: date, most: int) -> tuple[str, int, int]:
    """Writes a file paying at most ``most`` due supplier invoices; returns (file name, payments, total in cents).

    The invoices are marked in the transaction that writes the file; no file is written when nothing is due ("", 0, 0).
    """
    with open_shop(places.shop) as shop, posting(shop):
        due = shop.execute(
            "SELECT * FROM supplier_invoice WHERE payment_file IS NULL AND due_on <= ? ORDER BY due_on, no LIMIT ?",
            (today.isoformat(), most),
        ).fetchall()
        if not due:
            return "", 0, 0
        name = f"payments-{today:%Y%m%d}-{next_number(shop, series='payment file'):04d}.csv"
        for invoice in due:
            shop.execute("UPDATE supplier_invoice SET payment_file = ? WHERE no = ?", (name, invoice["no"]))
        with (places.payments_out / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["iban", "supplier", "amount", "reference"])
            writer.writerows(
                [
                    row["iban"],
                    row["supplier"],
                    f"{row['amount_cents'] / 100:.2f}".replace(".", ","),
                    row["no"],
                ]
                for row in due
            )
    return name, len(due), sum(row["amount_cents"] for row in due)
