"""The gates themselves, in the order in which the dispatcher asks; the first closed gate decides what it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from jobqueue.gates.answers import Gate, GateName, Opener
from jobqueue.gates.facts import Facts
from jobqueue.schedule import Recurrence, ScheduleError, window_reschedule
from jobqueue.states import HOLD_WORDS, HoldKind, MissedRuns, Status

MISSED_AFTER = timedelta(minutes=1)
"""A due moment found this much later counts as missed: nothing could serve it in time."""


OPEN = {name: Gate(name, True) for name in GateName}
"""Open, with nothing more to say: made once, as every run asks every gate."""
_STATUS_WORDS = {int(status): status.label for status in Status}


def decide(facts: Facts) -> list[Gate]:
    """Every gate's answer, in order. Without an entry only the first one is asked."""
    if not facts.exists:
        first, *others = GATES
        return [first[1](facts), *(Gate(name, None) for name, _ in others)]
    return [ask(facts) for _, ask in GATES]


def first_closed(facts: Facts) -> Gate | None:
    """The gate that keeps the entry from starting, or None: what the dispatcher goes by."""
    for _, ask in GATES:
        gate = ask(facts)
        if gate.open is False:
            return gate
    return None


def is_late(facts: Facts) -> bool:
    """Whether the due moment was not served in time (a wait for the category's turn is not lateness)."""
    return facts.due_since is not None and facts.now - facts.due_since > MISSED_AFTER


def window_is_open(facts: Facts) -> bool:
    """The daily window test: time of day only, both ends included; weekdays are not tested here."""
    recurrence = facts.recurrence
    if recurrence is None or (recurrence.starting_time is None and recurrence.ending_time is None):
        return True
    return recurrence.window.is_open(facts.now, zone=recurrence.zone)


def _exists(facts: Facts) -> Gate:
    if facts.exists:
        return OPEN[GateName.EXISTS]
    return Gate(GateName.EXISTS, False, "The entry was deleted.")


def _startable(facts: Facts) -> Gate:
    if facts.is_extra:
        return Gate(GateName.STARTABLE, True, "An extra run starts in every status.")
    if not facts.is_current:
        return Gate(GateName.STARTABLE, False, "The entry has been scheduled anew since.", Opener.ITSELF)
    if facts.status == Status.ERROR:
        used = f" after {facts.attempts} of {facts.max_attempts} retries" if facts.max_attempts else ""
        detail = f": {facts.error_message}" if facts.error_message else "."
        return Gate(
            GateName.STARTABLE,
            False,
            f"The status is Error{used}{detail}",
            Opener.OPERATOR,
            verb="restart",
        )
    if facts.status == Status.FINISHED:
        return Gate(GateName.STARTABLE, False, "The entry has finished.", Opener.OPERATOR, verb="set-ready")
    if facts.status not in (Status.ON_HOLD, Status.IN_PROCESS) and not facts.has_task:
        return Gate(
            GateName.STARTABLE, False, "No task is scheduled for the entry.", Opener.OPERATOR, verb="restart"
        )
    return Gate(GateName.STARTABLE, True, f"The status is {_status(facts)}.")


def _expired(facts: Facts) -> Gate:
    if facts.expires_at is None or facts.is_extra:
        return OPEN[GateName.EXPIRED]
    if facts.expires_at < facts.now:
        return Gate(
            GateName.EXPIRED,
            False,
            f"The entry expired at {moment(facts.expires_at)}; its next start deletes it.",
            Opener.SCHEDULER,
            verb="set-on-hold",
        )
    return Gate(GateName.EXPIRED, True, f"Expires at {moment(facts.expires_at)}.")


