"""The shop's own database: a SQLite file the jobs write directly and reports read.

Amounts are whole cents, quantities whole pieces, dates ISO 8601 text.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS customer (
    no TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, currency TEXT NOT NULL,
    balance_cents INTEGER, overdue_cents INTEGER, balance_at TEXT);
CREATE TABLE IF NOT EXISTS item (
    no TEXT PRIMARY KEY, description TEXT NOT NULL, unit_cost_cents INTEGER NOT NULL,
    unit_price_cents INTEGER NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS imported_file (
    name TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, imported_at TEXT NOT NULL, orders INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sales_order (
    no TEXT PRIMARY KEY, customer_no TEXT NOT NULL REFERENCES customer, ordered_on TEXT NOT NULL,
    file_name TEXT NOT NULL, invoice_no TEXT);
CREATE TABLE IF NOT EXISTS order_line (
    order_no TEXT NOT NULL REFERENCES sales_order, line_no INTEGER NOT NULL, item_no TEXT NOT NULL REFERENCES item,
    quantity INTEGER NOT NULL, unit_price_cents INTEGER NOT NULL, PRIMARY KEY (order_no, line_no));
CREATE TABLE IF NOT EXISTS ledger_entry (
    id INTEGER PRIMARY KEY, customer_no TEXT NOT NULL REFERENCES customer, kind TEXT NOT NULL,
    document_no TEXT NOT NULL UNIQUE, posted_on TEXT NOT NULL, due_on TEXT NOT NULL,
    amount_cents INTEGER NOT NULL, open_cents INTEGER NOT NULL, reminded_on TEXT);
CREATE INDEX IF NOT EXISTS ledger_customer ON ledger_entry (customer_no, posted_on);
CREATE TABLE IF NOT EXISTS currency_rate (
    currency TEXT NOT NULL, valid_on TEXT NOT NULL, per_euro TEXT NOT NULL, PRIMARY KEY (currency, valid_on));
CREATE TABLE IF NOT EXISTS bank_line (
    reference TEXT PRIMARY KEY, booked_on TEXT NOT NULL, amount_cents INTEGER NOT NULL, text TEXT NOT NULL,
    matched_to TEXT);
CREATE TABLE IF NOT EXISTS supplier_invoice (
    no TEXT PRIMARY KEY, supplier TEXT NOT NULL, iban TEXT NOT NULL, amount_cents INTEGER NOT NULL,
    due_on TEXT NOT NULL, payment_file TEXT);
CREATE TABLE IF NOT EXISTS number_series (name TEXT PRIMARY KEY, last_used INTEGER NOT NULL);
"""


def create_shop(path: Path) -> None:
    """Makes the database and its tables; safe to run again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as shop:
        shop.execute("PRAGMA journal_mode = WAL")
        shop.executescript(SCHEMA)


@contextmanager
def open_shop(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode, closed at the end. Waits up to 20 s for another writer."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as shop:
        shop.row_factory = sqlite3.Row
        shop.execute("PRAGMA foreign_keys = ON")
        yield shop


@contextmanager
def posting(shop: sqlite3.Connection) -> Iterator[None]:
    """One transaction: everything inside is stored, or nothing."""
    shop.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        shop.execute("ROLLBACK")
        raise
    shop.execute("COMMIT")


def next_number(shop: sqlite3.Connection, *, series: str) -> int:
    """Takes the next number of a series, starting with 1."""
    (number,) = shop.execute(
        "INSERT INTO number_series VALUES (?, 1) "
        "ON CONFLICT (name) DO UPDATE SET last_used = last_used + 1 RETURNING last_used",
        (series,),
    ).fetchone()
    return int(number)


def euros(cents: int) -> str:
    """Cents as people read them: 123456 → “1,234.56”."""
    return f"{cents / 100:,.2f}"
