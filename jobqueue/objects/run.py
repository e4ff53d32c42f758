"""The run: what a job object gets to see of its entry, and how it reports while it works."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, NoReturn, TypeVar
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import models

from jobqueue.errors import CallbackNotAllowed, Refused
from jobqueue.models import Company
from jobqueue.objects.csv_writer import write_csv
from jobqueue.objects.documents import CONTENT_TYPES, EXTENSIONS, Document
from jobqueue.objects.entry_view import EntryView
from jobqueue.objects.errors import CollectedErrors, RunMessage
from jobqueue.objects.records import find_record, record_reference
from jobqueue.objects.sink import LINE_LENGTH, RunSink
from jobqueue.objects.tables import Column, Table, make_table
from jobqueue.states import Level, OutputType, Status

P = TypeVar("P")


class Run(Generic[P]):
    """One execution of a job object. There is no user interface: questions raise ``CallbackNotAllowed``.

    ``parameters`` are typed; ``now`` is the start of the run (aware UTC). After the run ``requested_status`` (None, *On
    Hold with Inactivity Timeout* or *On Hold*) and ``hold_reason`` say what the job asked for, ``messages`` what it
    collected.
    """

    gui_allowed = False
    """Always False: jobs run in background sessions (*Job queue reference, No-UI rule*)."""

    def __init__(
        self,
        *,
        entry: EntryView,
        parameters: P,
        sink: RunSink,
        now: datetime,
        caption: str = "",
        check_cancelled: Callable[[], None] | None = None,
    ) -> None:
        self.entry = entry
        self.parameters = parameters
        self.sink = sink
        self.now = now
        self.caption = caption or entry.description
        self.messages: list[RunMessage] = []
        self.document_count = 0
        self.requested_status: Status | None = None
        self.hold_reason = ""
        self._check_cancelled = check_cancelled

    # --- what the run knows

    @property
    def parameter_string(self) -> str:
        """The entry's free text of at most 250 characters."""
        return self.entry.parameter_string

    @cached_property
    def time_zone(self) -> ZoneInfo:
        """The entry's zone; read times of day and dates in it."""
        return ZoneInfo(self.entry.time_zone)

    @cached_property
    def user(self) -> Any:
        """The running user; None for the System identity."""
        return (
            None
            if self.entry.user_id is None
            else get_user_model()._default_manager.get(pk=self.entry.user_id)
        )

    @cached_property
    def company(self) -> Company:
        return Company.objects.get(pk=self.entry.company_id)

    @cached_property
    def record(self) -> models.Model | None:
        """The record to process; None if the entry names none. Raises ``NotFound`` if it is gone."""
        return find_record(self.entry.record_to_process)

    @property
    def output_type(self) -> OutputType:
        """The kind of document a report is asked for."""
        return OutputType(self.entry.report_output_type)

    # --- telling while it works

    def log(self, text: object, *, level: Level = Level.INFORMATION) -> None:
        """Writes a line of the run's log; more than 2,048 characters are cut."""
        line = str(text)
        self.sink.line(level, line if len(line) <= LINE_LENGTH else f"{line[: LINE_LENGTH - 1]}…")

    def progress(self, done: int, total: int | None = None) -> None:
        """Shows how far the run is, and gives a requested cancel the chance to end it here."""
        self.check_cancelled()
        self.sink.progress(int(done), None if total is None else int(total))

    def check_cancelled(self) -> None:
        """Ends the run here if its cancel was requested: call it where stopping leaves nothing half-done."""
        if self._check_cancelled is not None:
            self._check_cancelled()

    # --- errors that do not stop the run

    def error(
        self,
        message: str,
        *,
        record: models.Model | str | None = None,
        field_name: str = "",
        additional_information: str = "",
        support_url: str = "",
    ) -> None:
        """Collects an error and goes on. The run will fail with all collected errors, at the latest at its end.

        ``record`` and ``field_name`` say what is wrong. To stop at once, raise an exception instead.
        Source: *Job queue reference, Error message register*.
        """
        self._collect(Level.ERROR, message, record, field_name, additional_information, support_url)

    def warning(
        self, message: str, *, record: models.Model | str | None = None, field_name: str = ""
    ) -> None:
        """Collects a warning: a log line, and part of the error messages if the run fails. It does not fail the run."""
        self._collect(Level.WARNING, message, record, field_name, "", "")

    def finish(self) -> None:
        """Fails the run with all collected errors, if there are any. Also called after the function returned."""
        if any(item.level == Level.ERROR for item in self.messages):
            raise CollectedErrors(self.messages)

    def _collect(
        self,
        level: Level,
        message: str,
        record: models.Model | str | None,
        field_name: str,
        more: str,
        url: str,
    ) -> None:
        collected = RunMessage(
            level=level,
            message=str(message)[:LINE_LENGTH],
            record=record_reference(record),
            field_name=field_name[:100],
            additional_information=more[:250],
            support_url=url[:250],
        )
        self.messages.append(collected)
        self.log(message, level=level)

    # --- what happens to the entry after a success

    def set_inactive(self) -> None:
        """Found nothing to do: a recurring entry sleeps for its inactivity timeout period; a one-off ignores it."""
        self.requested_status = Status.INACTIVITY

    def set_on_hold(self, reason: str) -> None:
        """Puts the entry On Hold after this run, with the reason people will read."""
        self.requested_status = Status.ON_HOLD
        self.hold_reason = str(reason)[:250]

    # --- documents of reports

    def table(
        self, columns: Sequence[Column | str], rows: Any, *, title: str = "", notes: Sequence[str] = ()
    ) -> Table:
        """A table with the run's description as its title unless another is given; return it from a report."""
        return make_table(columns, rows, title=title or self.entry.description or self.caption, notes=notes)

    def add_table(self, table: Table, *, file_name: str = "") -> None:
        """Writes the table as a document of the entry's output type into the report inbox; nothing for *None*."""
        kind = self.output_type
        if kind == OutputType.NONE:
            return
        if kind not in CONTENT_TYPES:
            raise Refused(f"Tables cannot be written as {kind.label}. Choose PDF or CSV.", code="output_type")
        if kind == OutputType.CSV:
            content = write_csv(table, zone=self.time_zone)
        else:
            # A quarter of every program's start, if it were imported above; and few write PDF.
            from jobqueue.objects.pdf_writer import write_pdf

            content = write_pdf(table, zone=self.time_zone, made_at=self.now, subtitle=self._subtitle())
        name = file_name or f"{table.title} {self.now.astimezone(self.time_zone):%Y-%m-%d}"
        name = name if name.lower().endswith(EXTENSIONS[kind]) else name + EXTENSIONS[kind]
        self.add_document(Document(name, CONTENT_TYPES[kind], content, kind))

    def add_document(self, document: Document) -> None:
        """Leaves a finished document in the running user's report inbox."""
        if not isinstance(document, Document):
            raise TypeError(
                f"{self.caption} returned {type(document).__name__}; a report leaves Tables and Documents."
            )
        self.document_count += 1
        self.sink.document(document)

    def _subtitle(self) -> str:
        return self.company.name if self.entry.company_id is not None else ""

    # --- questions nobody can answer

    def message(self, text: object) -> None:
        """Shows nothing: nobody is there. The text becomes a log line (*Job queue reference, No-UI rule*)."""
        self.log(text)

    def confirm(self, question: str) -> NoReturn:
        """Raises ``CallbackNotAllowed``."""
        self._refuse_question(question)

    def prompt(self, question: str) -> NoReturn:
        """Raises ``CallbackNotAllowed``."""
        self._refuse_question(question)

    def ask_choice(self, question: str, choices: Sequence[str]) -> NoReturn:
        """Raises ``CallbackNotAllowed``."""
        self._refuse_question(f"{question} ({', '.join(choices)})")

    def _refuse_question(self, question: str) -> NoReturn:
        raise CallbackNotAllowed(
            f"“{self.caption}” asked: “{question}” A job runs in the background, where nobody can answer. "
            "Make the answer a parameter of the job, or ask only where run.gui_allowed is true."
        )
