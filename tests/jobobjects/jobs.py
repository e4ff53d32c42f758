"""Job objects of the tests, numbered from 90001: each does one thing a test needs to see."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection

from jobqueue.errors import NonRetriable
from jobqueue.objects import Run, RunFailure, Table, codeunit, report
from jobqueue.states import OutputType
from tests.jobobjects.models import Effect

SUCCESS = 90001
FAILURE = 90002
SLEEP = 90003
CRASH = 90004
COLLECTED_ERRORS = 90005
CONFIRM = 90006
MESSAGE = 90007
INACTIVITY = 90008
HOLD = 90009
ATOMIC_EFFECT = 90010
PROGRESS = 90011
NON_RETRIABLE = 90012
SYSTEM_EXIT = 90013
KEYBOARD_INTERRUPT = 90014
BROKEN_TRANSACTION = 90015
BROKEN_CONNECTION = 90016
OPEN_TRANSACTION = 90017
OWN_FAILURE_ROUTINE = 90018
PROTECTED = 90019
TYPED = 90020
ATOMIC_FAILURE = 90021
EFFECT = 90022
FAILING_FAILURE_ROUTINE = 90023
SWALLOW = 90024
SIGN_IN = 90025
LISTING = 90101
PROCESSING_ONLY = 90102
EMPTY_REPORT = 90103


class RanOutOfPaper(Exception):
    """An ordinary error of a job."""


@dataclass(frozen=True)
class SleepFor:
    seconds: Decimal = field(
        default=Decimal("0.2"), metadata={"label": "Seconds", "help": "How long the job sleeps."}
    )
    wake_file: str = field(default="", metadata={"help": "A file that ends the sleep as soon as it exists."})


@dataclass(frozen=True)
class Steps:
    steps: int = field(default=3, metadata={"label": "Steps", "help": "How many steps the job reports."})
    pause_seconds: Decimal = Decimal(0)


@dataclass(frozen=True)
class FailWith:
    text: str = "The printer ran out of paper."


@dataclass(frozen=True)
class Order:
    """One field of several types."""

    customer: str = field(metadata={"label": "Customer", "help": "Code of the customer."})
    lines: int = 1
    amount: Decimal = Decimal("0")
    urgent: bool = False


def leave_effect(run: Run, note: str) -> None:
    Effect.objects.create(entry_id=run.entry.id, note=note)


@codeunit(SUCCESS, "Succeed")
def succeed(run: Run) -> None:
    """Does nothing at all."""


@codeunit(FAILURE, "Fail", parameters=FailWith)
def fail(run: Run) -> None:
    """Raises an ordinary error."""
    raise RanOutOfPaper(run.parameters.text)


@codeunit(SLEEP, "Sleep", parameters=SleepFor)
def sleep(run: Run) -> None:
    """Sleeps in small steps, so that a soft timeout or cancel arrives at once."""
    until, wake_file = time.monotonic() + float(run.parameters.seconds), run.parameters.wake_file
    while time.monotonic() < until and not (wake_file and Path(wake_file).exists()):
        time.sleep(0.02)


@codeunit(CRASH, "Kill the worker")
def crash(run: Run) -> None:
    """Kills its own worker process."""
    os.kill(os.getpid(), signal.SIGKILL)


@codeunit(COLLECTED_ERRORS, "Collect errors")
def collect_errors(run: Run) -> None:
    """Reports three errors and goes on; the run fails at its end with all three."""
    for number in (1, 2, 3):
        run.error(f"Line {number} has no item.", record=f"sales.order:{number}")


@codeunit(CONFIRM, "Ask for confirmation")
def ask_confirmation(run: Run) -> None:
    """Asks a person who is not there."""
    if run.confirm("Delete everything?"):
        leave_effect(run, "deleted everything")


@codeunit(MESSAGE, "Show a message")
def show_message(run: Run) -> None:
    """A message is allowed: it ends up in the log."""
    run.message("Twelve orders were posted.")


@codeunit(INACTIVITY, "Find nothing to do")
def find_nothing(run: Run) -> None:
    """Asks to sleep for the inactivity period."""
    run.set_inactive()


@codeunit(HOLD, "Stop for a person")
def stop_for_person(run: Run) -> None:
    """Puts its own entry On Hold."""
    run.set_on_hold("The price list needs approval.")


@codeunit(ATOMIC_EFFECT, "Write one effect, atomically", atomic=True, timeout_seconds=5)
def write_atomic_effect(run: Run) -> None:
    """Its effect commits together with the ledger row."""
    leave_effect(run, "atomic")
    run.log("One effect was written.")


@codeunit(PROGRESS, "Report progress", parameters=Steps)
def report_progress(run: Run) -> None:
    """Writes a line and reports progress at each step."""
    for step in range(1, run.parameters.steps + 1):
        run.log(f"Step {step} is done.")
        run.progress(step, run.parameters.steps)
        time.sleep(float(run.parameters.pause_seconds))


@codeunit(NON_RETRIABLE, "Fail beyond cure")
def fail_beyond_cure(run: Run) -> None:
    """Raises an error that no further attempt can cure."""
    raise NonRetriable("The account was closed.")


@codeunit(SYSTEM_EXIT, "Leave the program")
def leave_program(run: Run) -> None:
    """Behaves like a script that ends itself."""
    sys.exit(3)


@codeunit(KEYBOARD_INTERRUPT, "Interrupt the program")
def interrupt_program(run: Run) -> None:
    """Raises what a terminal would."""
    raise KeyboardInterrupt


@codeunit(BROKEN_TRANSACTION, "Leave a broken transaction")
def leave_broken_transaction(run: Run) -> None:
    """Turns autocommit off, breaks the transaction and returns as if all were well."""
    connection.set_autocommit(False)
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM a_table_that_is_not_there")


@codeunit(BROKEN_CONNECTION, "Leave a broken connection")
def leave_broken_connection(run: Run) -> None:
    """Closes the database connection under the product's feet."""
    if connection.connection is not None:
        connection.connection.close()


