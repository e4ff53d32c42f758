"""Runs on request: one extra run, one run of a copy, and the end of a run (decisions on Run Now and Run Once)."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db.models import Q

from jobqueue import history, scheduler, telemetry
from jobqueue.actors import Actor
from jobqueue.enqueue import dispatch_task, enqueue
from jobqueue.errors import Invalid, Refused
from jobqueue.guarded import verb
from jobqueue.lifecycle import guards
from jobqueue.lifecycle.copying import duplicate
from jobqueue.models import Entry, ScheduledTask
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.permissions import level_for, require
from jobqueue.querysets import running_log_entries
from jobqueue.scheduler import database_now
from jobqueue.scheduler.models import RUNNING
from jobqueue.scheduler.values import decode_context
from jobqueue.states import RUN_NOW_FROM, Status
from jobqueue.validation import coerce

DOING = "run now"

ONE_RUN = {
    **dict.fromkeys(WEEKDAY_FIELDS, False),
    "recurring": False,
    "minutes_between_runs": 0,
    "starting_time": None,
    "ending_time": None,
    "next_run_date_formula": "",
    "anchor_date": None,
    "earliest_start_at": None,
    "expires_at": None,
    "category_code": "",
    "max_attempts": 0,
    "manual_recurrence": False,
}
"""What a Run Once copy does not take along (*Job queue reference, Run once*)."""


def run_now(entry: Entry, *, actor: Actor, now: datetime | None = None, as_owner: bool = False) -> Entry:
    """Starts one extra run in the background as the actor; status, schedule and running user stay untouched.

    Refused while a run is in process, once expired, and for owned entries. While an extra run asked for before has not
    started yet there is nothing more to do: no second one is made, and ``asked_before`` of the entry says in words who
    asked and when. The task's context tells the dispatcher: ``extra`` is the id the run's log entry will have,
    ``origin`` the door it was asked through, ``by`` who asked.
    """
    return _run_now(entry, actor=actor, now=now or database_now(), as_owner=as_owner)


@verb
def _run_now(entry: Entry, *, actor: Actor, now: datetime, as_owner: bool) -> Entry:
    require(actor, level_for(entry, "operate"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=as_owner, doing=DOING)
    Entry.objects.select_for_update(of=("self",), no_key=True).get(pk=entry.pk)  # one asks after the other
    guards.require_status(entry, RUN_NOW_FROM, doing=DOING, way_out="Use Run Once on a copy instead.")
    guards.require_idle(entry, doing=DOING)
    entry.asked_before = _asked_before(entry)
    if entry.asked_before:
        return entry
    guards.require_not_expired(entry, now=now)
    guards.require_valid(entry, now=now)
    guards.require_runnable_by(actor.user, entry)
    context = {"extra": str(uuid4()), "origin": str(actor.origin), "by": actor.name}
    user = actor.user.pk if actor.user is not None else entry.user_id
    dispatch_task(entry, user=user, not_before=now, context=context)
    history.record(entry, actor=actor, action="run-now", now=now)
    return entry


def _asked_before(entry: Entry) -> str:
    """Who asked for an extra run that has not started yet, and when; empty if nobody has."""
    waiting = ScheduledTask.objects.filter(
        ~Q(owner_context=""),
        record=entry.id,
        state__lt=RUNNING,
        error_kind="",
        owner_context__contains='"extra"',
    )
    task = waiting.order_by("not_before").first()
    if task is None:
        return ""
    by = (decode_context(task.owner_context) or {}).get("by") or "somebody"
    return (
        f"An extra run of {guards.words(entry)} was already asked for by {by} at {task.not_before:%H:%M} UTC and has "
        "not started yet; no second one was made."
    )


def run_once(
    entry: Entry,
    *,
    actor: Actor,
    parameters: dict[str, Any] | None = None,
    parameter_string: str | None = None,
    now: datetime | None = None,
) -> Entry:
    """Runs a copy of the entry once, in the background, as the actor; returns the copy.

    The copy has no category, window, expiration or retries; ``parameters`` and ``parameter_string`` replace those of
    the entry. It vanishes after a success and stays in Error after a failure; its log remains. The entry itself is
    untouched, so this is allowed while it runs.
    """
    return _run_once(
        entry,
        actor=actor,
        parameters=parameters,
        parameter_string=parameter_string,
        now=now or database_now(),
    )


@verb
def _run_once(
    entry: Entry,
    *,
    actor: Actor,
    parameters: dict[str, Any] | None,
    parameter_string: str | None,
    now: datetime,
) -> Entry:
    require(actor, level_for(entry, "operate"), entry.company)
    guards.require_free_of_owner(entry, actor=actor, as_owner=False, doing="run once")
    replaced = {"parameters": parameters, "parameter_string": parameter_string}
    given = {name: value for name, value in replaced.items() if value is not None}
    clean, problems = coerce(given, time_zone=entry.time_zone)
    if problems:
        raise Invalid(problems)
    copy = duplicate(entry, actor=actor, now=now, **(ONE_RUN | clean))
    guards.require_valid(copy, now=now)
    guards.require_runnable_by(actor.user, copy)
    enqueue(copy, now=now, actor=actor)
    if copy.status == Status.ON_HOLD:
        raise Refused(
            f"{guards.words(entry)} was not run: {history.hold_in_words(copy)}.", code="not_enqueued"
        )
    telemetry.entry_event("0000FMG", copy)
    history.record(entry, actor=actor, action="run-once", now=now, reason=f"As entry {copy.pk}")
    history.record(copy, actor=actor, action="create", now=now, reason=f"Run Once of entry {entry.pk}")
    return copy


def cancel_run(entry: Entry, *, actor: Actor, reason: str = "", now: datetime | None = None) -> Entry:
    """Asks for the end of the entry's run in process, extra runs and runs under a hold included.

    The scheduler interrupts the job; the ledger row becomes *Cancelled* with who and why. Refused when nothing runs.
    """
    return _cancel_run(entry, actor=actor, reason=reason.strip()[:250], now=now or database_now())


@verb
def _cancel_run(entry: Entry, *, actor: Actor, reason: str, now: datetime) -> Entry:
    require(actor, level_for(entry, "operate"), entry.company)
    tasks = {row.system_task_id for row in running_log_entries(entry) if row.system_task_id is not None}
    if entry.status == Status.IN_PROCESS and entry.system_task_id is not None:
        tasks.add(entry.system_task_id)
    if not tasks:
        raise Refused(
            f"{guards.words(entry)} is {Status(entry.status).label} and has no run in process to cancel. "
            "To keep it from running, set it On Hold.",
            code="not_running",
        )
    asked = [scheduler.request_cancel(task, user=actor.user, reason=reason) for task in tasks]
    if not any(asked):
        raise Refused(
            f"The run of {guards.words(entry)} is ending already or was cancelled before. "
            "Look again in a moment; if it stays In Process, check for stale jobs.",
            code="not_running",
        )
    history.record(entry, actor=actor, action="cancel", now=now, reason=reason)
    return entry
