"""The verbs of an entry, one by one and for many at once: POST sub-resources in the words of the screens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.api.entries import IF_MATCH, NAMED, EntryDoor, entry_lookup
from jobqueue.api.entry_rows import EntrySerializer, MomentField
from jobqueue.api.parameters import with_secrets_kept
from jobqueue.api.problems import status_of
from jobqueue.api.serializers import StrictSerializer
from jobqueue.errors import JobQueueError, NotFound
from jobqueue.models import Entry
from jobqueue.permissions import Level, level_for
from jobqueue.schedule import ScheduleError
from jobqueue.states import Status
from jobqueue.validation import coerce

MOST_AT_ONCE = 200


@dataclass(frozen=True)
class Done:
    """What became of a call: the entry it is about now, a sentence, and whether anything was done."""

    entry: Entry
    message: str
    done: bool = True


@dataclass(frozen=True)
class Verb:
    """``act`` calls one verb of ``jobqueue.lifecycle``; ``creates`` means that the answer is a new entry."""

    name: str
    level: Level
    summary: str
    act: Callable[[Entry, Actor, dict[str, Any]], Done]
    body: type[serializers.Serializer]
    description: str = ""
    for_many: bool = True
    creates: bool = False


# --- bodies
class NoBody(StrictSerializer):
    """Nothing to say; an empty object or no body at all."""


class Reason(StrictSerializer):
    reason = serializers.CharField(
        max_length=250, required=False, allow_blank=True, help_text="Kept in the history."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Until Monday", {"reason": "Bank holiday", "until": "2026-11-23T06:00:00Z"})]
)
class Hold(Reason):
    until = MomentField(
        required=False,
        allow_null=True,
        help_text="The hold ends by itself at this moment; without an offset, on the entry's clock.",
    )


@extend_schema_serializer(examples=[OpenApiExample("Other parameters", {"parameters": {"lines": 3}})])
class RunOnce(StrictSerializer):
    parameters = serializers.DictField(required=False, help_text="Instead of those of the entry.")
    parameter_string = serializers.CharField(
        max_length=250, required=False, allow_blank=True, help_text="Instead of that of the entry."
    )


# --- acts
def _set_ready(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    was_ready = entry.status == Status.READY
    ready = lifecycle.set_ready(entry, actor=actor)
    if was_ready:
        return Done(ready, f"“{ready}” is Ready already.", done=False)
    return Done(ready, f"“{ready}” is Ready and runs as {actor.name}.")


def _set_on_hold(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    was_running = entry.status == Status.IN_PROCESS
    until = values.get("until")
    if until is not None:
        clean, problems = coerce({"expires_at": until}, time_zone=entry.time_zone)
        if problems:
            raise serializers.ValidationError({"until": [problems[0].message]})
        until = clean["expires_at"]
    held = lifecycle.set_on_hold(entry, actor=actor, reason=values.get("reason", ""), until=until)
    rest = " The run in process goes on to its end." if was_running else ""
    return Done(held, f"“{held}” is On Hold.{rest}")


def _restart(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    ready = lifecycle.restart(entry, actor=actor)
    return Done(ready, f"“{ready}” was restarted and runs as {actor.name}.")


def _run_now(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    asked = lifecycle.run_now(entry, actor=actor)
    if asked.asked_before:
        return Done(asked, asked.asked_before, done=False)
    return Done(asked, f"One extra run of “{asked}” starts now as {actor.name}.")


def _run_once(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    values = with_secrets_kept(values, of=entry)
    copy = lifecycle.run_once(
        entry,
        actor=actor,
        parameters=values.get("parameters"),
        parameter_string=values.get("parameter_string"),
    )
    return Done(copy, f"A copy of “{entry}”, entry {copy.entry_no}, runs once in the background.")


def _cancel(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    asked = lifecycle.cancel_run(entry, actor=actor, reason=values.get("reason", ""))
    return Done(asked, f"The run of “{asked}” was asked to stop; its log entry becomes Cancelled.")


def _copy(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    copy = lifecycle.copy_entry(entry, actor=actor)
    return Done(copy, f"“{copy}”, entry {copy.entry_no}, is a copy of entry {entry.entry_no}, On Hold.")


def _delete(entry: Entry, actor: Actor, values: dict[str, Any]) -> Done:
    lifecycle.delete_entry(entry, actor=actor, reason=values.get("reason", ""))
    return Done(entry, f"“{entry}” (entry {entry.entry_no}) was deleted. Its log entries stay.")


VERBS = (
    Verb("set-ready", "operate", "Set Status to Ready", _set_ready, NoBody, "It runs as you from now on."),
    Verb(
        "set-on-hold",
        "operate",
        "Set On Hold",
        _set_on_hold,
        Hold,
        "A run in process goes on to its end, and the hold survives it. A hold with an end releases the entry itself.",
    ),
    Verb(
        "restart",
        "operate",
        "Restart",
        _restart,
        NoBody,
        "Stops and starts it: its attempts count anew and it runs as you. Also from Ready.",
    ),
    Verb(
        "run-now",
        "operate",
        "Run Now",
        _run_now,
        NoBody,
        "One extra run as you; status, schedule and running user stay. While one asked for before has not started, no "
        "second one is made: then done is false and message says who asked and when.",
    ),
    Verb(
        "run-once",
        "operate",
        "Run Once",
        _run_once,
        RunOnce,
        "Runs a copy once in the background, without category, window and retries. The answer is the copy.",
        for_many=False,
        creates=True,
    ),
    Verb(
        "cancel",
        "operate",
        "Cancel Run",
        _cancel,
        Reason,
        "Asks for the end of the run in process. What the job already did is not undone.",
    ),
    Verb(
        "copy",
        "schedule",
        "Copy",
        _copy,
        NoBody,
        "The copy is On Hold and yours. The answer is the copy.",
        for_many=False,
        creates=True,
    ),
)
DELETE = Verb("delete", "schedule", "Delete", _delete, Reason, "Refused while a run is in process.")


# --- answers
class VerbAnswer(serializers.Serializer):
    done = serializers.BooleanField(help_text="False if there was nothing to do.")
    message = serializers.CharField()
    entry = EntrySerializer()


class ManyAnswer(serializers.Serializer):
    """Each entry by itself: one that is refused does not stop the others."""

    class One(serializers.Serializer):
        entry = serializers.CharField(help_text="As it was named in the call.")
        status = serializers.IntegerField(help_text="The HTTP status the call for it alone would have had.")
        code = serializers.CharField(allow_blank=True, help_text="Of the refusal; empty if there was none.")
        done = serializers.BooleanField()
        message = serializers.CharField()

        class Meta:
            ref_name = "OneOfMany"

    done = serializers.IntegerField(help_text="How many were done.")
    refused = serializers.IntegerField(help_text="How many were refused.")
    results = One(many=True, help_text="In the order of the call.")


def verb_view(verb: Verb) -> type[EntryDoor]:
    """The view of a verb for one entry."""
    status = 201 if verb.creates else 200

    class OneEntry(EntryDoor):
        levels = {"post": verb.level}

        @extend_schema(
            operation_id=f"entries_{verb.name.replace('-', '_')}",
            summary=verb.summary,
            description=verb.description,
            parameters=[NAMED, IF_MATCH],
            request=None if verb.body is NoBody else verb.body,
            responses={status: VerbAnswer},
        )
        def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
            entry = self.entry_for(verb.level)
            found = verb.act(entry, self.actor, self.read(verb.body))
            shown = {"done": found.done, "message": found.message, "entry": self.again(found.entry)}
            return Response(VerbAnswer(shown).data, status=status)

    return OneEntry


def many_view(verb: Verb) -> type[EntryDoor]:
    """The view of a verb for many entries."""
    names = serializers.ListField(
        child=serializers.CharField(max_length=40),
        min_length=1,
        max_length=MOST_AT_ONCE,
        help_text=f"Entry Nos. or ids, at most {MOST_AT_ONCE}.",
    )
    identifier = verb.name.replace("-", "_")
    body = type(
        f"Many{identifier.title().replace('_', '')}", (verb.body,), {"entries": names, "__doc__": None}
    )

    class ManyEntries(EntryDoor):
        levels = {"post": verb.level}

        @extend_schema(
            operation_id=f"entries_bulk_{identifier}",
            summary=f"{verb.summary}, many entries",
            description="Each entry by itself; the answer is 200 with a result for each.",
            request=body,
            responses=ManyAnswer,
        )
        def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
            values = self.read(body)
            keys = values.pop("entries")
            results = [self._one(key, values) for key in keys]
            done = sum(result["done"] for result in results)
            refused = sum(bool(result["code"]) for result in results)
            return Response(ManyAnswer({"done": done, "refused": refused, "results": results}).data)

        def _one(self, key: str, values: dict[str, Any]) -> dict[str, Any]:
            try:
                found = verb.act(self._entry(key), self.actor, values)
            except ScheduleError as refusal:
                return _refused(key, 409, refusal.code, refusal.message)
            except JobQueueError as refusal:
                return _refused(key, status_of(refusal), refusal.code, refusal.message)
            return {"entry": key, "status": 200, "code": "", "done": found.done, "message": found.message}

        def _entry(self, key: str) -> Entry:
            lookup = entry_lookup(key.strip())
            entry = None if lookup is None else self.rows().filter(**lookup).first()
            if entry is None:
                raise NotFound(f"There is no job queue entry {key} in {self.company.code}.")
            self.require_scope(level_for(entry, verb.level))
            return entry

    return ManyEntries


def _refused(key: str, status: int, code: str, message: str) -> dict[str, Any]:
    return {"entry": key, "status": status, "code": code, "done": False, "message": message}


def addresses(entries: str) -> list[URLPattern]:
    """The addresses of all verbs below that of the entries."""
    many = [verb for verb in (*VERBS, DELETE) if verb.for_many]
    return [
        *(
            path(
                f"{entries}bulk/{verb.name}/",
                many_view(verb).as_view({"post": "post"}),
                name=f"bulk-{verb.name}",
            )
            for verb in many
        ),
        *(
            path(
                f"{entries}<str:entry>/{verb.name}/",
                verb_view(verb).as_view({"post": "post"}),
                name=verb.name,
            )
            for verb in VERBS
        ),
    ]
