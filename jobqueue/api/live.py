"""What can be watched live: a run with its lines, an entry, and the queue of a company at a glance."""

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from jobqueue.api import streams, waiting
from jobqueue.api.entries import NAMED as NAMED_ENTRY
from jobqueue.api.entries import EntryDoor, entries_shown
from jobqueue.api.entry_rows import EntrySerializer
from jobqueue.api.log_entries import MOST_LINES, LogDoor
from jobqueue.api.log_entries import NAMED as NAMED_ROW
from jobqueue.api.log_rows import LogEntrySerializer, LogLineSerializer
from jobqueue.api.overview import queue_status
from jobqueue.api.streams import ANSWER, LAST_EVENT, Event, Stream
from jobqueue.api.views import CompanyApiView
from jobqueue.models import Company, LogEntry, LogLine
from jobqueue.states import LogStatus

GONE = "gone"
WORDS = (
    "It needs an ASGI server; where there is none the answer is 406 with the code “events_need_asgi” and names the "
    "address to poll instead."
)


class RunWatch:
    """A run: ``status`` with its progress whenever that changes, and ``line`` for every line, keyed by its id."""

    def __init__(self, row: LogEntry, *, after: int) -> None:
        self.row, self.after = row.pk, after
        self.seen: Any = None
        self.ended = ""

    def look(self) -> Iterator[Event]:
        found = LogEntry.objects.filter(pk=self.row)
        # The row first: lines are committed before, or together with, the end of their run.
        state = found.values_list("status", "progress_done", "progress_total").first()
        if state is None:
            self.ended = GONE
            return
        lines = list(
            LogLine.objects.filter(log_entry=self.row, id__gt=self.after).order_by("id")[:MOST_LINES]
        )
        for line in lines:
            self.after = line.pk
            yield Event("line", LogLineSerializer(line).data, key=str(line.pk))
        if state != self.seen:
            self.seen = state
            status, done, total = state
            yield Event(
                "status",
                {"status": LogStatus(status).label, "progress_done": done, "progress_total": total},
            )
        if state[0] != LogStatus.IN_PROCESS and len(lines) < MOST_LINES:
            self.ended = LogStatus(state[0]).label


class EntryWatch:
    """An entry: ``entry`` with its latest run whenever either changes."""

    def __init__(self, company: Company, entry_id: UUID) -> None:
        self.company, self.entry_id = company, entry_id
        self.tag: str | None = None
        self.ended = ""

    def look(self) -> Iterator[Event]:
        tag = waiting.tag_of(self.company, self.entry_id)
        if tag == self.tag:
            return
        self.tag = tag
        entry = entries_shown(self.company).filter(id=self.entry_id).first()
        rows = LogEntry.objects.filter(company=self.company, entry_id=self.entry_id)
        row = rows.select_related("company", "user", "ended_by").order_by("-entry_no").first()
        body = {
            "entry": None if entry is None else EntrySerializer(entry).data,
            "log_entry": None if row is None else LogEntrySerializer(row).data,
        }
        yield Event("entry", body)
        if entry is None:
            self.ended = GONE


class QueueWatch:
    """The queue of a company: ``status`` whenever a count changes. All streams of a company share one look a second."""

    _shared: dict[UUID, tuple[float, Any]] = {}
    _lock = threading.Lock()

    def __init__(self, company: Company) -> None:
        self.company = company
        self.seen: Any = None
        self.ended = ""

    def look(self) -> Iterable[Event]:
        with self._lock:
            at, body = self._shared.get(self.company.pk, (0.0, None))
            if time.monotonic() - at >= streams.LOOK_EVERY_SECONDS * 0.9:
                body = queue_status(self.company)
                self._shared[self.company.pk] = (time.monotonic(), body)
        if body == self.seen:
            return []
        self.seen = body
        return [Event("status", body)]


class RunEvents(Stream, LogDoor):
    @extend_schema(
        operation_id="log_entries_events",
        summary="The lines a job writes, as server-sent events",
        description=f"Events “line” (with the line's id) and “status”; “end” when the run has ended. {WORDS}",
        parameters=[NAMED_ROW, LAST_EVENT],
        responses=ANSWER,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        row = self.found()
        named = {"company": self.company.code, "log_entry": row.pk}
        watch = RunWatch(row, after=self.last_key())
        return self.stream(watch, polled_at=reverse("v1:log-lines", kwargs=named))


class EntryEvents(Stream, EntryDoor):
    @extend_schema(
        operation_id="entries_events",
        summary="An entry and its latest run, as server-sent events",
        description=f"An event “entry” whenever either changes; “end” when the entry is gone. {WORDS}",
        parameters=[NAMED_ENTRY, LAST_EVENT],
        responses=ANSWER,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        entry = self.found()
        named = {"company": self.company.code, "entry": entry.pk}
        return self.stream(
            EntryWatch(self.company, entry.id), polled_at=reverse("v1:entries-one", kwargs=named)
        )


class QueueEvents(Stream, CompanyApiView):
    @extend_schema(
        operation_id="status_events",
        summary="The queue at a glance, as server-sent events",
        description=f"An event “status” whenever a count changes. {WORDS}",
        parameters=[LAST_EVENT],
        responses=ANSWER,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        named = {"company": self.company.code}
        return self.stream(QueueWatch(self.company), polled_at=reverse("v1:status", kwargs=named))
