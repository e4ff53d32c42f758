"""The arguments of ``manage.py jobqueue`` and its subcommands."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from functools import partial

from jobqueue.command_line import arithmetic

# A character nobody types: with it as prefix, a formula such as -CM is an argument and not an option.
NO_PREFIX = "\x1f"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds every subcommand; the chosen one is ``options.subcommand``."""
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    add = partial(_add, subparsers)
    _add_reading(add)
    _add_changing(add)
    _add_arithmetic(add, subparsers)


def _add_reading(add: Callable[..., ArgumentParser]) -> None:
    listing = add("list", "List the entries of a company.")
    listing.add_argument(
        "--status", action="append", help="Only this status, for example ready; may be repeated."
    )
    listing.add_argument("--category", help="Only this category.")
    listing.add_argument("--object", help="Only this job object, for example “Codeunit 50100”.")
    add("show", "Show one entry with all fields.", entry=True)
    add("explain", "Tell why an entry does or does not run.", entry=True)
    preview = add("preview", "Show the next planned runs.", entry=True)
    preview.add_argument("--count", type=count, default=20, help="How many; 20 unless given.")
    log = add("log", "Show the log of an entry or of the company, newest first.")
    log.add_argument("entry", nargs="?", help="Entry No. or UUID; without it, the whole company.")
    log.add_argument("--status", action="append", help="Only this outcome, for example error.")
    log.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")
    log.add_argument("--lines", action="store_true", help="With the lines the jobs wrote (JSON).")
    history = add("history", "Show what people and programs did to an entry.", entry=True)
    history.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")
    add("status", "Show how the queue stands.")
    add("objects", "List the job objects that can be run, with their parameters.")
    add("categories", "List the categories of a company.")


def _add_changing(add: Callable[..., ArgumentParser]) -> None:
    create = add("create", "Create an entry; it starts On Hold.")
    _add_values(create)
    create.add_argument("--ready", action="store_true", help="Set it to Ready at once.")
    change = add("change", "Change fields of an entry that is On Hold.", entry=True)
    _add_values(change)
    change.add_argument("--expected-revision", type=int, help="Refuse if the entry was changed since.")
    add("set-ready", "Set an entry to Ready; you become its running user.", entry=True)
    hold = add("set-on-hold", "Set an entry On Hold; a run in process goes on.", entry=True, reason=True)
    hold.add_argument("--until", help="End of the hold, for example 2026-03-02T08:00 on the entry's clock.")
    add("restart", "Stop and start an entry anew.", entry=True)
    add("run-now", "Run an entry once more at once; its schedule stays.", entry=True)
    once = add("run-once", "Run a copy of an entry once.", entry=True)
    once.add_argument("--parameters", help="Parameters of the copy as a JSON object.")
    once.add_argument("--parameter-string", help="Parameter string of the copy.")
    add("cancel", "End the run in process.", entry=True, reason=True)
    add("copy", "Copy an entry.", entry=True)
    add("delete", "Delete an entry; its log remains.", entry=True, reason=True)
    priority = add("set-priority", "Set the priority within the category.", entry=True)
    priority.add_argument("priority", choices=["high", "normal", "low"])
    failed = add("remove-failed", "Delete one-off entries in Error.")
    failed.add_argument("--own", action="store_true", help="Only those that ran as you.")
    add("check-stale", "Set entries and runs to Error that were lost without a trace.")
    mark = add("mark-error", "Set a lost run to Error.")
    mark.add_argument("log_entry", help="Log entry No. or UUID.")
    purge = add("delete-log", "Delete log entries, never those in process.")
    purge.add_argument("--older-than-days", type=count, help="Keep what ended later than that.")
    adopt = add(
        "adopt", "Make a copied or restored database this installation's own; its schedules stay held."
    )
    adopt.add_argument(
        "--keep-ready", action="store_true", help="Leave every entry as it is: its jobs start again at once."
    )


def _add_arithmetic(
    add: Callable[..., ArgumentParser], subparsers: "_SubParsersAction[ArgumentParser]"
) -> None:
    next_run = subparsers.add_parser(
        "next-run", help="Answer each JSON object on standard input with its next run; needs no database."
    )
    next_run.add_argument("--json", action="store_true", help="The answers are JSON in any case.")
    doctor = subparsers.add_parser(
        "doctor", help="Check the installation from database to mail; exit status 1 on a failure."
    )
    doctor.add_argument("--json", action="store_true", help="Answer in JSON.")
    formula = subparsers.add_parser(
        "date-formula",
        help="Apply a date formula to a date; needs no database.",
        prefix_chars=NO_PREFIX,
        add_help=False,
    )
    formula.add_argument("words", nargs="*", metavar="FORMULA DATE", help=arithmetic.DATE_FORMULA_USAGE)


def _add(
    subparsers: "_SubParsersAction[ArgumentParser]",
    name: str,
    help: str,
    *,
    entry: bool = False,
    reason: bool = False,
) -> ArgumentParser:
    parser = subparsers.add_parser(name, help=help, description=help)
    if entry:
        parser.add_argument("entry", help="Entry No. or UUID.")
    if reason:
        parser.add_argument("--reason", default="", help="Why; kept in the history.")
    add_acting(parser)
    return parser


def add_acting(parser: ArgumentParser) -> None:
    """The options of every subcommand that works on a company: how to answer, where, and in whose name."""
    parser.add_argument("--json", action="store_true", help="Answer in JSON.")
    parser.add_argument("--company", help="Code of the company; the default company unless given.")
    parser.add_argument("--as", dest="acting_user", metavar="USER", help="Act as this user.")


def add_values(parser: ArgumentParser, words: str) -> None:
    """The option that sets a field, as ``assignments`` reads it; ``words`` is its help."""
    parser.add_argument("--set", dest="assignments", action="append", metavar="FIELD=VALUE", help=words)


def _add_values(parser: ArgumentParser) -> None:
    parser.add_argument("--object", help="The job object, for example “Codeunit 50100”.")
    add_values(
        parser,
        "A field of the entry, for example minutes_between_runs=15 or weekdays=mon,tue; may be repeated.",
    )


def count(text: str) -> int:
    """A number of rows, as an argument type."""
    number = int(text)
    if not 0 <= number <= 100_000:
        raise ValueError("out of range")
    return number
