"""Stock: counting, valuing and pricing it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from config.demo.errors import DemoError, Malformed
from config.demo.places import Places
from config.demo.shop import open_shop, posting
from config.demo.telling import Log, silent


@dataclass(frozen=True, slots=True)
class ValuedItem:
    no: str
    description: str
    stock: int
    unit_cost_cents: int

    @property
    def value_cents(self) -> int:
        return max(0, self.stock) * self.unit_cost_cents


def value_stock(places: Places) -> list[ValuedItem]:
    """The stock at cost, by item number. Raises :class:`DemoError` while a count is open: the stock is not final."""
    open_sheets = sorted(path.name for path in places.counts_open.glob("*.csv"))
    if open_sheets:
        raise DemoError(
            f"The stock is being counted: {', '.join(open_sheets)} is still open in "
            f"{places.name_of(places.counts_open)}. The valuation runs once the count is posted."
        )
    with open_shop(places.shop) as shop:
        rows = shop.execute("SELECT no, description, stock, unit_cost_cents FROM item ORDER BY no")
        return [ValuedItem(*row) for row in rows]


def post_counts(places: Places, *, log: Log = silent) -> int:
    """Posts all open count sheets and closes them; returns the number of items whose stock changed."""
    corrected = 0
    with open_shop(places.shop) as shop:
        for sheet in sorted(places.counts_open.glob("*.csv")):
            counted = _pairs(sheet, columns=["item_no", "counted"])
            with posting(shop):
                for item_no, quantity in counted:
                    corrected += shop.execute(
                        "UPDATE item SET stock = ? WHERE no = ? AND stock != ?", (quantity, item_no, quantity)
                    ).rowcount
            sheet.replace(places.counts_done / sheet.name)
            log(f"{sheet.name} posted: {len(counted)} items counted.")
    return corrected


def import_prices(places: Places) -> int:
    """Stores new prices from all files of the price folder; returns the number of files, 0 if there was none."""
    files = sorted(places.prices_in.glob("*.csv"))
    with open_shop(places.shop) as shop:
        for path in files:
            prices = _pairs(path, columns=["item_no", "price_cents"])
            with posting(shop):
                shop.executemany(
                    "UPDATE item SET unit_price_cents = ? WHERE no = ?",
                    [(price, item_no) for item_no, price in prices],
                )
            path.replace(places.prices_done / path.name)
    return len(files)


def raise_prices(places: Places, *, percent: int) -> int:
    """Raises every price by ``percent``, rounded to whole cents; returns the number of items."""
    with open_shop(places.shop) as shop, posting(shop):
        return shop.execute(
            "UPDATE item SET unit_price_cents = CAST(ROUND(unit_price_cents * (100 + ?) / 100.0) AS INTEGER)",
            (percent,),
        ).rowcount


def _pairs(path: Path, *, columns: list[str]) -> list[tuple[str, int]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != columns:
        raise Malformed(f"{path.name}, line 1: expected {','.join(columns)}.")
    pairs = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not row[1].isdecimal():
            raise Malformed(f"{path.name}, line {number}: expected an item number and a whole number.")
        pairs.append((row[0], int(row[1])))
    return pairs
