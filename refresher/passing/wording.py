"""Why a pass did what it did, in sentences for people."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.history import hold_in_words
from jobqueue.models import Entry
from jobqueue.states import ObjectType, Status
from refresher.models import MonitoredJob
from refresher.states import Why

MISSING = "The entry does not exist any more."
RECREATION_OFF = (
    "The entry does not exist any more, and creating missing custom jobs is off. Switch it on in the refresh set-up, "
    "or delete the monitored job."
)
NOBODY_TO_RUN = (
    "The entry does not exist any more, and nobody is known it could run as. Create it by hand, or use the external "
    "refresher with a runner user."
)
BUSY = "Somebody is working on the entry at this very moment; the next pass looks at it again."
LATER = "Its values were corrected; they apply from the next run on."

_GOING_ON = {
    Why.SCHEDULED: "Scheduled as it should be.",
    Why.DUE: "Due already; it starts as soon as a worker is free.",
    Why.RUNNING: "A run is in process; it is not disturbed.",
    Why.LOST_RUN: "In Process without a task; the scheduler settles the lost run.",
    Why.RETRY: "A failed run is about to be tried again.",
    Why.RESCHEDULED: "It failed for good and starts again after its auto-reschedule delay.",
    Why.WAITING: "Waiting for its turn in the category.",
    Why.SLEEPING: "It found nothing to do and sleeps for its inactivity period.",
    Why.HANDLED: "An extension vetoes its scheduling.",
    Why.EXPIRED: "It expires before its next run.",
}
_HANDS_OFF = {
    Why.MANUAL_HOLD: "Held by a person{who}{why}.",
    Why.DRAFT_HOLD: "New and not yet released{who}.",
    Why.POISON_HOLD: "Held because its runs kept killing their worker. Set it to Ready once that is repaired.",
    Why.COPY_HOLD: "Held because the database is a copy. Set it to Ready here if it shall run here.",
    Why.OWNER_HOLD: "Held by its owner.",
    Why.TIMED_HOLD: "Held by a program{why}; the hold ends by itself.",
    Why.RUNNING_UNDER_HOLD: "Held by a program while a run is in process; the next pass looks at it again.",
}
_RESTARTED = {
    Why.IN_ERROR: "It had stopped in Error.",
    Why.PROGRAM_HOLD: "It had been set On Hold by a program.",
    Why.FINISHED: "It had finished.",
    Why.LOST_TASK: "Its task was lost.",
    Why.MOVED: "Its start was not its next due time.",
    Why.CHANGED: "It differed from the monitored job.",
    Why.OTHER_USER: "It would have run as “{user}”.",
}


def going_on(entry: Entry, why: Why, *, corrected: bool) -> str:
    sentence = _GOING_ON[why]
    return f"{sentence} {LATER}" if corrected else sentence


def hands_off(job: MonitoredJob, entry: Entry | None, why: Why) -> str:
    if why == Why.EXPIRED and job.expires_at is not None:
        return f"Expires at {job.expires_at:%Y-%m-%d %H:%M} UTC: it has no further run."
    if entry is None:
        return ""
    if why == Why.OWNED:
        if entry.is_system:
            return "An entry of the system; the product looks after it."
        return f"Owned by a {entry.owner_kind}, “{entry.owner_reference}”, which looks after it."
    who = f" (“{entry.held_by.get_username()}”)" if entry.held_by is not None else ""
    reason = f": {hold_in_words(entry)}".rstrip(".") if entry.hold_reason else ""
    return _HANDS_OFF[why].format(who=who, why=reason)


def restarted(entry: Entry, why: Why) -> str:
    user = entry.user.get_username() if entry.user is not None else "System"
    return _RESTARTED[why].format(user=user)


def adopted(entry: Entry) -> str:
    return f"The entry does not exist any more; entry {entry.pk} does the same and took its place."


def other_object(job: MonitoredJob, entry: Entry) -> str:
    return (
        f"Entry {entry.pk} runs {_object(entry)}, the monitored job expects {_object(job)}. Change the object back "
        "on the entry, or stop monitoring it and monitor it anew."
    )


def not_permitted(runs_as: Actor, job_object: Any) -> str:
    if runs_as.user is not None and not runs_as.user.is_active:
        return f"The user “{runs_as.name}” is disabled. Enable the user, or let another one run the job."
    return (
        f"“{runs_as.name}” may not run “{job_object.caption}”: the permission “{job_object.permission}” is missing. "
        "Ask an administrator for it, or assign another runner user."
    )


def status_of(entry: Entry) -> str:
    return Status(entry.status).label


def _object(row: Any) -> str:
    return f"{ObjectType(row.object_type).label} {row.object_id}"
