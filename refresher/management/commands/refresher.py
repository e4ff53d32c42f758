"""``manage.py refresher``: set up and operate the job queue refresher from a terminal or a script."""

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from django.db import DatabaseError

from jobqueue.command_line.acting import actor_of
from jobqueue.errors import JobQueueError
from jobqueue.management.commands.jobqueue import Command as JobQueueCommand
from jobqueue.schedule import ScheduleError
from refresher.command_line import parser, subcommands

SUBCOMMANDS = {
    "setup": subcommands.setup,
    "runners": subcommands.list_runners,
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


class Command(JobQueueCommand):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Monitors jobs, refreshes them, and looks after runner users."

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)

    def handle(self, *args: Any, **named: Any) -> None:
        options = Namespace(**named)
        try:
            found, words = SUBCOMMANDS[options.subcommand](options, actor_of(options))
        except (JobQueueError, ScheduleError) as refusal:
            self._refuse(refusal.code, refusal.message, refusal, options)
        except DatabaseError as error:
            sentence = f"The database cannot be used: {' '.join(str(error).split()).rstrip('.?')}."
            self._refuse("database", f"{sentence} Check DATABASE_URL and run “migrate”.", error, options)
        else:
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) if options.json else words)
