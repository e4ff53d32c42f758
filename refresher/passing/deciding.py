"""What is to be done to the entry of one monitored job: the decision, without doing anything.

The ladder (*Refresher reference, Activation*; decisions on holds and on what is left alone):

1. No entry: create it again if that is allowed and the job has not expired, or adopt a look-alike.
2. Owned by somebody, running another object, expired, held by anybody but a program: left alone.
3. What differs from the template, and whether the entry would then run at all, as its running user.
4. By status: what runs, waits, sleeps or is about to be tried again goes on, with its values corrected in place; what
   stopped is restarted; what is ready is restarted only if it differs, lost its task, or starts at the wrong time.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from jobqueue import history
from jobqueue.actors import Actor
from jobqueue.enqueue import LEAD
from jobqueue.errors import JobQueueError
from jobqueue.events import ask, schedule_veto
from jobqueue.models import Entry, ScheduledTask
from jobqueue.objects import registry
from jobqueue.permissions import may_run
from jobqueue.querysets import running_log_entries
from jobqueue.schedule import ScheduleError
from jobqueue.states import Anchor, HoldKind, Status
from jobqueue.validation import apply, label, problems_of
from notifications.models import EntryLink, NotificationList
from refresher import events
from refresher.models import MonitoredJob
from refresher.passing import finding, wording
from refresher.passing.due import Due, in_bracket, next_due, starts_again_after_error
from refresher.passing.standpoint import Standpoint
from refresher.results import Outcome
from refresher.states import Action, Why
from refresher.templates import TEMPLATE, as_entry, changed_names, keep_grid, values_to_enforce

HOLDS = {
    HoldKind.MANUAL: Why.MANUAL_HOLD,
    HoldKind.DRAFT: Why.DRAFT_HOLD,
    HoldKind.POISON: Why.POISON_HOLD,
    HoldKind.COPY: Why.COPY_HOLD,
    HoldKind.OWNER: Why.OWNER_HOLD,
}
LISTS = "Notification lists"
GOING_ON = {Status.IN_PROCESS: Why.RUNNING, Status.WAITING: Why.WAITING, Status.INACTIVITY: Why.SLEEPING}
STOPPED = {Status.ERROR: Why.IN_ERROR, Status.ON_HOLD: Why.PROGRAM_HOLD, Status.FINISHED: Why.FINISHED}


@dataclass(frozen=True, slots=True)
class Plan:
    """A decision: the outcome to report, and what has to be written for it.

    ``target`` is the entry as it shall be, ``corrected`` the fields that change, ``due`` the start of a restart,
    ``lists`` the notification lists that no longer hear of the entry.
    """

    outcome: Outcome
    entry: Entry | None = None
    target: Entry | None = None
    corrected: frozenset[str] = field(default_factory=frozenset)
    due: Due | None = None
    lists: tuple[NotificationList, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether anything of the entry changes in place."""
        return bool(self.corrected or self.lists)


def decide(job: MonitoredJob, standpoint: Standpoint) -> Plan:
    """The plan for one job as things are now; raises what an extension raises."""
    entry = finding.linked_entry(job)
    if entry is not None:
        return _for_entry(job, entry, standpoint)
    if has_expired(job, now=standpoint.now):
        return _alone(job, None, Why.EXPIRED)
    if not standpoint.may_create(job):
        return _failed(job, None, Why.RECREATION_OFF)
    found = finding.look_alike(job, standpoint)
    if found is None:
        return _create(job, standpoint)
    plan = _for_entry(job, found, standpoint)
    if plan.outcome.failed:
        return plan
    reason = f"{wording.adopted(found)} {plan.outcome.reason}"
    return replace(plan, outcome=replace(plan.outcome, action=Action.ADOPTED, why=Why.MISSING, reason=reason))


def _create(job: MonitoredJob, standpoint: Standpoint) -> Plan:
    target = as_entry(job)
    creator = standpoint.creator(job)
    target.user = creator.user
    if creator.user is None:
        return _failed(job, None, Why.NOT_PERMITTED, wording.NOBODY_TO_RUN)
    against = _problem(target, creator)
    if against is not None:
        return _failed(job, None, *against)
    due = next_due(target, not_before=job.earliest_start_at, now=standpoint.now)
    if _comes_too_late(job, due):
        return _alone(job, None, Why.EXPIRED)
    target.earliest_start_at = due.planned
    outcome = Outcome(job, Action.RECREATED, Why.MISSING, wording.MISSING, due_at=due.planned)
    return Plan(outcome, target=target, due=due)