@codeunit(OPEN_TRANSACTION, "Leave an open transaction")
def leave_open_transaction(run: Run) -> None:
    """Leaves work uncommitted: the product commits it."""
    connection.set_autocommit(False)
    leave_effect(run, "left open")


def tidy_up(run: Run, failure: RunFailure) -> None:
    """The failure routine of an object of its own."""
    leave_effect(run, f"tidied up after attempt {failure.attempt}")


@codeunit(OWN_FAILURE_ROUTINE, "Fail and tidy up", failure=tidy_up)
def fail_and_tidy_up(run: Run) -> None:
    """Fails; its own failure routine leaves an effect."""
    raise RanOutOfPaper("The printer ran out of paper.")


def make_it_worse(run: Run, failure: RunFailure) -> None:
    raise ZeroDivisionError("The failure routine fails, too.")


@codeunit(FAILING_FAILURE_ROUTINE, "Fail and fail again", failure=make_it_worse)
def fail_and_fail_again(run: Run) -> None:
    """Fails; its own failure routine fails as well."""
    raise RanOutOfPaper("The printer ran out of paper.")


@codeunit(PROTECTED, "Close the books", permission="auth.delete_group")
def close_books(run: Run) -> None:
    """Only for users with the permission."""
    leave_effect(run, "closed by " + (run.user.get_username() if run.user else "System"))


@dataclass(frozen=True)
class SignIn:
    password: str = ""
    rows: int = 1


@codeunit(SIGN_IN, "Sign in elsewhere", parameters=SignIn)
def sign_in(run: Run) -> None:
    """Has a parameter whose name says that it is secret."""
    leave_effect(run, f"signed in with {len(run.parameters.password)} characters")


@codeunit(TYPED, "Take an order", parameters=Order)
def take_order(run: Run) -> None:
    """Shows that typed parameters arrive."""
    leave_effect(run, f"{run.parameters.customer} x {run.parameters.lines}")


@codeunit(ATOMIC_FAILURE, "Write and fail, atomically", atomic=True, timeout_seconds=5)
def write_and_fail(run: Run) -> None:
    """Its effect goes with the failure, its log line stays."""
    leave_effect(run, "never to be seen")
    run.log("About to fail.")
    raise RanOutOfPaper("The printer ran out of paper.")


@codeunit(EFFECT, "Write one effect")
def write_effect(run: Run) -> None:
    """Writes one effect; the parameter string is its note."""
    leave_effect(run, run.parameter_string or "effect")


@codeunit(SWALLOW, "Swallow every interruption", parameters=SleepFor)
def swallow(run: Run) -> None:
    """Does not let go: neither a soft timeout nor a soft cancel ends it."""
    until, wake_file = time.monotonic() + float(run.parameters.seconds), run.parameters.wake_file
    while time.monotonic() < until and not (wake_file and Path(wake_file).exists()):
        try:
            time.sleep(0.02)
        except BaseException:
            continue


@report(LISTING, "List users", output_types=(OutputType.PDF, OutputType.CSV))
def list_users(run: Run) -> Table:
    """All users, one a row."""
    users = get_user_model().objects.order_by("pk")
    return run.table(["User"], [[user.get_username()] for user in users])


@report(PROCESSING_ONLY, "Process only", processing_only=True)
def process_only(run: Run) -> None:
    """A report that leaves no document."""
    leave_effect(run, "processed")


@report(EMPTY_REPORT, "List nothing", output_types=(OutputType.CSV, OutputType.PDF))
def list_nothing(run: Run) -> Table:
    """A report without rows."""
    return run.table(["Item", "Quantity"], [])
