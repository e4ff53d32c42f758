"""*Explain*: why an entry is not running, and when it will, by the gates the dispatcher goes by."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum

from jobqueue import categories, companies, permissions
from jobqueue.conf import settings
from jobqueue.dispatch.facts import job_object, object_name, parse_parameters
from jobqueue.gates import Busy, Facts, Gate, GateName, Opener, decide, moment
from jobqueue.models import Category, Cluster, Entry, LogEntry, ScheduledTask
from jobqueue.objects import JobObject
from jobqueue.querysets import running_log_entries
from jobqueue.schedule import Recurrence, ScheduleError
from jobqueue.scheduler import copy_guard
from jobqueue.scheduler.values import decode_context
from jobqueue.states import Status
from jobqueue.validation import recurrence_of

ERROR_SAID = "The status is Error"
"""How the gate begins that an entry in Error closes; the sentence says the status itself."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer: a sentence for the header, every gate in order, and the latest ledger row.

    ``starts_at`` (aware, UTC) is when the entry will start as things stand; None if somebody or something has to
    act first. ``first_closed`` is the gate to look at; its ``verb`` opens it, where a verb can.
    """

    sentence: str
    gates: list[Gate]
    starts_at: datetime | None
    latest: LogEntry | None

    @property
    def first_closed(self) -> Gate | None:
        return next((gate for gate in self.gates if gate.open is False), None)


def explain(entry: Entry, *, now: datetime) -> Explanation:
    """Explains the entry as stored at ``now`` (aware). Reads only."""
    facts = facts_now(entry, now=now)
    gates = decide(facts)
    starts_at = _starts_at(facts, gates)
    latest = LogEntry.objects.filter(entry_id=entry.id).order_by("-entry_no").first()
    return Explanation(_sentence(entry, facts, gates, starts_at), gates, starts_at, latest)


def facts_now(entry: Entry, *, now: datetime) -> Facts:
    """The facts the dispatcher would find, had the entry's own task been claimed at ``now``."""
    task = ScheduledTask.objects.filter(pk=entry.system_task_id).first() if entry.system_task_id else None
    job = job_object(entry)
    problem = parse_parameters(entry, job)[1] if job is not None else ""
    category = Category.objects.filter(company_id=entry.company_id, code=entry.category_code).first()
    running = running_log_entries(entry).first()
    user = entry.user
    context = (decode_context(task.owner_context) or {}) if task is not None else {}
    return Facts(
        now=now,
        has_task=task is not None or _sleeps_without_alarm(entry),
        status=entry.status,
        error_message=entry.error_message,
        due_since=task.not_before if task is not None else entry.earliest_start_at,
        expires_at=entry.expires_at,
        recurrence=_recurrence(entry),
        attempts=entry.attempts,
        max_attempts=entry.max_attempts,
        missed_runs=entry.missed_runs,
        hold_kind=entry.hold_kind,
        hold_reason=entry.hold_reason,
        held_by=entry.held_by.get_username() if entry.held_by is not None else "",
        held_until=entry.held_until,
        owner_kind=entry.owner_kind,
        owner_reference=entry.owner_reference,
        owner_line=str(context.get("owner_run", "")),
        running=None if running is None else Busy(entry.description, running.started_at),
        category_code=entry.category_code,
        category_slots=category.slots if category is not None and running is None else None,
        category_busy=categories.busy(entry.company_id, entry.category_code) if category is not None else (),
        user_name=user.get_username() if user is not None else "System",
        user_active=user is None or user.is_active,
        user_enters=user is None or companies.may_enter(user, entry.company),
        user_permitted=_may_run(user, job),
        permission=(job.permission or "") if job is not None else "",
        object_name=object_name(entry, job),
        object_known=job is not None,
        parameter_problem=problem,
        live_workers=live_workers(now=now),
        busy_workers=busy_workers(),
        limit_reached=limit_reached(user),
        database_held=copy_guard.look().held,
    )