def _held(facts: Facts) -> Gate:
    if facts.status != Status.ON_HOLD or facts.is_extra:
        return OPEN[GateName.HELD]
    words = HOLD_WORDS[HoldKind(facts.hold_kind)] if facts.hold_kind else "Held"
    who = f" ({facts.held_by})" if facts.held_by else ""
    why = f": {facts.hold_reason}" if facts.hold_reason else ""
    until = f" until {moment(facts.held_until)}" if facts.held_until else ""
    return Gate(
        GateName.HELD,
        False,
        f"On Hold{until}. {words}{who}{why}".rstrip(".") + ".",
        Opener.OWNER if facts.hold_kind == HoldKind.OWNER else Opener.OPERATOR,
        opens_at=facts.held_until,
        verb="" if facts.hold_kind == HoldKind.OWNER else "set-ready",
    )


def _owner(facts: Facts) -> Gate:
    if not facts.owner_kind or facts.owner_line or facts.is_extra:
        return OPEN[GateName.OWNER]
    return Gate(
        GateName.OWNER,
        False,
        f"The entry belongs to {facts.owner_kind} {facts.owner_reference} and is started only by it.".replace(
            "  ", " "
        ),
        Opener.OWNER,
    )


def _due(facts: Facts) -> Gate:
    if facts.due_since is None or facts.due_since <= facts.now:
        return OPEN[GateName.DUE]
    return Gate(
        GateName.DUE,
        False,
        f"Due at {moment(facts.due_since)}.",
        Opener.ITSELF,
        opens_at=facts.due_since,
        verb="run-now",
    )


def _missed(facts: Facts) -> Gate:
    applies = facts.recurrence is not None and facts.recurrence.is_recurring and facts.attempts == 0
    if not applies or facts.is_extra or facts.owner_kind or not is_late(facts):
        return OPEN[GateName.MISSED]
    if facts.missed_runs == MissedRuns.SKIP:
        return Gate(
            GateName.MISSED,
            False,
            f"Due at {_optional(facts.due_since)} and not served in time; the entry skips missed runs.",
            Opener.ITSELF,
        )
    return Gate(GateName.MISSED, True, f"Runs once, late: due at {_optional(facts.due_since)}.")


def _hook(facts: Facts) -> Gate:
    if facts.objection:
        return Gate(GateName.HOOK, False, facts.objection, Opener.ITSELF)
    return OPEN[GateName.HOOK]


def _window(facts: Facts) -> Gate:
    recurrence = facts.recurrence
    if facts.is_extra or window_is_open(facts):
        return OPEN[GateName.WINDOW]
    assert recurrence is not None
    try:
        opens_at: datetime | None = window_reschedule(recurrence, now=facts.now)
    except ScheduleError:
        opens_at = None
    return Gate(
        GateName.WINDOW,
        False,
        f"It is outside the daily window {_window_words(recurrence)}.",
        Opener.ITSELF,
        opens_at=opens_at,
        verb="run-now",
    )


def _parallel(facts: Facts) -> Gate:
    if facts.running is None:
        return OPEN[GateName.PARALLEL]
    since = f" since {moment(facts.running.since)}" if facts.running.since else ""
    return Gate(GateName.PARALLEL, False, f"The entry is running{since}.", Opener.ITSELF, verb="cancel")


def _category(facts: Facts) -> Gate:
    slots = facts.category_slots
    if slots is None or len(facts.category_busy) < slots:
        return OPEN[GateName.CATEGORY]
    taken = ", ".join(
        f"“{run.description}”" + (f" since {moment(run.since)}" if run.since else "")
        for run in facts.category_busy
    )
    size = "1 slot" if slots == 1 else f"{slots} slots"
    return Gate(
        GateName.CATEGORY,
        False,
        f"Category {facts.category_code} has {size}, taken by {taken}.",
        Opener.ITSELF,
        verb="cancel",
    )


def _user_active(facts: Facts) -> Gate:
    if facts.user_active:
        return Gate(GateName.USER_ACTIVE, True, f"Runs as {facts.user_name}.")
    return Gate(
        GateName.USER_ACTIVE,
        False,
        f"The running user “{facts.user_name}” is disabled. Let another user set the entry to Ready.",
        Opener.OPERATOR,
        verb="set-ready",
    )


