"""``manage.py packages``: operate job queue packages from a terminal or a script."""

from argparse import ArgumentParser

from jobqueue.command_line.door import Door
from packages.command_line import changing, parser, reading

SUBCOMMANDS = {
    "list": reading.list_packages,
    "show": reading.show,
    "explain": reading.explain,
    "check": reading.check,
    "preview": reading.preview,
    "log": reading.log,
    "run": reading.show_run,
    "history": reading.history,
    "set-active": changing.set_active,
    "set-on-hold": changing.set_on_hold,
    "run-now": changing.run_now,
    "resume": changing.resume,
    "cancel": changing.cancel,
    "create": changing.create,
    "change": changing.change,
    "copy": changing.copy,
    "delete": changing.delete,
    "add-line": changing.add_line,
    "change-line": changing.change_line,
    "remove-line": changing.remove_line,
    "add-recurrence": changing.add_recurrence,
    "change-recurrence": changing.change_recurrence,
    "remove-recurrence": changing.remove_recurrence,
}


class Command(Door):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Lists, creates, activates and runs job queue packages."
    subcommands = SUBCOMMANDS

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)
