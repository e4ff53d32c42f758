from datetime import UTC, datetime, timedelta

from config.demo.orders import import_orders
from config.demo.receivables import invoice_orders, mark_reminded, recalculate_balances, reminders_due
from config.demo.shop import open_shop

from .conftest import TODAY


def test_every_order_is_invoiced_once_and_leaves_the_stock(places):
    import_orders(places, now=datetime(2026, 11, 20, 9, tzinfo=UTC))
    with open_shop(places.shop) as shop:
        ordered = shop.execute(
            "SELECT SUM(quantity), SUM(quantity * unit_price_cents), COUNT(DISTINCT order_no) FROM order_line"
        ).fetchone()
        before = shop.execute("SELECT SUM(stock) FROM item").fetchone()[0]
    assert invoice_orders(places, today=TODAY) == (ordered[2], ordered[1])
    assert invoice_orders(places, today=TODAY) == (0, 0)
    with open_shop(places.shop) as shop:
        assert before - shop.execute("SELECT SUM(stock) FROM item").fetchone()[0] == ordered[0]


def test_balances_are_the_sum_of_the_entries(places):
    steps = []
    assert recalculate_balances(places, today=TODAY, progress=lambda done, total: steps.append(done)) == 240
    assert steps == list(range(1, 241))
    with open_shop(places.shop) as shop:
        assert (
            shop.execute("SELECT SUM(balance_cents) FROM customer").fetchone()[0]
            == shop.execute("SELECT SUM(amount_cents) FROM ledger_entry").fetchone()[0]
        )


def test_a_customer_is_reminded_once_a_week(places):
    (first,) = reminders_due(places, today=TODAY, most=1)
    assert "overdue" in first.text
    mark_reminded(places, customer_no=first.customer_no, today=TODAY)
    assert first.customer_no not in {one.customer_no for one in reminders_due(places, today=TODAY, most=500)}
    next_week = TODAY + timedelta(days=8)
    assert first.customer_no in {one.customer_no for one in reminders_due(places, today=next_week, most=500)}