def _for_entry(job: MonitoredJob, entry: Entry, standpoint: Standpoint) -> Plan:
    why = _hands_off(job, entry, standpoint)
    if why is not None:
        return _alone(job, entry, why)
    if (entry.object_type, entry.object_id) != (job.object_type, job.object_id):
        return _failed(job, entry, Why.OTHER_OBJECT, wording.other_object(job, entry))
    target, changes, corrected = _as_it_shall_be(job, entry, standpoint)
    lists = _missing_lists(job, entry)
    if lists:
        changes[LISTS] = ["", ", ".join(str(one) for one in lists)]
    outcome = _outcome(job, entry, Action.LEFT_ALONE, Why.SCHEDULED, changes)
    wants = Plan(outcome, entry, target, corrected, lists=lists)
    against = _problem(target, Actor(user=target.user, origin=standpoint.actor.origin))
    if against is not None and (entry.status != Status.IN_PROCESS or against[0] is Why.INVALID):
        return _failed(job, entry, *against)
    return _by_status(wants, standpoint)


def _hands_off(job: MonitoredJob, entry: Entry, standpoint: Standpoint) -> Why | None:
    """Why nothing at all is written to the entry; None if it may be touched."""
    if entry.owner_kind or entry.is_system:
        return Why.OWNED
    if has_expired(job, now=standpoint.now):
        return Why.EXPIRED
    if entry.status != Status.ON_HOLD:
        return None
    kind = HoldKind(entry.hold_kind) if entry.hold_kind else HoldKind.PROGRAM
    if kind != HoldKind.PROGRAM:
        return HOLDS[kind]
    if entry.held_until is not None and entry.held_until > standpoint.now:
        return Why.TIMED_HOLD
    return Why.RUNNING_UNDER_HOLD if running_log_entries(entry).exists() else None


def _as_it_shall_be(
    job: MonitoredJob, entry: Entry, standpoint: Standpoint
) -> tuple[Entry, dict[str, list[str]], frozenset[str]]:
    """The entry with the template applied, the differences in words, and the fields that differ."""
    target = copy(entry)
    values = values_to_enforce(job)
    events.ask_all(events.before_restore_entry, job=job, values=values)
    apply(target, values, by_code=True, now=standpoint.now)
    keep_grid(target, job)
    events.ask_all(events.before_modify_entry, job=job, entry=target)
    if standpoint.runner is not None:
        target.user = standpoint.runner.user
    before = history.snapshot(entry)
    corrected = changed_names({name: getattr(entry, name) for name in TEMPLATE}, target)
    return target, history.differences(before, target), frozenset(corrected)


def _missing_lists(job: MonitoredJob, entry: Entry) -> tuple[NotificationList, ...]:
    """The job's notification lists that are not linked to the entry; usually it has none, which costs one query."""
    if job.pk is None:
        return ()
    linked = EntryLink.objects.filter(entry_id=entry.id).values("list")
    return tuple(job.notification_lists.filter(company=entry.company).exclude(pk__in=linked).order_by("pk"))


def _problem(target: Entry, runs_as: Actor) -> tuple[Why, str] | None:
    """What keeps the entry from running at all, as whoever it shall run as; its start is the refresher's business."""
    found = problems_of(target, by_code=True, changed=())
    problems = [problem for problem in found if problem.code != "expires_before_start"]
    if problems:
        return Why.INVALID, " ".join(problem.message for problem in problems)
    job_object = registry.find(target.object_type, target.object_id)
    if job_object is not None and not may_run(runs_as.user, job_object):
        return Why.NOT_PERMITTED, wording.not_permitted(runs_as, job_object)
    return None


def _by_status(plan: Plan, standpoint: Standpoint) -> Plan:
    entry = plan.entry
    assert entry is not None
    status = Status(entry.status)
    task = ScheduledTask.objects.filter(pk=entry.system_task_id).first() if entry.system_task_id else None
    if status == Status.IN_PROCESS:
        return _going_on(plan, Why.RUNNING if task is not None else Why.LOST_RUN)
    if status in STOPPED:
        return _restart(plan, STOPPED[status], standpoint)
    if task is None:
        return _restart(plan, Why.LOST_TASK, standpoint)
    if status in GOING_ON:
        return _going_on(plan, GOING_ON[status])
    if entry.attempts > 0:
        return _going_on(plan, Why.RETRY)
    return _ready(plan, task, standpoint)


