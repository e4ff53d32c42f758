"""The ledger: one final row per due moment, whatever happens to it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from jobqueue import ledger, lifecycle
from jobqueue.models import LogEntry
from jobqueue.schedule import Gap
from jobqueue.states import LogStatus
from tests.builders import NOW, actor_of, make_entry, make_log_entry
from tests.jobobjects import jobs
from tests.jobqueue.driving import HOUR, MINUTE, SECOND, outcomes_of, ready_entry, reload, rows_of, run

pytestmark = pytest.mark.django_db


def test_a_gap_is_one_row_with_count_first_and_last():
    entry = make_entry()
    gap = Gap(count=3, first_due=NOW, last_due=NOW + 2 * HOUR)
    row = ledger.record_gap(entry, gap, status=LogStatus.MISSED, reason="Power cut", now=NOW + 3 * HOUR)
    assert (row.gap_count, row.due_at, row.gap_last_due_at) == (3, NOW, NOW + 2 * HOUR)
    assert (row.is_final, row.reason, row.started_at) == (True, "Power cut", None)


def test_a_settled_due_moment_is_not_settled_again():
    entry = make_entry()
    assert ledger.record_skip(entry, due_at=NOW, reason="a", now=NOW) is not None
    assert ledger.record_skip(entry, due_at=NOW, reason="b", now=NOW) is None
    assert len(rows_of(entry)) == 1


def test_the_database_refuses_a_second_final_row():
    entry = make_entry()
    make_log_entry(entry, due_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_log_entry(entry, due_at=NOW, attempt=1)


def test_closing_a_due_moment_that_did_not_come_writes_nothing():
    entry = make_entry(due_at=NOW + HOUR)
    ledger.close_due_moment(entry, reason="held", now=NOW)
    assert rows_of(entry) == []


def test_closing_a_due_moment_that_came_skips_it_once():
    entry = make_entry(due_at=NOW)
    for _ in range(2):
        ledger.close_due_moment(entry, reason="Set On Hold by ann", now=NOW + SECOND)
    assert [(row.status, row.reason) for row in rows_of(entry)] == [(LogStatus.SKIPPED, "Set On Hold by ann")]


def test_closing_during_a_retry_makes_the_last_attempt_final():
    entry = ready_entry(object_id=jobs.FAILURE, max_attempts=3)
    run()
    assert outcomes_of(entry) == [("Error", False)]
    lifecycle.set_on_hold(reload(entry), actor=actor_of(entry.user), now=NOW + MINUTE)
    assert outcomes_of(entry) == [("Error", True)]


def test_settling_a_row_that_is_no_longer_in_process_does_nothing():
    row = make_log_entry(status=LogStatus.ERROR)
    assert not ledger.settle(row.entry_no, status=LogStatus.SUCCESS, ended_at=NOW)
    assert LogEntry.objects.get(pk=row.pk).status == LogStatus.ERROR


def test_a_moment_that_was_served_before_gets_another_a_microsecond_later():
    entry = make_entry()
    make_log_entry(entry, due_at=NOW)
    assert ledger.free_due_moment(entry.id, NOW) == NOW + timedelta(microseconds=1)
    assert ledger.free_due_moment(entry.id, NOW + SECOND) == NOW + SECOND


def test_an_entry_started_twice_for_the_same_moment_has_two_rows():
    entry = ready_entry(object_id=jobs.FAILURE)
    run()
    lifecycle.restart(reload(entry), actor=actor_of(entry.user), now=NOW)
    run()
    assert outcomes_of(entry) == [("Error", True), ("Error", True)]


def test_every_due_moment_of_a_busy_day_has_exactly_one_final_row():
    entry = ready_entry(
        recurring=True, recurrence_anchor="fixed", minutes_between_runs=10, starting_time=None
    )
    moment = entry.due_at
    for step in (0, 1, 2, 5, 6, 20, 21):
        run(moment + step * 10 * MINUTE)
    rows = [row for row in rows_of(entry) if row.is_final]
    covered = []
    for row in rows:
        covered += [row.due_at + number * 10 * MINUTE for number in range(row.gap_count)]
    assert sorted(covered) == [moment + step * 10 * MINUTE for step in range(22)]


def test_closing_skips_the_fixed_times_that_came_meanwhile_with_the_due_moment():
    entry = ready_entry(recurring=True, recurrence_anchor="fixed", minutes_between_runs=10)
    due = entry.due_at
    lifecycle.set_on_hold(entry, actor=actor_of(entry.user), now=due + 25 * MINUTE)
    row = rows_of(entry)[0]
    assert (row.status, row.due_at, row.gap_count, row.gap_last_due_at) == (
        LogStatus.SKIPPED,
        due,
        3,
        due + 20 * MINUTE,
    )
