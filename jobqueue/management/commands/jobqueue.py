"""``manage.py jobqueue``: operate the job queue from a terminal or a script."""

from argparse import ArgumentParser

from jobqueue.command_line import arithmetic, changing, examining, parser, reading
from jobqueue.command_line.door import Door

WITHOUT_DATABASE = {
    "next-run": arithmetic.next_run,
    "date-formula": arithmetic.date_formula,
    "doctor": examining.examine,
}

SUBCOMMANDS = {
    "list": reading.list_entries,
    "show": reading.show,
    "explain": reading.explain,
    "preview": reading.preview,
    "log": reading.log,
    "history": reading.history,
    "status": reading.status,
    "objects": reading.objects,
    "categories": reading.categories,
    "create": changing.create,
    "change": changing.change,
    "set-ready": changing.set_ready,
    "set-on-hold": changing.set_on_hold,
    "restart": changing.restart,
    "run-now": changing.run_now,
    "run-once": changing.run_once,
    "cancel": changing.cancel,
    "copy": changing.copy,
    "delete": changing.delete,
    "set-priority": changing.set_priority,
    "remove-failed": changing.remove_failed,
    "check-stale": changing.check_stale,
    "mark-error": changing.mark_error,
    "delete-log": changing.delete_log,
    "adopt": examining.adopt,
}


class Command(Door):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Lists, explains, creates and operates job queue entries."
    subcommands = SUBCOMMANDS
    without_database = WITHOUT_DATABASE

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)
