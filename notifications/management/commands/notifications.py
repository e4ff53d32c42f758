"""``manage.py notifications``: lists, the mail log and test messages from a terminal or a script."""

from argparse import ArgumentParser

from jobqueue.command_line.door import Door
from notifications.command_line import changing, parser, reading

SUBCOMMANDS = {
    "lists": reading.lists,
    "show": reading.show,
    "scenarios": reading.scenarios,
    "messages": reading.messages,
    "message": reading.message,
    "create": changing.create,
    "change": changing.change,
    "delete": changing.delete,
    "add-line": changing.add_line,
    "change-line": changing.change_line,
    "remove-line": changing.remove_line,
    "link": changing.link,
    "unlink": changing.unlink,
    "set-default": changing.set_default,
    "send-test": changing.send_test,
    "send-again": changing.send_again,
}


class Command(Door):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Shows and changes notification lists, shows messages and sends them again."
    subcommands = SUBCOMMANDS

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)
