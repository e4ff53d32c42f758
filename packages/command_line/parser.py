"""The arguments of ``manage.py packages`` and its subcommands."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from functools import partial

from jobqueue.command_line.parser import add_acting, add_values, count
from packages.states import OnError


def add_arguments(parser: ArgumentParser) -> None:
    """Adds every subcommand; the chosen one is ``options.subcommand``."""
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    add = partial(_add, subparsers)
    _add_reading(add)
    _add_running(add)
    _add_editing(add)


def _add_reading(add: Callable[..., ArgumentParser]) -> None:
    listing = add("list", "List the packages of a company.")
    listing.add_argument(
        "--status", action="append", help="Only this status, for example active; may be repeated."
    )
    listing.add_argument("--running", action="store_true", help="Only packages with an open run.")
    add("show", "Show one package with its lines and recurrences.", package=True)
    add("explain", "Tell why a package does or does not run.", package=True)
    add("check", "Tell what keeps a package from being set active.", package=True)
    preview = add("preview", "Show the next due times.", package=True)
    preview.add_argument("--count", type=count, default=20, help="How many; 20 unless given.")
    log = add("log", "Show the runs of a package or of the company, newest first.")
    log.add_argument("package", nargs="?", help="Name, number or UUID; without it, the whole company.")
    log.add_argument("--outcome", action="append", help="Only this outcome, for example error.")
    log.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")
    log.add_argument("--lines", action="store_true", help="With the lines of the runs (JSON).")
    run = add("run", "Show one run with its lines.")
    run.add_argument("run", help="Run no. or UUID.")
    history = add("history", "Show who changed the status of a package.", package=True)
    history.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")


def _add_running(add: Callable[..., ArgumentParser]) -> None:
    add("set-active", "Switch the schedule of a package on.", package=True)
    add(
        "set-on-hold",
        "Switch the schedule off; an entry that is running finishes.",
        package=True,
        reason=True,
    )
    now = add("run-now", "Run a package at once; its schedule stays.", package=True)
    lines = now.add_mutually_exclusive_group()
    lines.add_argument("--from-line", type=int, metavar="ORDER", help="Begin with this run order.")
    lines.add_argument("--only-line", type=int, metavar="ORDER", help="Run only this run order.")
    resume = add(
        "resume", "Go on with a failed or stopped run at its first line without success.", package=True
    )
    resume.add_argument("--run", default="", help="Run no.; the last run unless given.")
    add("cancel", "Ask the open run to stop.", package=True, reason=True)


def _add_editing(add: Callable[..., ArgumentParser]) -> None:
    create = add("create", "Create a package; it starts On Hold.")
    create.add_argument("name", help="Name, unique in the company.")
    add_values(
        create, "A field, for example on_error=continue or time_zone=Europe/Amsterdam; may be repeated."
    )
    change = add("change", "Change fields of a package that is neither Active nor running.", package=True)
    add_values(change, "A field, for example on_error=finish; may be repeated.")
    change.add_argument("--expected-revision", type=int, help="Refuse if the package was changed since.")
    copying = add("copy", "Copy a package; the copy is On Hold.", package=True)
    copying.add_argument("--name", default="", help="Name of the copy.")
    add("delete", "Delete a package; its log stays.", package=True, reason=True)
    line = add("add-line", "Add a line with a new entry or a copy of an existing one.", package=True)
    line.add_argument("--object", help="The job object, for example “Codeunit 50100”.")
    line.add_argument("--entry", default="", help="Entry No. or UUID of the entry to copy.")
    line.add_argument("--run-order", type=int, help="The highest one + 10 unless given.")
    line.add_argument("--disabled", action="store_true", help="Leave the line out of runs.")
    line.add_argument("--always", action="store_true", help="Run it last, also after an error.")
    line.add_argument(
        "--on-error", choices=OnError.values, help="On Error of this line; as the package unless given."
    )
    add_values(line, "A field of the entry, for example max_attempts=2; may be repeated.")
    changing = add("change-line", "Change a line or its entry.", package=True)
    changing.add_argument("line", type=int, help="Run order of the line.")
    changing.add_argument("--object", help="Another job object.")
    add_values(changing, "A field of line or entry, for example run_order=30; may be repeated.")
    removing = add("remove-line", "Remove a line and delete its entry.", package=True)
    removing.add_argument("line", type=int, help="Run order of the line.")
    recurrence = add("add-recurrence", "Add a recurrence.", package=True)
    add_values(recurrence, "A field, for example weekdays=mon-fri or starting_time=22:00; may be repeated.")
    altering = add("change-recurrence", "Change a recurrence.", package=True)
    altering.add_argument("recurrence", type=int, help="Its number, as “packages show” prints it.")
    add_values(altering, "A field, for example enabled=false; may be repeated.")
    dropping = add("remove-recurrence", "Remove a recurrence.", package=True)
    dropping.add_argument("recurrence", type=int, help="Its number, as “packages show” prints it.")


def _add(
    subparsers: "_SubParsersAction[ArgumentParser]",
    name: str,
    help: str,
    *,
    package: bool = False,
    reason: bool = False,
) -> ArgumentParser:
    parser = subparsers.add_parser(name, help=help, description=help)
    if package:
        parser.add_argument("package", help="Name, number or UUID of the package.")
    if reason:
        parser.add_argument("--reason", default="", help="Why; kept in the log.")
    add_acting(parser)
    return parser