def _may_run(user: Any, job: JobObject | None) -> bool:
    """A disabled user or an unknown object has a gate of its own."""
    return job is None or permissions.may_run(user, job) or not user.is_active


def live_workers(*, now: datetime) -> int:
    """Workers of clusters whose lease has not run out."""
    alive = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gte=now)
    return alive.aggregate(total=Sum("workers"))["total"] or 0


def busy_workers() -> int:
    """Workers that run something at this moment."""
    return ScheduledTask.objects.filter(state=ScheduledTask.State.RUNNING).count()


def limit_reached(user: Any) -> str:
    """Which limit keeps a due task of ``user`` waiting at this moment, whatever workers are free; empty for none.

    Counted as claims count: what is claimed takes its place already. Source: *Job queue reference, Limits and numbers*.
    """
    conf = settings()
    taken = ScheduledTask.objects.exclude(state=ScheduledTask.State.FREE)
    if conf.site_limit is not None and taken.count() >= conf.site_limit:
        return f"the limit of {_at_once(conf.site_limit)} is reached"
    if (
        conf.user_limit is not None
        and user is not None
        and taken.filter(user=user).count() >= conf.user_limit
    ):
        return f"the limit of {_at_once(conf.user_limit)} as one user is reached by “{user.get_username()}”"
    return ""


def _at_once(limit: int) -> str:
    return "one run at a time" if limit == 1 else f"{limit} runs at once"


def _recurrence(entry: Entry) -> Recurrence | None:
    try:
        return recurrence_of(entry)
    except ScheduleError:
        return None


def _sleeps_without_alarm(entry: Entry) -> bool:
    return entry.status == Status.INACTIVITY and entry.inactivity_timeout_minutes == 0


def _starts_at(facts: Facts, gates: list[Gate]) -> datetime | None:
    closed = [gate for gate in gates if gate.open is False]
    if facts.status == Status.IN_PROCESS or any(gate.opens_at is None for gate in closed):
        return None
    if facts.due_since is None:
        return None
    return max([facts.now, *(gate.opens_at for gate in closed if gate.opens_at is not None)])


def _sentence(entry: Entry, facts: Facts, gates: list[Gate], starts_at: datetime | None) -> str:
    name = f"“{entry}” is {'in ' if entry.status == Status.ERROR else ''}{Status(entry.status).label}"
    if entry.status == Status.IN_PROCESS:
        since = f" since {moment(entry.user_session_started_at)}" if entry.user_session_started_at else ""
        return f"{name}{since}."
    if _sleeps_without_alarm(entry):
        return f"{name}: it sleeps until something wakes it."
    closed = [gate for gate in gates if gate.open is False]
    if not closed:
        if facts.limit_reached:
            return f"{name} and starts when another run has ended: {facts.limit_reached}."
        if facts.all_workers_busy:
            return f"{name} and starts as soon as a worker is free: {_all_busy(facts.live_workers)}."
        return f"{name} and starts at any moment."
    first = closed[0]
    reason = first.reason[:1].lower() + first.reason[1:] if first.name == GateName.STARTABLE else first.reason
    if starts_at is not None:
        return f"{name} and will start at {moment(starts_at)}."
    if first.name == GateName.CATEGORY:
        return f"{name}: {reason} It starts when its turn comes."
    if first.opener is Opener.ITSELF and first.opens_at is not None:
        return f"{name}. {reason}"
    if entry.status == Status.ERROR and first.name == GateName.STARTABLE:
        return f"{name}{first.reason.removeprefix(ERROR_SAID)}"
    said_twice = f"{Status(entry.status).label}. "
    if reason.startswith(said_twice):
        return f"{name}. {reason.removeprefix(said_twice)}"
    return f"{name}: {reason}"


def _all_busy(count: int | None) -> str:
    return "the only one is busy" if count == 1 else f"all {count} are busy"
