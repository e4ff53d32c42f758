"""When a monitored job is due next, by its entry's own anchor.

Source: *Refresher reference, Next due time*; decision on the refresher's due times.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from jobqueue.events import Draft, after_next_run, ask, before_next_run
from jobqueue.models import Entry, LogEntry
from jobqueue.schedule import initial_run, next_after_completion, next_fixed
from jobqueue.states import Anchor, LogStatus, Origin
from jobqueue.validation import recurrence_of
from refresher.models import MonitoredJob

GRID = timedelta(minutes=3)
SAME = timedelta(seconds=2)
"""Two moments closer than this are the same: enqueueing puts a start up to a second off."""

_BY_SCHEDULE = (Origin.SCHEDULE, Origin.RETRY)


@dataclass(frozen=True, slots=True)
class Due:
    """The next due time: as the schedule has it, and as a restart now would plan it. Aware, UTC."""

    computed: datetime
    planned: datetime

    def fits(self, start: datetime) -> bool:
        """Whether an entry that starts at ``start`` is scheduled correctly."""
        return any(in_bracket(start, due) for due in {self.computed, self.planned})


def next_due(entry: Entry, *, not_before: datetime | None, now: datetime) -> Due:
    """The next due time of the entry as it shall be; ``not_before`` is the template's first run.

    Fixed times go on from the last due moment of the ledger, after completion counts from the end of the last run that
    was not an error. Without one it is the first run of an entry set ready now, or at ``not_before`` if that is still
    to come. Raises ``ScheduleError``.
    """
    recurrence = recurrence_of(entry)
    at = _after_last_run(entry, now=now)
    if at is None:
        wanted = not_before if not_before is not None and not_before > now else None
        at = initial_run(recurrence, now=now, earliest_start=wanted)
    planned = initial_run(recurrence, now=now, earliest_start=at)
    return Due(computed=max(at, now), planned=planned)


def starts_again_after_error(entry: Entry, job: MonitoredJob, *, starts_at: datetime) -> bool:
    """Whether the last run failed for good and auto-reschedule put the start off by its delay."""
    if not job.auto_reschedule:
        return False
    last = LogEntry.objects.filter(entry_id=entry.id, is_final=True).order_by("-entry_no").first()
    if last is None or last.status != LogStatus.ERROR or last.ended_at is None:
        return False
    not_before = last.ended_at + timedelta(seconds=job.auto_reschedule_delay_seconds)
    planned = initial_run(recurrence_of(entry), now=last.ended_at, earliest_start=not_before)
    return abs(starts_at - planned) <= GRID


def in_bracket(start: datetime, due: datetime) -> bool:
    """Whether a start lies between the due time rounded down and rounded up to multiples of three minutes."""
    return abs(start - due) <= SAME or _floor(due) <= start <= _ceiling(due)


def _after_last_run(entry: Entry, *, now: datetime) -> datetime | None:
    if entry.pk is None:
        return None
    last = _last_row(entry, now=now)
    if last is None:
        return None
    base = last.ended_at or last.due_at
    draft = Draft(moment=None)
    ask(before_next_run, entry=entry, base=base, draft=draft)
    at = draft.moment
    if at is None:
        at = _by_anchor(entry, last, now=now)
    draft = Draft(moment=at)
    ask(after_next_run, entry=entry, base=base, draft=draft)
    return draft.moment


def _by_anchor(entry: Entry, last: LogEntry, *, now: datetime) -> datetime:
    recurrence = recurrence_of(entry)
    if recurrence.anchor == Anchor.FIXED:
        return next_fixed(recurrence, due=last.gap_last_due_at or last.due_at, now=now)
    assert last.ended_at is not None
    return next_after_completion(
        recurrence, finished_at=last.ended_at, earliest_start=entry.earliest_start_at
    )


def _last_row(entry: Entry, *, now: datetime) -> LogEntry | None:
    """The row the schedule goes on from; extra runs people asked for do not count."""
    rows = LogEntry.objects.filter(entry_id=entry.id, is_final=True)
    if entry.recurrence_anchor == Anchor.FIXED:
        by_schedule = Q(origin__in=_BY_SCHEDULE) | Q(status__in=(LogStatus.SKIPPED, LogStatus.MISSED))
        return rows.filter(by_schedule, due_at__lte=now).order_by("-due_at").first()
    ended = rows.filter(origin__in=_BY_SCHEDULE, ended_at__isnull=False)
    return ended.filter(status__in=(LogStatus.SUCCESS, LogStatus.CANCELLED)).order_by("-ended_at").first()


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def _floor(moment: datetime) -> datetime:
    return moment - (moment - _EPOCH) % GRID


def _ceiling(moment: datetime) -> datetime:
    floor = _floor(moment)
    return floor if floor == moment else floor + GRID
