"""``manage.py jobqueue``: operate the job queue from a terminal or a script."""

import json
import logging
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from jobqueue.command_line import arithmetic, changing, examining, parser, reading
from jobqueue.command_line.acting import actor_of
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.schedule import ScheduleError

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


class Command(BaseCommand):
    """Answers in words or JSON; a refusal is one sentence on standard error and exit status 1."""

    help = "Lists, explains, creates and operates job queue entries."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """From a terminal, standard error belongs to the answer: log lines below a warning are left out."""
        for handler in logging.getLogger().handlers:
            handler.setLevel(max(handler.level, logging.WARNING))
        super().run_from_argv(argv)

    def add_arguments(self, argument_parser: ArgumentParser) -> None:
        parser.add_arguments(argument_parser)

    def handle(self, *args: Any, **named: Any) -> None:
        options = Namespace(**named)
        if options.subcommand in WITHOUT_DATABASE:
            answer = WITHOUT_DATABASE[options.subcommand]
            self._leave(answer(options, stdin=sys.stdin, stdout=self.stdout, stderr=self.stderr))
            return
        try:
            found, words = SUBCOMMANDS[options.subcommand](options, actor_of(options))
        except (JobQueueError, ScheduleError) as refusal:
            self._refuse(refusal.code, _sentence(refusal), refusal, options)
        except DatabaseError as error:
            words = " ".join(str(error).split()).rstrip(".?")
            sentence = f"The database cannot be used: {words}. Check DATABASE_URL and run “migrate”."
            self._refuse("database", sentence, error, options)
        else:
            self.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) if options.json else words)

    def _refuse(self, code: str, sentence: str, error: Exception, options: Namespace) -> None:
        if options.json:
            body: dict[str, Any] = {"code": code, "message": sentence}
            if isinstance(error, Invalid):
                body["problems"] = [
                    {"field": one.field, "code": one.code, "message": one.message} for one in error.problems
                ]
            self.stdout.write(json.dumps({"error": body}, ensure_ascii=False))
        self.stderr.write(sentence)
        self._leave(1)

    def _leave(self, status: int) -> None:
        if status:
            sys.exit(status)


def _sentence(refusal: Exception) -> str:
    return str(getattr(refusal, "message", None) or refusal)
