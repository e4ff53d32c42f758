"""Enqueue: create an entry, release it, and wait for the end of its run, all in one call that may be repeated."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import idempotency
from jobqueue.api import waiting
from jobqueue.api.conditions import not_modified, polled
from jobqueue.api.entries import EntryDoor, entries_shown
from jobqueue.api.entry_rows import EntrySerializer, EntryWrite
from jobqueue.api.log_rows import LogEntrySerializer
from jobqueue.api.parameters import with_secrets_kept
from jobqueue.api.words import WordField
from jobqueue.models import Company, Entry, LogEntry
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    description=f"“wait=n”: answer as soon as the run has ended, after n seconds at the latest (at most "
    f"{waiting.LONGEST_SECONDS}). Without it the answer comes at once.",
    examples=[OpenApiExample("Wait ten seconds", "wait=10")],
)
KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST_KEY, "pattern": r"^[\x21-\x7E]+$"},
    OpenApiParameter.HEADER,
    description="Your own name of this call, such as a UUID. Repeated within 24 hours with the same body, the call "
    "starts nothing and gives the same answer (header Idempotency-Replayed: true); with another body it is refused.",
)


class RunState(serializers.Serializer):
    finished = serializers.BooleanField(help_text="Whether the run, retries included, has ended.")
    status = WordField(LogStatus, allow_null=True, help_text="How it ended; null before.")
    message = serializers.CharField(allow_blank=True, help_text="The error or reason, if it did not succeed.")
    entry_id = serializers.UUIDField(help_text="Id of the job queue entry, good also after it is gone.")
    status_url = serializers.URLField(help_text="Where to ask again.")
    entry = EntrySerializer(
        allow_null=True, help_text="Null once it is gone, as one-off entries after success."
    )
    log_entry = LogEntrySerializer(allow_null=True, help_text="Its latest run; null before the first.")


class Enqueue(EntryDoor):
    levels = {"create": "schedule"}

    @extend_schema(
        operation_id="enqueue",
        summary="Create an entry and run it",
        description="Creates the entry and sets it Ready in one step: a refusal leaves nothing behind. 200 if the run "
        "has ended, however it ended (see status); else 202 with a link to ask again. For a recurring entry it is the "
        "first run that counts.",
        request=EntryWrite,
        parameters=[PREFER, KEY],
        responses={
            200: RunState,
            202: RunState,
            422: OpenApiResponse(
                description="The key was used with another body (code idempotency_key_reused)."
            ),
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        seconds = waiting.preferred(request)
        key = idempotency.key_of(request.headers.get("Idempotency-Key"))
        values = with_secrets_kept(self.read(EntryWrite))
        call = idempotency.enqueue_once(
            self.company, values, key=key, body=request.data, actor=self.actor, now=database_now()
        )
        if call.answer is not None:
            return self._answer(*call.answer, seconds=seconds, replayed=True)
        if seconds:
            waiting.until_ended(call.entry_id, seconds=seconds)
        state = state_of(self.company, call.entry_id, request)
        status = 200 if state["finished"] else 202
        body = RunState(state, context=self.get_serializer_context()).data
        status, body = idempotency.remember(call, status=status, body=body)
        return self._answer(status, body, seconds=seconds, replayed=call.is_repeated)

    @staticmethod
    def _answer(status: int, body: Any, *, seconds: int, replayed: bool) -> Response:
        response = Response(body, status=status)
        if status == 202:
            response["Location"] = body["status_url"]
            response["Retry-After"] = "1"
        if seconds:
            response["Preference-Applied"] = f"wait={seconds}"
        if replayed:
            response["Idempotency-Replayed"] = "true"
        return response


class Enqueued(EntryDoor):
    @extend_schema(
        operation_id="enqueue_status",
        summary="How an enqueued run stands",
        description="Good for every entry, also after it is gone. Ask with If-None-Match: 304 while nothing happened.",
        responses=RunState,
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        entry_id: UUID = self.kwargs["entry_id"]
        tag = waiting.tag_of(self.company, entry_id)
        if tag is None:
            raise Http404(f"There is no run of an entry {entry_id} in {self.company.code}.")
        unchanged = not_modified(request, tag)
        if unchanged is not None:
            return unchanged
        state = state_of(self.company, entry_id, request)
        return polled(Response(RunState(state, context=self.get_serializer_context()).data), tag)


def state_of(company: Company, entry_id: UUID, request: Request) -> dict[str, Any]:
    """The state of the entry's run as :class:`RunState` shows it."""
    entry: Entry | None = entries_shown(company).filter(id=entry_id).first()
    rows = LogEntry.objects.filter(company=company, entry_id=entry_id).select_related("user", "ended_by")
    final = rows.filter(is_final=True).order_by("entry_no").first()
    row = final or rows.order_by("-entry_no").first()
    address = reverse("v1:enqueued", kwargs={"company": company.code, "entry_id": entry_id})
    return {
        "finished": final is not None,
        "status": final.status if final is not None else None,
        "message": (final.error_message or final.reason) if final is not None else "",
        "entry_id": entry_id,
        "status_url": request.build_absolute_uri(address),
        "entry": entry,
        "log_entry": row,
    }
