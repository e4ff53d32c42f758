"""The job objects of Harbour Trading, ids 50,100 and up: examples, each a thin call of a plain function."""

from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from django.dispatch import receiver

from config.demo import bank, orders, rates, receivables, warehouse
from config.demo.cleaning import delete_old_files
from config.demo.mailing import queue_reminders
from config.demo.places import demo_places
from config.demo.shop import euros
from jobqueue.objects import Column, OutputType, Run, codeunit, report
from jobqueue.objects.csv_writer import write_csv
from jobqueue.objects.documents import CONTENT_TYPES, Document
from jobqueue.states import Anchor
from refresher.events import register_jobs
from refresher.registration import Registrar

FETCH_ORDERS, IMPORT_ORDERS, UPDATE_RATES, INVOICE_ORDERS = 50_100, 50_101, 50_102, 50_103
RECALCULATE_BALANCES, SEND_REMINDERS, STOCK_VALUATION, POST_COUNTS = 50_104, 50_105, 50_106, 50_107
IMPORT_STATEMENT, MATCH_PAYMENTS, WRITE_PAYMENTS, IMPORT_PRICES = 50_108, 50_109, 50_110, 50_111
RAISE_PRICES, CLEAN_UP, MONTH_END = 50_112, 50_113, 50_114
COMPANY = "demo"


@receiver(register_jobs)
def jobs_that_must_live(registrar: Registrar, **named: Any) -> None:
    """Registers what may not stop: a protected job, which every pass puts back as it is described here."""
    if registrar.company.code == COMPANY:
        registrar.recurring(
            CLEAN_UP,
            key="clean-up",
            description="Clean up old files",
            starting_time=time(2, 30),
            recurrence_anchor=Anchor.FIXED,
        )


@dataclass(frozen=True)
class HowMany:
    files: int = field(
        default=2, metadata={"label": "Order files", "help": "Files to fetch.", "min": 1, "max": 50}
    )


@codeunit(FETCH_ORDERS, "Fetch web orders", parameters=HowMany)
def fetch_web_orders(run: Run[HowMany]) -> None:
    """Plays the web shop: leaves order files in orders/incoming. Every twelfth has a fault, as people make them."""
    for name in orders.drop_orders(demo_places(), files=run.parameters.files, now=run.now):
        run.log(f"{name} lies in orders/incoming.")


@codeunit(IMPORT_ORDERS, "Import sales orders", category="SALES", max_attempts=2, rerun_delay_seconds=5)
def import_sales_orders(run: Run[None]) -> None:
    """Imports each order file exactly once. Malformed files go to orders/rejects, and the run says so and fails."""
    result = orders.import_orders(demo_places(), now=run.now, log=run.log)
    run.log(
        f"{result.files} files with {result.orders} orders imported, {len(result.rejected)} files rejected."
    )
    for name, reason in result.rejected.items():
        run.error(
            f"{name} was not imported: {reason}",
            additional_information=f"The file and the reason are in orders/rejects/{name}.",
        )


@codeunit(UPDATE_RATES, "Update currency rates", max_attempts=3, rerun_delay_seconds=60)
def update_currency_rates(run: Run[None]) -> None:
    """Reads the euro reference rates from rates/eurofxref-daily.xml, the layout of the European Central Bank."""
    newest, changed = rates.import_rates(demo_places())
    run.log(f"Rates up to {newest}: {changed} new or changed.")


@codeunit(INVOICE_ORDERS, "Invoice sales orders", category="SALES")
def invoice_sales_orders(run: Run[None]) -> None:
    """Invoices every order not yet invoiced and takes the goods off the stock."""
    invoices, total = receivables.invoice_orders(demo_places(), today=_today(run))
    run.log(f"{invoices} orders invoiced, {euros(total)} EUR." if invoices else "No order to invoice.")


@dataclass(frozen=True)
class Pace:
    pause_ms: int = field(
        default=60,
        metadata={
            "label": "Pause after each customer (ms)",
            "help": "Leaves the shop database to others in between.",
            "min": 0,
            "max": 5000,
        },
    )


@codeunit(RECALCULATE_BALANCES, "Recalculate customer balances", parameters=Pace, timeout_seconds=1800)
def recalculate_customer_balances(run: Run[Pace]) -> None:
    """Adds up every customer's entries anew. Long on purpose: watch its progress and log lines, or cancel it."""
    done = receivables.recalculate_balances(
        demo_places(),
        today=_today(run),
        pause_seconds=run.parameters.pause_ms / 1000,
        log=run.log,
        progress=run.progress,
    )
    run.log(f"{done} customers recalculated.")


@dataclass(frozen=True)
class Reminders:
    most: int = field(
        default=5, metadata={"label": "At most", "help": "Mails of one run.", "min": 1, "max": 200}
    )
    grace_days: int = field(
        default=14,
        metadata={"label": "Days of grace", "help": "Days after the due date.", "min": 0, "max": 365},
    )


@codeunit(SEND_REMINDERS, "Send payment reminders", parameters=Reminders)
def send_payment_reminders(run: Run[Reminders]) -> None:
    """Makes one “Send e-mail” entry for each customer with invoices overdue, at most once a week."""
    sent = queue_reminders(
        demo_places(),
        company=run.company,
        user=run.user,
        today=_today(run),
        most=run.parameters.most,
        grace_days=run.parameters.grace_days,
        log=run.log,
    )
    run.log(f"{sent} reminders handed to the job queue." if sent else "Nobody has to be reminded.")


