from datetime import UTC, date, datetime

import pytest

from config.demo import orders
from config.demo.errors import Malformed
from config.demo.orders import COLUMNS, Line, drop_orders, import_orders, order_file, parse_orders
from config.demo.shop import open_shop

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HEAD = ",".join(COLUMNS) + "\n"


def count(places, table: str) -> int:
    with open_shop(places.shop) as shop:
        return shop.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]


@pytest.fixture
def empty(places):
    for path in places.orders_in.iterdir():
        path.unlink()
    return places


def test_lines_of_one_order_belong_together():
    (first, second) = parse_orders(
        HEAD + "W1,C0001,2026-11-20,1000,3\nW1,C0001,2026-11-20,1001,1\nW2,C0002,2026-11-19,1000,2\n"
    )
    assert first.lines == [Line("1000", 3), Line("1001", 1)]
    assert second.ordered_on == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "",
            "line 1: expected the columns order_no, customer_no, ordered_on, item_no, quantity, found nothing.",
        ),
        ("a,b\n1,2\n", "line 1: expected the columns"),
        (HEAD, "the file has no order lines."),
        (HEAD + "W1,C1,2026-11-20,1000\n", "line 2: expected 5 values."),
        (HEAD + "W1,C1,2026-11-20,1000,1,9\n", "line 2: expected 5 values."),
        (HEAD + "W1,,2026-11-20,1000,1\n", "line 2: customer_no is empty."),
        (HEAD + "W1,C1,20/11/2026,1000,1\n", "line 2: ordered_on “20/11/2026” is not a date"),
        (
            HEAD + "W1,C1,2026-11-20,1000,a dozen\n",
            "line 2: quantity “a dozen” is not a whole number above zero.",
        ),
        (HEAD + "W1,C1,2026-11-20,1000,0\n", "line 2: quantity “0”"),
        (HEAD + "W1,C1,2026-11-20,1000,-1\n", "line 2: quantity “-1”"),
        (
            HEAD + "W1,C1,2026-11-20,1000,1\nW1,C2,2026-11-20,1000,1\n",
            "line 3: order W1 has another customer",
        ),
        (HEAD + 'W1,"C1', "not readable as CSV"),
    ],
)
def test_a_malformed_file_is_refused_with_the_line_and_the_reason(text, reason):
    with pytest.raises(Malformed) as refused:
        parse_orders(text)
    assert reason in str(refused.value)


def test_a_good_file_is_stored_and_moved_to_the_archive(empty):
    (empty.orders_in / "a.csv").write_text(HEAD + "W1,C0001,2026-11-20,1000,3\n")
    result = import_orders(empty, now=NOW)
    assert (result.files, result.orders, result.rejected) == (1, 1, {})
    assert (empty.orders_done / "a.csv").exists()
    assert count(empty, "order_line") == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("W1,C9999,2026-11-20,1000,3", "order W1: there is no customer C9999."),
        ("W1,C0001,2026-11-20,9999,3", "order W1: there is no item 9999."),
    ],
)
def test_a_bad_file_is_moved_to_the_rejects_with_its_reason_and_stores_nothing(empty, row, reason):
    (empty.orders_in / "a.csv").write_text(HEAD + "W0,C0001,2026-11-20,1000,1\n" + row + "\n")
    (empty.orders_in / "b.csv").write_text(HEAD + "W2,C0001,2026-11-20,1000,3\n")
    result = import_orders(empty, now=NOW)
    assert result.rejected == {"a.csv": reason}
    assert (empty.orders_rejected / "a.csv.error.txt").read_text() == reason + "\n"
    assert (empty.orders_rejected / "a.csv").exists()
    assert (result.files, count(empty, "sales_order")) == (1, 1)


def test_a_file_that_is_not_text_is_rejected(empty):
    (empty.orders_in / "a.csv").write_bytes(b"\xff\xfe\x00")
    assert import_orders(empty, now=NOW).rejected == {"a.csv": "byte 1: the file is not UTF-8 text."}


def test_a_run_that_died_before_moving_the_file_does_not_import_it_twice(empty, monkeypatch):
    (empty.orders_in / "a.csv").write_text(HEAD + "W1,C0001,2026-11-20,1000,3\n")
    with open_shop(empty.shop) as shop:
        orders._import_file(shop, path=empty.orders_in / "a.csv", now=NOW)  # stored, not moved
    result = import_orders(empty, now=NOW)
    assert (result.repeated, result.orders, count(empty, "sales_order")) == (1, 0, 1)
    assert not list(empty.orders_in.iterdir())


def test_the_same_content_under_another_name_is_rejected(empty):
    for name in ("a.csv", "b.csv"):
        (empty.orders_in / name).write_text(HEAD + "W1,C0001,2026-11-20,1000,3\n")
    assert import_orders(empty, now=NOW).rejected == {
        "b.csv": "the same content was imported before as a.csv."
    }


def test_another_content_under_a_used_name_is_rejected(empty):
    for quantity in (1, 2):
        (empty.orders_in / "a.csv").write_text(HEAD + f"W{quantity},C0001,2026-11-20,1000,{quantity}\n")
        result = import_orders(empty, now=NOW)
    assert result.rejected == {"a.csv": "a file of this name was imported before with other content."}


def test_the_web_shop_drops_files_that_import_and_now_and_then_one_that_does_not(empty):
    names = drop_orders(empty, files=24, now=NOW)
    result = import_orders(empty, now=NOW)
    assert len(names) == 24
    assert (result.files, len(result.rejected)) == (22, 2)
    assert all("line" in reason for reason in result.rejected.values())


def test_an_order_file_follows_from_its_number():
    known = {
        "customers": ["C0001"],
        "items": ["1000", "1001", "1002", "1003"],
        "ordered_on": date(2026, 1, 2),
    }
    assert order_file(7, **known) == order_file(7, **known)
