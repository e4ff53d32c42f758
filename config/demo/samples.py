"""Sample data of the demo company: invented customers, items, a year of postings, and the files that lie ready."""

import csv
import random
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from config.demo.orders import drop_orders
from config.demo.places import Places
from config.demo.rates import DayOfRates, rates_file
from config.demo.receivables import TERMS_DAYS
from config.demo.shop import create_shop, open_shop, posting

FIRST = (
    "North",
    "Harbour",
    "Old",
    "Silver",
    "Green",
    "Lake",
    "Stone",
    "River",
    "Sunny",
    "High",
    "West",
    "Maple",
)
SECOND = ("Quay", "Bridge", "Mill", "Garden", "Market", "Lane", "Field", "Corner", "Gate", "Hill")
TRADES = ("Stores", "Foods")
GOODS = ("Coffee", "Tea", "Cocoa", "Rice", "Pepper", "Olive oil", "Almonds", "Raisins", "Honey", "Lentils")
PACKS = ("250 g", "500 g", "1 kg", "5 kg")
SUPPLIERS = ("Antwerp Cargo", "Baltic Grain", "Levant Spices", "Iberia Oils", "Nordic Paper")
RATES = {"USD": "1.0842", "JPY": "163.28", "DKK": "7.4603", "GBP": "0.8571", "CHF": "0.9415", "SEK": "11.372"}
INVOICES_A_CUSTOMER = 40


def make_sample_data(places: Places, *, today: date) -> None:
    """Fills the folders and the shop. Only for an empty shop; ``company.seed`` asks before."""
    places.create()
    create_shop(places.shop)
    chance = random.Random(2026)
    with open_shop(places.shop) as shop, posting(shop):
        names = [f"{first} {second} {trade}" for first in FIRST for second in SECOND for trade in TRADES]
        shop.executemany(
            "INSERT INTO customer (no, name, email, currency) VALUES (?, ?, ?, 'EUR')",
            [
                (f"C{number:04d}", name, f"{name.lower().replace(' ', '.')}@customer.example")
                for number, name in enumerate(names, start=1)
            ],
        )
        shop.executemany("INSERT INTO item VALUES (?, ?, ?, ?, ?)", _items(chance))
        shop.executemany(
            "INSERT INTO ledger_entry (customer_no, kind, document_no, posted_on, due_on, amount_cents, open_cents) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            _postings(chance, customers=len(names), today=today),
        )
        shop.executemany(
            "INSERT INTO supplier_invoice VALUES (?, ?, ?, ?, ?, NULL)", _supplier_invoices(chance, today)
        )
        _bank_lines(shop, chance=chance, today=today, places=places)
    places.rates.write_text(rates_file(_days_of_rates(chance, today=today)), encoding="utf-8")
    _count_sheet(places, chance=chance, today=today)
    drop_orders(places, files=4, now=_noon(today))


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def _items(chance: random.Random) -> list[tuple[str, str, int, int, int]]:
    items = []
    for number, (good, pack) in enumerate(((good, pack) for good in GOODS for pack in PACKS), start=1000):
        cost = chance.randint(180, 4200)
        items.append((str(number), f"{good} {pack}", cost, round(cost * 1.35), chance.randint(200, 5000)))
    return items


def _postings(chance: random.Random, *, customers: int, today: date) -> list[tuple]:
    """A year of invoices per customer; older ones mostly paid, so that some are open and some overdue."""
    rows, number = [], 0
    for customer in range(1, customers + 1):
        for _ in range(INVOICES_A_CUSTOMER):
            number += 1
            posted = today - timedelta(days=chance.randint(1, 365))
            due, amount = posted + timedelta(days=TERMS_DAYS), chance.randint(2_500, 480_000)
            paid = (today - due).days > -10 and chance.random() < 0.97
            no, document = f"C{customer:04d}", f"OLD{number:07d}"
            rows.append(
                (no, "invoice", document, posted.isoformat(), due.isoformat(), amount, 0 if paid else amount)
            )
            if paid:
                on = min(today, due + timedelta(days=chance.randint(-8, 12))).isoformat()
                rows.append((no, "payment", f"PAY{number:07d}", on, on, -amount, 0))
    return rows


def _supplier_invoices(chance: random.Random, today: date) -> list[tuple]:
    return [
        (
            f"S{number:05d}",
            chance.choice(SUPPLIERS),
            f"BE{chance.randint(10, 99)}{chance.randint(10**11, 10**12 - 1)}",
            chance.randint(12_000, 900_000),
            (today + timedelta(days=chance.randint(-20, 60))).isoformat(),
        )
        for number in range(1, 161)
    ]


def _bank_lines(shop: sqlite3.Connection, *, chance: random.Random, today: date, places: Places) -> None:
    """Lines of an earlier statement waiting to be matched, and a sample of the statement the bank has not delivered."""
    open_invoices = shop.execute(
        "SELECT l.document_no, l.open_cents, c.name FROM ledger_entry l JOIN customer c ON c.no = l.customer_no "
        "WHERE l.kind = 'invoice' AND l.open_cents > 0 ORDER BY l.due_on, l.id LIMIT 60"
    ).fetchall()
    lines = []
    for number, (document, cents, name) in enumerate(open_invoices, start=1):
        text = f"Invoice {document}" if number % 3 else f"{name} thank you"
        amount = cents if number % 5 else cents - 100
        lines.append((f"B{number:06d}", (today - timedelta(days=number % 3)).isoformat(), amount, text))
    shop.executemany("INSERT INTO bank_line VALUES (?, ?, ?, ?, NULL)", lines[:40])
    with places.bank_sample.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["booked_on", "amount", "reference", "text"])
        for reference, booked_on, cents, text in lines[40:]:
            amount = f"{cents / 100:,.2f}".translate(str.maketrans(",.", ".,"))
            writer.writerow([booked_on, amount, reference, text])


def _days_of_rates(chance: random.Random, *, today: date) -> list[DayOfRates]:
    """Invented rates of the last ten weekdays, newest first."""
    weekdays = [day for back in range(14) if (day := today - timedelta(days=back)).isoweekday() < 6]
    return [
        DayOfRates(
            day,
            {
                code: (Decimal(rate) * Decimal(chance.randint(985, 1015)) / 1000).quantize(Decimal(rate))
                for code, rate in RATES.items()
            },
        )
        for day in weekdays
    ]


def _count_sheet(places: Places, *, chance: random.Random, today: date) -> None:
    """A count that is still open on the first day: the valuation has to wait for it."""
    with open_shop(places.shop) as shop:
        stock = shop.execute("SELECT no, stock FROM item ORDER BY no LIMIT 20").fetchall()
    with (places.counts_open / f"count-{today:%Y%m%d}-aisle-1.csv").open(
        "w", encoding="utf-8", newline=""
    ) as file:
        writer = csv.writer(file)
        writer.writerow(["item_no", "counted"])
        writer.writerows([no, max(0, quantity + chance.randint(-6, 3))] for no, quantity in stock)
