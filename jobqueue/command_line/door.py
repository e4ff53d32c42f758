"""What the commands with subcommands share: one verb a call, words or JSON, a refusal as one sentence and status 1."""

import json
import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from jobqueue import audit
from jobqueue.actors import Actor
from jobqueue.command_line.acting import actor_of
from jobqueue.errors import Invalid, JobQueueError
from jobqueue.schedule import ScheduleError

Subcommand = Callable[[Namespace, Actor], tuple[Any, str]]


class Door(BaseCommand):
    """A command of subcommands. ``without_database`` answer without an acting user."""

    requires_system_checks: list[str] = []
    subcommands: Mapping[str, Subcommand] = {}
    without_database: Mapping[str, Callable[..., int]] = {}

    def run_from_argv(self, argv: list[str]) -> None:
        """From a terminal, standard error belongs to the answer: log lines below a warning are left out."""
        for handler in logging.getLogger().handlers:
            handler.setLevel(max(handler.level, logging.WARNING))
        super().run_from_argv(argv)

    def handle(self, *args: Any, **named: Any) -> None:
        options = Namespace(**named)
        if options.subcommand in self.without_database:
            answer = self.without_database[options.subcommand]
            self._leave(answer(options, stdin=sys.stdin, stdout=self.stdout, stderr=self.stderr))
            return
        try:
            actor = actor_of(options)
            with audit.acting(actor):
                found, words = self.subcommands[options.subcommand](options, actor)
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
            body: dict[str, Any] = {"code": code, "message": sentence, **details_of(error)}
            self.stdout.write(json.dumps({"error": body}, ensure_ascii=False))
        self.stderr.write(sentence)
        self._leave(1)

    def _leave(self, status: int) -> None:
        if status:
            sys.exit(status)


def details_of(error: Exception) -> dict[str, Any]:
    """Everything a refusal names one by one: problems of the input by field, findings of a package by line."""
    if isinstance(error, Invalid):
        problems = [{"field": one.field, "code": one.code, "message": one.message} for one in error.problems]
        return {"problems": problems}
    findings = getattr(error, "findings", None)
    if not findings:
        return {}
    return {"findings": [{"line": one.line, "code": one.code, "message": one.message} for one in findings]}


def _sentence(refusal: Exception) -> str:
    return str(getattr(refusal, "message", None) or refusal)