@dataclass(frozen=True)
class Valuation:
    also_csv: bool = field(
        default=True, metadata={"label": "Also as CSV", "help": "Leaves the same figures as a CSV file too."}
    )


@report(STOCK_VALUATION, "Stock valuation", parameters=Valuation, max_attempts=3, rerun_delay_seconds=20)
def stock_valuation(run: Run[Valuation]) -> None:
    """The stock at cost, item by item. Fails while a count is open, because the stock is not final then."""
    items = warehouse.value_stock(demo_places())
    table = run.table(
        [
            "Item",
            "Description",
            "Stock",
            Column("Unit cost", decimals=2),
            Column("Value", decimals=2, total=True),
        ],
        [
            (one.no, one.description, one.stock, one.unit_cost_cents / 100, one.value_cents / 100)
            for one in items
        ],
        title="Stock valuation",
    )
    run.add_table(table)
    if run.parameters.also_csv and run.output_type != OutputType.CSV:
        content = write_csv(table, zone=run.time_zone)
        name = f"Stock valuation {_today(run)}.csv"
        run.add_document(Document(name, CONTENT_TYPES[OutputType.CSV], content, OutputType.CSV))


@codeunit(POST_COUNTS, "Post stock counts")
def post_stock_counts(run: Run[None]) -> None:
    """Posts the count sheets in warehouse/open-counts and closes them."""
    corrected = warehouse.post_counts(demo_places(), log=run.log)
    run.log(f"The stock of {corrected} items was corrected.")


@codeunit(IMPORT_STATEMENT, "Import bank statement", category="BANK", max_attempts=2, rerun_delay_seconds=5)
def import_bank_statement(run: Run[None]) -> None:
    """Reads bank/incoming/statement.csv. The bank never delivers it: copy the sample there and restart the entry."""
    run.log(f"{bank.import_statement(demo_places())} new lines on the statement.")


@codeunit(MATCH_PAYMENTS, "Match payments", category="BANK")
def match_payments(run: Run[None]) -> None:
    """Finds the invoices that the lines of the bank statement pay."""
    matched, unmatched = bank.match_payments(demo_places(), log=run.log, progress=run.progress)
    run.log(f"{matched} payments matched, {unmatched} left for a person.")


@dataclass(frozen=True)
class PaymentFile:
    most: int = field(
        default=10, metadata={"label": "At most", "help": "Payments of one file.", "min": 1, "max": 500}
    )


@codeunit(WRITE_PAYMENTS, "Write payment file", category="BANK", parameters=PaymentFile)
def write_payment_file(run: Run[PaymentFile]) -> None:
    """Writes a bank file that pays the supplier invoices due."""
    name, payments, total = bank.write_payment_file(
        demo_places(), today=_today(run), most=run.parameters.most
    )
    run.log(f"{name}: {payments} payments, {euros(total)} EUR." if name else "No supplier invoice is due.")


@codeunit(IMPORT_PRICES, "Look for new prices")
def look_for_new_prices(run: Run[None]) -> None:
    """Takes new prices from prices/incoming. Finding none it sleeps for the entry's inactivity timeout period."""
    files = warehouse.import_prices(demo_places())
    run.log(f"{files} price files taken." if files else "No new prices.")
    if not files:
        run.set_inactive()


@dataclass(frozen=True)
class Increase:
    percent: int = field(metadata={"label": "Percent", "help": "How much dearer.", "min": 1, "max": 25})


@codeunit(RAISE_PRICES, "Raise catalogue prices", parameters=Increase)
def raise_catalogue_prices(run: Run[Increase]) -> None:
    """Raises the price of every item."""
    changed = warehouse.raise_prices(demo_places(), percent=run.parameters.percent)
    run.log(f"{changed} items cost {run.parameters.percent} % more.")


@dataclass(frozen=True)
class KeepFiles:
    days: int = field(
        default=2, metadata={"label": "Days kept", "help": "Older files are deleted.", "min": 1, "max": 365}
    )


@codeunit(CLEAN_UP, "Clean up old files", parameters=KeepFiles)
def clean_up_old_files(run: Run[KeepFiles]) -> None:
    """Deletes archived and rejected files of the demo company after some days."""
    deleted, size = delete_old_files(demo_places(), now=run.now, keep_days=run.parameters.days)
    run.log(f"{deleted} files deleted, {size / 1024:,.0f} KiB.")


@report(MONTH_END, "Month-end balances")
def month_end_balances(run: Run[None]) -> object:
    """Open balances of all customers at the end of the month, from the customers' entries."""
    rows = receivables.balances(demo_places(), today=_today(run))
    return run.table(
        [
            "Customer",
            "Name",
            Column("Balance", decimals=2, total=True),
            Column("Overdue", decimals=2, total=True),
        ],
        [
            (no, name, balance / 100, overdue / 100)
            for no, name, balance, overdue in rows
            if balance or overdue
        ],
    )


def _today(run: Run[Any]) -> date:
    """Today's date in the entry's time zone."""
    return run.now.astimezone(run.time_zone).date()
