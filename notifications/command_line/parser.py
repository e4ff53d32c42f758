"""The arguments of ``manage.py notifications`` and its subcommands."""

from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable
from functools import partial

from jobqueue.command_line.parser import add_acting, add_values, count
from notifications.models import Message


def add_arguments(parser: ArgumentParser) -> None:
    """Adds every subcommand; the chosen one is ``options.subcommand``."""
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    add = partial(_add, subparsers)
    _add_reading(add)
    _add_changing(add)
    _add_sending(add)


def _add_reading(add: Callable[..., ArgumentParser]) -> None:
    listing = add("lists", "List the notification lists of a company.")
    listing.add_argument("--private", action="store_true", help="Also the private lists of packages.")
    add("show", "Show one list with its lines and the entries linked to it.", list=True)
    add("scenarios", "List the scenarios a line can name.")
    messages = add("messages", "Show the messages of a company, newest first.")
    messages.add_argument(
        "--state", action="append", choices=Message.State.values, help="Only this state; may be repeated."
    )
    messages.add_argument("--about", default="", help="Only about this, written kind:reference.")
    messages.add_argument("--limit", type=count, default=50, help="At most this many; 50 unless given.")
    message = add("message", "Show one message with its words and every attempt to send it.")
    message.add_argument("message", help="Message no.")


def _add_changing(add: Callable[..., ArgumentParser]) -> None:
    create = add("create", "Create a shared list.")
    create.add_argument("name", help="Name, unique in the company.")
    add_values(create, "A field: description=… or is_enabled=off; may be repeated.")
    change = add("change", "Change a list.", list=True)
    add_values(change, "A field: name=…, description=… or is_enabled=off; may be repeated.")
    add("delete", "Delete a shared list.", list=True)
    line = add("add-line", "Add a recipient in a scenario.", list=True)
    add_values(
        line,
        "A field: user=…, address=… or target=…, scenario=…, threshold_minutes=…, repeat_minutes=…",
    )
    changing = add("change-line", "Change a line.")
    changing.add_argument("line", help="Its number, as “notifications show” prints it.")
    add_values(changing, "A field, for example repeat_minutes=60; may be repeated.")
    removing = add("remove-line", "Remove a line.")
    removing.add_argument("line", help="Its number, as “notifications show” prints it.")
    for name, help in (
        ("link", "Let a list hear of an entry."),
        ("unlink", "Take a list off an entry."),
    ):
        add(name, help, list=True).add_argument("entry", help="Entry No. or UUID.")
    default = add("set-default", "Choose the list that hears of failures nobody else is listed for.")
    default.add_argument("list", nargs="?", default="", help="Name or number; without it, there is none.")


def _add_sending(add: Callable[..., ArgumentParser]) -> None:
    add("send-test", "Send a test message to each recipient of a list.", list=True)
    again = add("send-again", "Send a message once more.")
    again.add_argument("message", help="Message no.")


def _add(
    subparsers: "_SubParsersAction[ArgumentParser]", name: str, help: str, *, list: bool = False
) -> ArgumentParser:
    parser = subparsers.add_parser(name, help=help, description=help)
    if list:
        parser.add_argument("list", help="Name or number of the list.")
    add_acting(parser)
    return parser
