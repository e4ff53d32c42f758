"""The dispatcher: the main routine of every entry's task. Decides by the gates, starts the run, ends it.

The steps (*Job queue reference, Dispatcher, step by step*):

1. Read task, entry, user and category in one statement.
2. Ask the gates. All open and nothing special about the entry: the fast lane, one fused statement starts the run; for
   an entry of a category with a free slot the category lane, which takes the turn before that.
3. Otherwise the slow lane, one transaction: lock the category, read and ask again, then start or do what the first
   closed gate calls for (``jobqueue.dispatch.turned_away``).
4. Run the object (``jobqueue.dispatch.running``, ``jobqueue.dispatch.execution``).
5. End the run: one fused statement where nothing special follows, else a transaction with all events
   (``jobqueue.dispatch.finishing``). A run that follows in the same message is started in the same statement, if it
   is as plain.

Errors of the job leave through the scheduler's one failure path to ``jobqueue.dispatch.error_handler``.
"""

from django.db import IntegrityError, transaction

from jobqueue import categories, ledger, telemetry
from jobqueue.dispatch import category_lane, execution, hotpath, running, turned_away
from jobqueue.dispatch.fast_lane import is_plain_start, prepared
from jobqueue.dispatch.work import Work, facts_of, read_work
from jobqueue.errors import ForbiddenUser, InvalidParameters, NonRetriable, UnknownObject
from jobqueue.gates import REFUSALS, Gate, GateName, first_closed
from jobqueue.guarded import ChangedMeanwhile
from jobqueue.models import Entry
from jobqueue.scheduler import ClaimedTask
from jobqueue.scheduler.patience import START_SECONDS, patience
from jobqueue.scheduler.sqlite import flush_log

TRIES = 5

ERRORS: dict[GateName, type[NonRetriable]] = {
    GateName.USER_ACTIVE: ForbiddenUser,
    GateName.USER_COMPANY: ForbiddenUser,
    GateName.USER_PERMITTED: ForbiddenUser,
    GateName.OBJECT: UnknownObject,
    GateName.PARAMETERS: InvalidParameters,
}


def dispatch(claim: ClaimedTask) -> None:
    """Serves a claimed task. Raises what the job raised; raises ``StaleClaim`` where the claim no longer holds."""
    work = prepared(claim)
    if work is None or work.started is None:
        with patience(START_SECONDS):
            work = _start(claim, work)
        flush_log()  # a run that begins is on the disk: after a power failure nothing begins twice
    if work is None:
        return
    if telemetry.is_on("0000E25"):
        telemetry.entry_event("0000E25", work.entry)
    if work.refusal is not None:
        raise work.refusal
    running.run(work)


# --- start


def _start(claim: ClaimedTask, prepared: Work | None) -> Work | None:
    if prepared is not None and _try_start(prepared):
        return prepared
    work = read_work(claim)
    if work is not None and is_plain_start(work):
        gate = first_closed(facts_of(work))
        if gate is None or gate.name in REFUSALS:
            work.refusal = _refusal(gate)
            if _try_start(work):
                return work
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return _start_or_turn_away(claim)
        except ChangedMeanwhile:
            continue
    raise ChangedMeanwhile("The entry keeps changing; its task is given back.")


def _refusal(gate: Gate | None) -> NonRetriable | None:
    if gate is None:
        return None
    kind = ERRORS[gate.name]
    return kind(gate.reason)


def _try_start(work: Work) -> bool:
    """The fused start; False if task or entry changed meanwhile or the attempt is in the ledger already."""
    if work.entry.category_code:
        return category_lane.try_start(work)
    try:
        with execution.savepoint_if_nested():
            work.started = hotpath.start(work.claim, work.reading, caption=work.caption)
    except IntegrityError:
        return False
    return work.started is not None


def _start_or_turn_away(claim: ClaimedTask) -> Work | None:
    """The slow lane, in the caller's transaction. None: there is nothing to run."""
    work = read_work(claim)
    if work is None:
        turned_away.drop(claim)
        return None
    category = categories.lock(work.entry.company_id, work.entry.category_code)
    if category is not None:
        work = read_work(claim)  # what was read before the lock may have changed
        if work is None:
            turned_away.drop(claim)
            return None
    entry = Entry.objects.select_related("company", "user").get(pk=work.entry.entry_no)
    if entry.revision != work.entry.revision:
        raise ChangedMeanwhile("The entry changed while it was being read.")
    slots, busy = turned_away.category_facts(entry, category)
    gate = first_closed(
        facts_of(work, objection=turned_away.objection(entry), category_slots=slots, category_busy=busy)
    )
    if gate is not None and gate.name not in REFUSALS:
        turned_away.turn_away(claim, work.reading, entry, gate)
        return None
    work.refusal = _refusal(gate)
    due_at = turned_away.settle_missed(entry, work.reading, work.recurrence)
    attempt = 0 if work.reading.is_extra else entry.attempts
    due_at = ledger.free_due_moment(entry.id, due_at, attempt=attempt)
    work.started = hotpath.start(claim, work.reading, caption=work.caption, due_at=due_at)
    if work.started is None:
        raise ChangedMeanwhile("The entry or its task changed while its run was being started.")
    return work
