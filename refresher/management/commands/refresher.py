"""``manage.py refresher``: set up and operate the job queue refresher from a terminal or a script."""

from argparse import ArgumentParser

from jobqueue.command_line.door import Door
from refresher.command_line import parser, subcommands, worker_file

SUBCOMMANDS = {
    "setup": subcommands.setup,
    "runners": subcommands.list_runners,
    "worker-configuration": worker_file.write,
    "distribute": subcommands.distribute,
    "jobs": subcommands.jobs,
    "show": subcommands.show,
    "monitor": subcommands.monitor,
    "change": subcommands.change,
    "delete": subcommands.delete,
    "recreate": subcommands.recreate,
    "refresh": subcommands.refresh,
    "simulate": subcommands.simulate,
    "log": subcommands.log,
}


class Command(Door):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Monitors jobs, refreshes them, and looks after runner users."
    subcommands = SUBCOMMANDS

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)
