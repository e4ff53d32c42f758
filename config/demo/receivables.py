"""What customers owe: invoicing orders, recalculating balances, finding reminders to send."""

import sqlite3
import time
from dataclasses import dataclass
from datetime import date, timedelta

from config.demo.places import Places
from config.demo.shop import euros, next_number, open_shop, posting
from config.demo.telling import Log, Progress, silent

TERMS_DAYS = 30


@dataclass(frozen=True, slots=True)
class Reminder:
    """One mail to send: the overdue invoices of one customer."""

    customer_no: str
    email: str
    subject: str
    text: str


def invoice_orders(places: Places, *, today: date) -> tuple[int, int]:
    """Invoices every order not yet invoiced, each in a transaction; returns (invoices, total in cents)."""
    invoices = total = 0
    with open_shop(places.shop) as shop:
        orders = shop.execute(
            "SELECT o.no, o.customer_no, SUM(l.quantity * l.unit_price_cents) AS amount FROM sales_order o "
            "JOIN order_line l ON l.order_no = o.no WHERE o.invoice_no IS NULL GROUP BY o.no ORDER BY o.no"
        ).fetchall()
        for order in orders:
            with posting(shop):
                invoice_no = f"INV{next_number(shop, series='invoice'):07d}"
                shop.execute(
                    "INSERT INTO ledger_entry "
                    "(customer_no, kind, document_no, posted_on, due_on, amount_cents, open_cents) "
                    "VALUES (?, 'invoice', ?, ?, ?, ?, ?)",
                    (
                        order["customer_no"],
                        invoice_no,
                        today.isoformat(),
                        (today + timedelta(days=TERMS_DAYS)).isoformat(),
                        order["amount"],
                        order["amount"],
                    ),
                )
                shop.execute("UPDATE sales_order SET invoice_no = ? WHERE no = ?", (invoice_no, order["no"]))
                shop.execute(
                    "UPDATE item SET stock = stock - l.quantity FROM "
                    "(SELECT item_no, SUM(quantity) AS quantity FROM order_line WHERE order_no = ? GROUP BY item_no) l "
                    "WHERE item.no = l.item_no",
                    (order["no"],),
                )
            invoices += 1
            total += order["amount"]
    return invoices, total


def recalculate_balances(
    places: Places,
    *,
    today: date,
    pause_seconds: float = 0,
    log: Log = silent,
    progress: Progress = silent,
) -> int:
    """Adds up each customer's entries and stores balance and overdue amount; returns the number of customers.

    One transaction per customer, with ``pause_seconds`` between them so that other writers get their turn.
    """
    with open_shop(places.shop) as shop:
        customers = [row[0] for row in shop.execute("SELECT no FROM customer ORDER BY no")]
        for position, customer_no in enumerate(customers, start=1):
            balance, overdue = _balance(shop, customer_no=customer_no, today=today)
            with posting(shop):
                shop.execute(
                    "UPDATE customer SET balance_cents = ?, overdue_cents = ?, balance_at = ? WHERE no = ?",
                    (balance, overdue, today.isoformat(), customer_no),
                )
            progress(position, len(customers))
            if position % 50 == 0:
                log(f"{position} of {len(customers)} customers done.")
            time.sleep(pause_seconds)
    return len(customers)


def balances(places: Places, *, today: date) -> list[tuple[str, str, int, int]]:
    """(number, name, balance, overdue) of every customer, in cents, from the entries as they are now."""
    with open_shop(places.shop) as shop:
        customers = shop.execute("SELECT no, name FROM customer ORDER BY no").fetchall()
        return [(no, name, *_balance(shop, customer_no=no, today=today)) for no, name in customers]


def _balance(shop: sqlite3.Connection, *, customer_no: str, today: date) -> tuple[int, int]:
    """(balance, overdue) in cents, from the entries themselves."""
    balance = overdue = 0
    rows = shop.execute(
        "SELECT amount_cents, open_cents, due_on FROM ledger_entry WHERE customer_no = ?", (customer_no,)
    )
    for amount, still_open, due_on in rows:
        balance += amount
        if still_open > 0 and date.fromisoformat(due_on) < today:
            overdue += still_open
    return balance, overdue


def reminders_due(places: Places, *, today: date, most: int, grace_days: int = 14) -> list[Reminder]:
    """Reminders for invoices overdue longer than ``grace_days`` and not reminded within a week, at most ``most``."""
    with open_shop(places.shop) as shop:
        customers = shop.execute(
            "SELECT c.no, c.name, c.email, COUNT(*) AS invoices, SUM(l.open_cents) AS amount, MIN(l.due_on) AS oldest "
            "FROM ledger_entry l JOIN customer c ON c.no = l.customer_no "
            "WHERE l.kind = 'invoice' AND l.open_cents > 0 AND l.due_on < ? "
            "AND (l.reminded_on IS NULL OR l.reminded_on < ?) GROUP BY c.no ORDER BY amount DESC LIMIT ?",
            (
                (today - timedelta(days=grace_days)).isoformat(),
                (today - timedelta(days=7)).isoformat(),
                most,
            ),
        ).fetchall()
    return [
        Reminder(
            customer_no=row["no"],
            email=row["email"],
            subject=f"Payment reminder: {euros(row['amount'])} EUR",
            text=f"Dear {row['name']},\n\n{row['invoices']} of our invoices are overdue, "
            f"the oldest since {row['oldest']}; together {euros(row['amount'])} EUR.\n"
            "Please pay within a week.\n\nHarbour Trading",
        )
        for row in customers
    ]


def mark_reminded(places: Places, *, customer_no: str, today: date) -> None:
    """Notes on the customer's overdue invoices that a reminder went out."""
    with open_shop(places.shop) as shop, posting(shop):
        shop.execute(
            "UPDATE ledger_entry SET reminded_on = ? "
            "WHERE customer_no = ? AND kind = 'invoice' AND open_cents > 0 AND due_on < ?",
            (today.isoformat(), customer_no, today.isoformat()),
        )
