import pytest

from config.demo.errors import DemoError, Malformed
from config.demo.shop import open_shop
from config.demo.warehouse import import_prices, post_counts, raise_prices, value_stock


def test_the_stock_is_not_valued_while_a_count_is_open_and_is_afterwards(places):
    with pytest.raises(
        DemoError, match=r"count-20261120-aisle-1\.csv is still open in warehouse/open-counts"
    ):
        value_stock(places)
    assert post_counts(places) > 0
    items = value_stock(places)
    assert len(items) == 40
    assert items[0].value_cents == items[0].stock * items[0].unit_cost_cents
    assert post_counts(places) == 0


def test_a_malformed_count_sheet_stays_open(places):
    (places.counts_open / "count-b.csv").write_text("item_no,counted\n1000,many\n")
    with pytest.raises(Malformed, match=r"count-b\.csv, line 2: expected an item number and a whole number"):
        post_counts(places)
    assert [path.name for path in places.counts_open.iterdir()] == ["count-b.csv"]


def test_new_prices_are_taken_and_no_file_means_nothing_to_do(places):
    assert import_prices(places) == 0
    (places.prices_in / "p.csv").write_text("item_no,price_cents\n1000,4242\n")
    assert import_prices(places) == 1
    assert raise_prices(places, percent=10) == 40
    with open_shop(places.shop) as shop:
        assert shop.execute("SELECT unit_price_cents FROM item WHERE no = '1000'").fetchone()[0] == 4666
