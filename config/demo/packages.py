"""The packages of Harbour Trading: one that closes the night, one that stops on an error, one that goes on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.demo import jobs
from config.demo.entries import EVERY_DAY, OPEN_ORDERS, SQL_QUERY
from jobqueue.actors import Actor
from jobqueue.models import Company
from jobqueue.states import ObjectType, OutputType
from notifications import verbs as notifications
from packages import lifecycle, lists, scenarios
from packages.states import OnError

ACCOUNTS, ON_CALL = "accounts@harbour-trading.example", "on-call@harbour-trading.example"
HALF_HOUR, HOUR = 30, 60
# The partner never sent its list, so the shop has no such table and the line fails in every run.
PARTNER_PRICES = "SELECT item_no, price FROM partner_price ORDER BY item_no"


@dataclass(frozen=True, slots=True)
class PlannedPackage:
    """A package to make: its lines by run order, every how many minutes it runs, and who is told of what."""

    name: str
    description: str
    on_error: OnError
    minutes: int
    lines: tuple[dict[str, Any], ...]
    told: tuple[tuple[str, Any, int], ...]  # address, scenario, repeat interval in minutes


def plan() -> list[PlannedPackage]:
    return [_nightly(), _bank(), _exchange()]


def make(company: Company, *, actor: Actor, now: datetime) -> None:
    """Makes the packages, sets them active and starts a first run of each at once."""
    for planned in plan():
        values = {
            "name": planned.name,
            "description": planned.description,
            "on_error": planned.on_error,
            "time_zone": company.time_zone,
        }
        package = lifecycle.create_package(company, values, actor=actor, now=now)
        for line in planned.lines:
            lifecycle.add_line(package, line, actor=actor, now=now)
        lifecycle.add_recurrence(
            package, EVERY_DAY | {"minutes_between_runs": planned.minutes}, actor=actor, now=now
        )
        own = lists.create_private(package, now=now)
        for address, scenario, repeat in planned.told:
            told = {"address": address, "scenario": scenario.code, "repeat_minutes": repeat}
            notifications.add_line(own, told, actor=actor, now=now)
        lifecycle.set_active(package, actor=actor, now=now)
        lifecycle.run_now(package, actor=actor, now=now)


def _nightly() -> PlannedPackage:
    return PlannedPackage(
        "Nightly closing",
        "Invoices the day, settles payments and prints the balances. Runs every five minutes here, so that there is "
        "something to see; a real one runs once a night.",
        OnError.FINISH,
        5,
        (
            _line(jobs.INVOICE_ORDERS, "Invoice the orders of the day", category_code="SALES"),
            _line(jobs.MATCH_PAYMENTS, "Match payments with invoices"),
            _line(jobs.RECALCULATE_BALANCES, "Recalculate balances", parameters={"pause_ms": 15}),
            _line(
                SQL_QUERY,
                "Orders not yet invoiced",
                object_type=ObjectType.REPORT,
                report_output_type=OutputType.CSV,
                parameters={"connection": "demo_shop", "query": OPEN_ORDERS},
            ),
            _line(jobs.MONTH_END, "Balances of all customers", object_type=ObjectType.REPORT),
        ),
        (
            (ACCOUNTS, scenarios.ON_SUCCESS, HALF_HOUR),
            (ACCOUNTS, scenarios.ON_ERROR, 0),
            (ON_CALL, scenarios.ON_STOP, 0),
        ),
    )


def _bank() -> PlannedPackage:
    return PlannedPackage(
        "Bank statement",
        "Stops on an error: while the bank has not delivered, nothing may be paid. Put bank/sample/statement.csv into "
        "bank/incoming and set the package active to see it recover.",
        OnError.STOP,
        10,
        (
            _line(
                jobs.IMPORT_STATEMENT,
                "Import the statement of the day",
                max_attempts=1,
                rerun_delay_seconds=3,
            ),
            _line(jobs.MATCH_PAYMENTS, "Match what came in"),
            _line(jobs.WRITE_PAYMENTS, "Pay suppliers", parameters={"most": 5}),
        ),
        ((ACCOUNTS, scenarios.ON_ERROR, 0), (ON_CALL, scenarios.ON_STOP, 0)),
    )


def _exchange() -> PlannedPackage:
    return PlannedPackage(
        "Exchange with partners",
        "Goes on after an error: one partner's missing list must not hold up the others.",
        OnError.CONTINUE,
        5,
        (
            _line(jobs.UPDATE_RATES, "Update currency rates", max_attempts=0),
            _line(
                SQL_QUERY,
                "Price list of the partner",
                object_type=ObjectType.REPORT,
                report_output_type=OutputType.CSV,
                parameters={"connection": "demo_shop", "query": PARTNER_PRICES},
                max_attempts=0,
            ),
            _line(jobs.CLEAN_UP, "Clear out old files", max_attempts=0),
        ),
        ((ACCOUNTS, scenarios.ON_ERROR, HALF_HOUR), (ON_CALL, scenarios.ON_ENTRY_ERROR, HOUR)),
    )


def _line(object_id: int, description: str, **more: Any) -> dict[str, Any]:
    return {"object_id": object_id, "description": description, **more}
