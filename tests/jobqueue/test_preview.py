"""The next planned runs of an entry."""

from datetime import UTC, datetime, time, timedelta

import pytest

from jobqueue.preview import AFTER_EXPIRATION, IF_RELEASED, LATE, preview
from jobqueue.schedule import ScheduleError
from jobqueue.states import Anchor, Status
from tests.builders import NOW, make_entry, make_recurring_entry

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_a_held_entry_is_shown_as_if_it_were_released_now():
    runs = preview(make_recurring_entry(recurrence_anchor=Anchor.FIXED), now=NOW)
    assert len(runs) == 20
    assert [run.at for run in runs[:2]] == [NOW + HOUR, NOW + 2 * HOUR]
    assert (runs[0].notes, runs[1].notes) == ((IF_RELEASED,), ())


def test_a_scheduled_entry_begins_with_its_stored_start():
    entry = make_recurring_entry(status=Status.READY, earliest_start_at=NOW + timedelta(minutes=7))
    assert [run.at for run in preview(entry, now=NOW, count=3)] == [
        NOW + timedelta(minutes=minutes) for minutes in (7, 67, 127)
    ]


def test_after_a_retry_the_grid_goes_on():
    entry = make_recurring_entry(
        status=Status.READY, recurrence_anchor=Anchor.FIXED, attempts=1, max_attempts=3, due_at=NOW,
        earliest_start_at=NOW + timedelta(minutes=7),
    )  # fmt: skip
    first, second, *_ = preview(entry, now=NOW + timedelta(minutes=1), count=3)
    assert first.notes == ("retry 1 of 3 of the run due 2026-03-02 09:00:00",)
    assert second.at == NOW + HOUR


def test_an_entry_that_runs_once_has_one_run():
    entry = make_entry(status=Status.READY, earliest_start_at=NOW - HOUR)
    (run,) = preview(entry, now=NOW)
    assert (run.at, run.notes) == (NOW - HOUR, (LATE,))


def test_the_expiration_ends_the_preview():
    entry = make_recurring_entry(recurrence_anchor=Anchor.FIXED, expires_at=NOW + timedelta(minutes=150))
    runs = preview(entry, now=NOW)
    assert [run.will_run for run in runs] == [True, True, False]
    assert runs[-1].notes == (AFTER_EXPIRATION,)


def test_clock_changes_are_remarked():
    entry = make_recurring_entry(
        recurrence_anchor=Anchor.FIXED, time_zone="Europe/Copenhagen", minutes_between_runs=1440,
        starting_time=time(2, 30),
    )  # fmt: skip
    runs = preview(entry, now=datetime(2026, 3, 28, 12, tzinfo=UTC), count=1)
    assert runs[0].local.isoformat() == "2026-03-29T03:30:00+02:00"
    assert any("does not exist" in note for note in runs[0].notes)


def test_a_schedule_that_leads_nowhere_says_so():
    with pytest.raises(ScheduleError):
        preview(make_entry(next_run_date_formula="nonsense", recurring=True), now=NOW)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_no_more_than_asked_for(count):
    assert len(preview(make_recurring_entry(), now=NOW, count=count)) == count