def _user_company(facts: Facts) -> Gate:
    if facts.user_enters:
        return OPEN[GateName.USER_COMPANY]
    return Gate(
        GateName.USER_COMPANY,
        False,
        f"The running user “{facts.user_name}” may not work in this company. Ask an administrator to add the user to "
        "it, or let another user set the entry to Ready.",
        Opener.ADMINISTRATOR,
        verb="set-ready",
    )


def _object(facts: Facts) -> Gate:
    if facts.object_known:
        return Gate(GateName.OBJECT, True, facts.object_name)
    return Gate(
        GateName.OBJECT,
        False,
        f"{facts.object_name} is not registered by any installed app. "
        "Install the app that brings it, or choose another object.",
        Opener.DEVELOPER,
    )


def _user_permitted(facts: Facts) -> Gate:
    if facts.user_permitted:
        return OPEN[GateName.USER_PERMITTED]
    return Gate(
        GateName.USER_PERMITTED,
        False,
        f"“{facts.user_name}” may not run {facts.object_name}: the permission “{facts.permission}” is missing. "
        "Ask an administrator for it, or let a permitted user set the entry to Ready.",
        Opener.ADMINISTRATOR,
        verb="set-ready",
    )


def _parameters(facts: Facts) -> Gate:
    if not facts.parameter_problem:
        return OPEN[GateName.PARAMETERS]
    return Gate(GateName.PARAMETERS, False, facts.parameter_problem, Opener.SCHEDULER, verb="set-on-hold")


def _worker(facts: Facts) -> Gate:
    if facts.database_held:
        return Gate(
            GateName.WORKER,
            False,
            "Workers start nothing: the database is a copy or was restored, and nobody has adopted it yet.",
            Opener.ADMINISTRATOR,
        )
    if facts.limit_reached and facts.live_workers != 0:
        return Gate(GateName.WORKER, True, f"{facts.limit_reached[:1].upper()}{facts.limit_reached[1:]}.")
    if facts.all_workers_busy:
        return Gate(GateName.WORKER, True, f"{facts.live_workers} alive, all busy.")
    if facts.live_workers is None or facts.live_workers > 0:
        count = facts.live_workers
        return Gate(GateName.WORKER, True, "" if count is None else f"{count} alive.")
    return Gate(
        GateName.WORKER,
        False,
        "No worker is alive. Start one with “manage.py jobworker”.",
        Opener.ADMINISTRATOR,
    )


GATES: tuple[tuple[GateName, Callable[[Facts], Gate]], ...] = (
    (GateName.EXISTS, _exists),
    (GateName.STARTABLE, _startable),
    (GateName.EXPIRED, _expired),
    (GateName.HELD, _held),
    (GateName.OWNER, _owner),
    (GateName.DUE, _due),
    (GateName.MISSED, _missed),
    (GateName.HOOK, _hook),
    (GateName.WINDOW, _window),
    (GateName.PARALLEL, _parallel),
    (GateName.CATEGORY, _category),
    (GateName.USER_ACTIVE, _user_active),
    (GateName.USER_COMPANY, _user_company),
    (GateName.OBJECT, _object),
    (GateName.USER_PERMITTED, _user_permitted),
    (GateName.PARAMETERS, _parameters),
    (GateName.WORKER, _worker),
)

REFUSALS = frozenset(
    {
        GateName.USER_ACTIVE,
        GateName.USER_COMPANY,
        GateName.OBJECT,
        GateName.USER_PERMITTED,
        GateName.PARAMETERS,
    }
)
"""Closed, these end the due moment as an error that no retry can cure."""


def moment(value: datetime) -> str:
    """A moment as the screens of all doors can show it: UTC, to the second."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC")


def _optional(value: datetime | None) -> str:
    return "" if value is None else moment(value)


def _status(facts: Facts) -> str:
    return _STATUS_WORDS.get(facts.status, str(facts.status))


def _window_words(recurrence: Recurrence) -> str:
    start, end = recurrence.starting_time, recurrence.ending_time
    opens = f"from {start:%H:%M}" if start else ""
    closes = f"until {end:%H:%M}" if end else ""
    return f"{opens} {closes} ({recurrence.time_zone})".strip()