def _ready(plan: Plan, task: ScheduledTask, standpoint: Standpoint) -> Plan:
    entry, target = plan.entry, plan.target
    assert entry is not None
    assert target is not None
    starts_at = task.not_before if entry.earliest_start_at is None else entry.earliest_start_at
    is_other_user = entry.user_id != target.user_id
    runs_as_planned = task.is_ready and (
        in_bracket(task.not_before, starts_at) or task.not_before <= standpoint.now
    )
    if not runs_as_planned:
        return _restart(plan, Why.MOVED if task.is_ready else Why.LOST_TASK, standpoint)
    if starts_at <= standpoint.now + LEAD:
        # A fixed time that has come would be lost by a restart; counted from completion it only starts anew.
        would_be_lost = entry.recurrence_anchor == Anchor.FIXED and starts_at <= standpoint.now
        if would_be_lost or not (plan.corrected or is_other_user):
            return _going_on(plan, Why.DUE)
    elif starts_again_after_error(entry, plan.outcome.job, starts_at=starts_at):
        return _going_on(plan, Why.RESCHEDULED)
    elif not entry.manual_recurrence and not _due(plan, standpoint).fits(starts_at):
        return _restart(plan, Why.CHANGED if plan.corrected else Why.MOVED, standpoint)
    if plan.corrected:
        return _restart(plan, Why.CHANGED, standpoint)
    if is_other_user:
        return _restart(plan, Why.OTHER_USER, standpoint)
    return _going_on(plan, Why.SCHEDULED)


def _going_on(plan: Plan, why: Why) -> Plan:
    """The task, the run and the running user stay; differing values are corrected in place."""
    entry, target = plan.entry, plan.target
    assert entry is not None
    assert target is not None
    target.user = entry.user
    action = Action.CORRECTED if plan.writes else Action.LEFT_ALONE
    changes = {name: change for name, change in plan.outcome.changes.items() if name != label("user")}
    reason = wording.going_on(entry, why, corrected=bool(plan.corrected))
    return replace(plan, outcome=_outcome(plan.outcome.job, entry, action, why, changes, reason=reason))


def _restart(plan: Plan, why: Why, standpoint: Standpoint) -> Plan:
    entry, target = plan.entry, plan.target
    assert entry is not None
    assert target is not None
    if running_log_entries(entry).exists():
        return _going_on(plan, Why.RUNNING)
    if ask(schedule_veto, entry=target):
        return _going_on(plan, Why.HANDLED)
    due = _due(plan, standpoint)
    if _comes_too_late(plan.outcome.job, due):
        return _going_on(plan, Why.EXPIRED)
    reason = wording.restarted(entry, why)
    outcome = replace(
        _outcome(plan.outcome.job, entry, Action.RESTARTED, why, plan.outcome.changes, reason=reason),
        due_at=max(due.planned, standpoint.now + LEAD),
    )
    return replace(plan, outcome=outcome, due=due)


def has_expired(job: MonitoredJob, *, now: datetime) -> bool:
    """Whether the job is over, or would be before its first run: it is not due then, nor an error."""
    moments = [now, job.earliest_start_at]
    return job.expires_at is not None and any(one is not None and job.expires_at < one for one in moments)


def _comes_too_late(job: MonitoredJob, due: Due) -> bool:
    return job.expires_at is not None and job.expires_at < due.planned


def _due(plan: Plan, standpoint: Standpoint) -> Due:
    target = plan.target
    assert target is not None
    return next_due(target, not_before=plan.outcome.job.earliest_start_at, now=standpoint.now)


def _alone(job: MonitoredJob, entry: Entry | None, why: Why) -> Plan:
    reason = wording.hands_off(job, entry, why)
    return Plan(_outcome(job, entry, Action.LEFT_ALONE, why, {}, reason=reason), entry)


def _failed(job: MonitoredJob, entry: Entry | None, why: Why, reason: str = "") -> Plan:
    return Plan(_outcome(job, entry, Action.FAILED, why, {}, reason=reason or wording.RECREATION_OFF), entry)


def _outcome(
    job: MonitoredJob,
    entry: Entry | None,
    action: Action,
    why: Why,
    changes: dict[str, Any],
    *,
    reason: str = "",
) -> Outcome:
    entry_id = entry.id if entry is not None else job.entry_id
    return Outcome(job, action, why, reason, entry_id=entry_id, changes=changes)


def failed_by(job: MonitoredJob, error: Exception) -> Outcome:
    """The outcome of a job whose refresh was refused or broke."""
    known = isinstance(error, JobQueueError | ScheduleError)
    why = Why.REFUSED if known else Why.BROKEN
    reason = str(getattr(error, "message", "") or error) or type(error).__name__
    return Outcome(job, Action.FAILED, why, reason, entry_id=job.entry_id)


def left_to_the_next_pass(job: MonitoredJob) -> Outcome:
    """The outcome of a job whose entry never rested while it was looked at."""
    return Outcome(job, Action.LEFT_ALONE, Why.BUSY, wording.BUSY, entry_id=job.entry_id)
