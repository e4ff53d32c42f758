"""The entries of Harbour Trading, as a business administrator would set them up."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from config.demo import jobs
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.states import Anchor, ObjectType, OutputType, Priority

EVERY_DAY = dict.fromkeys(WEEKDAY_FIELDS, True)
WORKING_DAYS = dict.fromkeys(WEEKDAY_FIELDS[:5], True)
SQL_QUERY = 3
OPEN_ORDERS = """
SELECT c.no AS customer, c.name, COUNT(DISTINCT o.no) AS orders,
       ROUND(SUM(l.quantity * l.unit_price_cents) / 100.0, 2) AS amount
FROM sales_order o JOIN customer c ON c.no = o.customer_no JOIN order_line l ON l.order_no = o.no
WHERE o.invoice_no IS NULL GROUP BY c.no, c.name ORDER BY amount DESC
""".strip()


@dataclass(frozen=True, slots=True)
class Planned:
    """An entry to make. It is set Ready unless ``hold_reason`` is given; ``also_now`` starts one extra run at once."""

    values: dict[str, Any]
    hold_reason: str = ""
    also_now: bool = False


def plan(*, now: datetime, time_zone: str) -> list[Planned]:
    """All entries, due times relative to ``now`` (aware)."""
    return [*_sales(now), *_stock(now), *_bank(now), *_accounts(now, zone=ZoneInfo(time_zone)), *_house()]


def _sales(now: datetime) -> list[Planned]:
    return [
        Planned(_often(jobs.FETCH_ORDERS, "Fetch web orders", minutes=2, parameters={"files": 2})),
        Planned(
            _often(jobs.IMPORT_ORDERS, "Import sales orders", minutes=1, category_code="SALES")
            | {"max_attempts": 2, "rerun_delay_seconds": 5}
        ),
        Planned(
            _often(jobs.INVOICE_ORDERS, "Invoice sales orders", minutes=5, category_code="SALES")
            | {"earliest_start_at": now + timedelta(seconds=25)}
        ),
        Planned(
            _often(SQL_QUERY, "Open orders by customer", minutes=15, object_type=ObjectType.REPORT)
            | {
                "report_output_type": OutputType.CSV,
                "parameters": {"connection": "demo_shop", "query": OPEN_ORDERS},
                "earliest_start_at": now + timedelta(seconds=15),
            }
        ),
        Planned(
            _often(jobs.IMPORT_PRICES, "Look for new prices", minutes=5) | {"inactivity_timeout_minutes": 15}
        ),
        Planned(
            {
                "object_id": jobs.RAISE_PRICES,
                "description": "Raise catalogue prices",
                "parameters": {"percent": 3},
            },
            hold_reason="Waits for the sales manager's approval.",
        ),
    ]


def _stock(now: datetime) -> list[Planned]:
    return [
        Planned(
            _often(jobs.STOCK_VALUATION, "Stock valuation", minutes=30, object_type=ObjectType.REPORT)
            | {
                "report_output_type": OutputType.PDF,
                "priority": Priority.HIGH,
                "max_attempts": 3,
                "rerun_delay_seconds": 20,
            }
        ),
        Planned(
            {
                "object_id": jobs.POST_COUNTS,
                "description": "Post the open stock count",
                "earliest_start_at": now + timedelta(seconds=15),
                "priority": Priority.LOW,
            }
        ),
    ]


def _bank(now: datetime) -> list[Planned]:
    """Three entries of one category, due together: they wait for each other."""
    together = {"category_code": "BANK", "earliest_start_at": now + timedelta(seconds=3)}
    return [
        Planned(_often(jobs.MATCH_PAYMENTS, "Match payments", minutes=10) | together),
        Planned(
            _often(jobs.IMPORT_STATEMENT, "Import bank statement", minutes=30)
            | together
            | {"max_attempts": 2, "rerun_delay_seconds": 5}
        ),
        Planned(
            _often(jobs.WRITE_PAYMENTS, "Write payment file", minutes=10, parameters={"most": 10}) | together
        ),
    ]


def _accounts(now: datetime, *, zone: ZoneInfo) -> list[Planned]:
    return [
        Planned(_often(jobs.RECALCULATE_BALANCES, "Recalculate customer balances", minutes=30)),
        Planned(
            _daily(jobs.UPDATE_RATES, "Update currency rates", at=time(16, 15), days=WORKING_DAYS),
            also_now=True,
        ),
        Planned(
            _daily(jobs.SEND_REMINDERS, "Send payment reminders", at=time(8, 30), days=WORKING_DAYS),
            also_now=True,
        ),
        Planned(
            {
                "object_type": ObjectType.REPORT,
                "object_id": jobs.MONTH_END,
                "description": "Month-end balances",
                "report_output_type": OutputType.PDF,
                "next_run_date_formula": "1D+CM",
                "starting_time": time(23, 0),
                "recurrence_anchor": Anchor.FIXED,
                "earliest_start_at": _month_end(now, zone=zone),
            }
        ),
    ]


def _house() -> list[Planned]:
    return [Planned(_daily(jobs.CLEAN_UP, "Clean up old files", at=time(2, 30), days=EVERY_DAY))]


def _often(object_id: int, description: str, *, minutes: int, **more: Any) -> dict[str, Any]:
    """Every ``minutes`` after the end of the last run, every day, from now on."""
    return {
        "object_id": object_id,
        "description": description,
        "minutes_between_runs": minutes,
        "recurrence_anchor": Anchor.COMPLETION,
        **EVERY_DAY,
        **more,
    }


def _daily(object_id: int, description: str, *, at: time, days: dict[str, bool]) -> dict[str, Any]:
    """Once on each of ``days`` at a fixed time."""
    return {
        "object_id": object_id,
        "description": description,
        "starting_time": at,
        "recurrence_anchor": Anchor.FIXED,
        **days,
    }


def _month_end(now: datetime, *, zone: ZoneInfo) -> datetime:
    """23:00 on the last day of the present month in ``zone``; formulas count from the first due time."""
    today = now.astimezone(zone).date()
    last = (today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return datetime.combine(last, time(23, 0), tzinfo=zone)
