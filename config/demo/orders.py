"""Sales orders that arrive as CSV files: the web shop drops them, the import reads each exactly once."""

import csv
import hashlib
import io
import random
import sqlite3
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from config.demo.errors import Malformed
from config.demo.places import Places
from config.demo.shop import next_number, open_shop, posting
from config.demo.telling import Log, silent

COLUMNS = ["order_no", "customer_no", "ordered_on", "item_no", "quantity"]
FAULTY_EVERY = 12


@dataclass(frozen=True, slots=True)
class Line:
    item_no: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Order:
    no: str
    customer_no: str
    ordered_on: date
    lines: list[Line]


@dataclass(slots=True)
class ImportResult:
    """What one pass over the folder did. ``rejected`` maps file names to the reason."""

    files: int = 0
    orders: int = 0
    repeated: int = 0
    rejected: dict[str, str] = field(default_factory=dict)


def parse_orders(text: str) -> list[Order]:
    """The orders of one file; raises :class:`Malformed` naming the first line that cannot be used."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    orders: dict[str, Order] = {}
    try:
        if reader.fieldnames != COLUMNS:
            raise Malformed(
                f"line 1: expected the columns {', '.join(COLUMNS)}, found {reader.fieldnames or 'nothing'}."
            )
        for row in reader:
            _take_row(row, line_no=reader.line_num, orders=orders)
    except csv.Error as error:
        raise Malformed(f"line {reader.line_num}: not readable as CSV ({error}).") from error
    if not orders:
        raise Malformed("the file has no order lines.")
    return list(orders.values())


def _take_row(row: dict[str, str], *, line_no: int, orders: dict[str, Order]) -> None:
    if None in row or None in row.values():
        raise Malformed(f"line {line_no}: expected {len(COLUMNS)} values.")
    if not all(row.values()):
        raise Malformed(f"line {line_no}: {next(name for name in COLUMNS if not row[name])} is empty.")
    try:
        ordered_on = date.fromisoformat(row["ordered_on"])
    except ValueError as error:
        raise Malformed(
            f"line {line_no}: ordered_on “{row['ordered_on']}” is not a date like 2026-11-20."
        ) from error
    if not row["quantity"].isdecimal() or int(row["quantity"]) == 0:
        raise Malformed(f"line {line_no}: quantity “{row['quantity']}” is not a whole number above zero.")
    order = orders.setdefault(row["order_no"], Order(row["order_no"], row["customer_no"], ordered_on, []))
    if (order.customer_no, order.ordered_on) != (row["customer_no"], ordered_on):
        raise Malformed(f"line {line_no}: order {order.no} has another customer or date in an earlier line.")
    order.lines.append(Line(row["item_no"], int(row["quantity"])))


def import_orders(places: Places, *, now: datetime, log: Log = silent) -> ImportResult:
    """Imports every file of the incoming folder, oldest name first; one bad file does not stop the others.

    A file counts as imported when its name and SHA-256 are stored, which happens in the transaction that stores its
    orders. A run that dies before moving the file therefore never imports it twice: the next run only moves it.
    """
    result = ImportResult()
    with open_shop(places.shop) as shop:
        for path in sorted(places.orders_in.glob("*.csv")):
            try:
                stored = _import_file(shop, path=path, now=now)
            except Malformed as error:
                result.rejected[path.name] = str(error)
                _reject(path, reason=str(error), places=places)
                continue
            path.replace(places.orders_done / path.name)
            result.files += 1
            result.orders += stored
            result.repeated += stored == 0
            log(
                f"{path.name}: {stored} orders stored."
                if stored
                else f"{path.name}: already imported, moved only."
            )
    return result


def _import_file(shop: sqlite3.Connection, *, path: Path, now: datetime) -> int:
    """Number of orders stored; 0 if exactly this file was imported before."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    known = shop.execute(
        "SELECT name, sha256 FROM imported_file WHERE name = ? OR sha256 = ?", (path.name, digest)
    )
    for name, sha256 in known.fetchall():
        if (name, sha256) == (path.name, digest):
            return 0
        if name == path.name:
            raise Malformed("a file of this name was imported before with other content.")
        raise Malformed(f"the same content was imported before as {name}.")
    try:
        orders = parse_orders(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Malformed(f"byte {error.start + 1}: the file is not UTF-8 text.") from error
    with posting(shop):
        shop.execute(
            "INSERT INTO imported_file VALUES (?, ?, ?, ?)", (path.name, digest, now.isoformat(), len(orders))
        )
        for order in orders:
            _store(shop, order=order, file_name=path.name)
    return len(orders)


def _store(shop: sqlite3.Connection, *, order: Order, file_name: str) -> None:
    if not shop.execute("SELECT 1 FROM customer WHERE no = ?", (order.customer_no,)).fetchone():
        raise Malformed(f"order {order.no}: there is no customer {order.customer_no}.")
    if shop.execute("SELECT 1 FROM sales_order WHERE no = ?", (order.no,)).fetchone():
        raise Malformed(f"order {order.no} exists already.")
    shop.execute(
        "INSERT INTO sales_order (no, customer_no, ordered_on, file_name) VALUES (?, ?, ?, ?)",
        (order.no, order.customer_no, order.ordered_on.isoformat(), file_name),
    )
    for number, line in enumerate(order.lines, start=1):
        price = shop.execute("SELECT unit_price_cents FROM item WHERE no = ?", (line.item_no,)).fetchone()
        if price is None:
            raise Malformed(f"order {order.no}: there is no item {line.item_no}.")
        shop.execute(
            "INSERT INTO order_line VALUES (?, ?, ?, ?, ?)",
            (order.no, number, line.item_no, line.quantity, price[0]),
        )


def _reject(path: Path, *, reason: str, places: Places) -> None:
    """Moves the file away and leaves the reason beside it."""
    (places.orders_rejected / f"{path.name}.error.txt").write_text(reason + "\n", encoding="utf-8")
    path.replace(places.orders_rejected / path.name)


def drop_orders(places: Places, *, files: int, now: datetime) -> list[str]:
    """Plays the web shop: leaves ``files`` order files in the incoming folder and returns their names.

    Every twelfth file has a fault of the kind people make in spreadsheets. The content follows from the running number
    alone, so that a test can foretell it.
    """
    names = []
    with open_shop(places.shop) as shop:
        customers = [row[0] for row in shop.execute("SELECT no FROM customer ORDER BY no")]
        items = [row[0] for row in shop.execute("SELECT no FROM item ORDER BY no")]
        for _ in range(files):
            number = next_number(shop, series="order file")
            text = order_file(number, customers=customers, items=items, ordered_on=now.date())
            name = f"orders-{now:%Y%m%d}-{number:06d}.csv"
            unfinished = places.orders_in / f"{name}.part"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(places.orders_in / name)
            names.append(name)
    return names


def order_file(number: int, *, customers: list[str], items: list[str], ordered_on: date) -> str:
    """The text of order file ``number``."""
    chance = random.Random(number)
    rows = [",".join(COLUMNS)]
    for position in range(1, chance.randint(2, 5)):
        no, customer = f"W{number:06d}-{position}", chance.choice(customers)
        for item in chance.sample(items, k=chance.randint(1, 4)):
            rows.append(f"{no},{customer},{ordered_on},{item},{chance.randint(1, 12)}")
    if number % FAULTY_EVERY == 3:
        rows[-1] = chance.choice(
            [
                rows[-1].rpartition(",")[0] + ",a dozen",
                rows[-1].replace(str(ordered_on), f"{ordered_on:%d/%m/%Y}"),
                rows[-1].rpartition(",")[0],
            ]
        )
    return "\n".join(rows) + "\n"
