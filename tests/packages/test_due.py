"""Serving due times: overlap, late and missed runs, validity, two schedulers, and what is written down."""

from datetime import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.models import ScheduledTask
from packages import lifecycle
from packages.engine import due
from packages.models import Package, Run
from packages.states import MissedRun, OnError, Outcome, PackageStatus
from tests.packages.building import (
    DAY,
    FRIDAY_NOON,
    HOUR,
    MINUTE,
    NIGHTLY,
    SECOND,
    TOMORROW,
    TONIGHT,
    active,
    add_daily,
    add_line,
    boss_of,
    entries_of,
    last_run,
    mails,
    make_package,
    nightly,
    reloaded,
    results_of,
    run,
    runs_of,
    step,
    with_recipients,
)

pytestmark = pytest.mark.django_db


def rows(package):
    """Outcome, number of due times, first and last of them: every run and record, oldest first."""
    return [
        (row.outcome, row.gap_count, row.due_at, row.gap_last_due_at)
        for row in Run.objects.filter(package_uuid=package.uuid).order_by("number")
    ]


def hourly(*, until: time | None = None, failing=(), **values):
    """Every hour from 12:00 in Amsterdam (11:00 UTC)."""
    package = make_package(**values)
    for description, order in NIGHTLY[:2]:
        add_line(package, description, order, object_id=90002 if order in failing else 90001)
    add_daily(package, time(12, 0), ending_time=until, minutes_between_runs=60)
    return reloaded(package)


class TestSchedule:
    def test_setting_active_runs_nothing_and_shows_the_next_run(self):
        package = active(nightly())
        assert (package.status, package.next_run_at) == (PackageStatus.ACTIVE, TONIGHT)
        assert run(FRIDAY_NOON) == 0
        assert package.activated_by == package.created_by

    def test_the_next_run_is_the_first_due_time_after_the_end(self):
        package = active(nightly())
        run(TONIGHT)
        found = last_run(package)
        assert (found.due_at, found.started_at, found.late_seconds) == (TONIGHT, TONIGHT, 0)
        assert found.recurrence == "Every day at 22:00 (Europe/Amsterdam)"
        assert reloaded(package).next_run_at == TOMORROW

    def test_without_a_due_time_left_the_package_is_finished(self):
        package = make_package()
        add_line(package, "Import", 10)
        add_daily(package, valid_to="2026-11-20")
        active(package)
        run()
        package = reloaded(package)
        assert (package.status, package.next_run_at, package.last_outcome) == (
            PackageStatus.FINISHED,
            None,
            Outcome.SUCCESS,
        )
        assert package.status_changes.first().reason == "No due time is left."

    def test_stopping_by_error_goes_before_finishing(self):
        package = make_package()
        add_line(package, "Import", 10, object_id=90002)
        add_daily(package, valid_to="2026-11-20")
        active(package)
        run()
        assert reloaded(package).status == PackageStatus.ERROR

    def test_a_held_package_has_no_task(self):
        package = active(nightly())
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON)
        assert not ScheduledTask.objects.exists()
        assert run(TONIGHT) == 0


class TestOverlap:
    def test_due_times_of_a_long_run_are_one_skipped_record(self):
        package = with_recipients(hourly(until=time(18, 0)))
        active(package, now=FRIDAY_NOON - HOUR)
        step(FRIDAY_NOON)
        run(FRIDAY_NOON + 2 * HOUR + 10 * MINUTE)
        assert rows(package) == [
            (Outcome.SUCCESS, 1, FRIDAY_NOON, None),
            (Outcome.SKIPPED, 2, FRIDAY_NOON + HOUR, FRIDAY_NOON + 2 * HOUR),
        ]
        package = reloaded(package)
        assert (package.next_run_at, package.last_outcome) == (FRIDAY_NOON + 3 * HOUR, Outcome.SUCCESS)
        assert set(mails()) == {"bob", "cas"}

    def test_a_due_time_of_a_manual_run_is_skipped(self):
        package = active(nightly())
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT - MINUTE)
        step(TONIGHT)
        step(TONIGHT)
        run(TONIGHT + MINUTE)
        assert runs_of(package) == [("manual", Outcome.SUCCESS), ("scheduled", Outcome.SKIPPED)]
        assert reloaded(package).next_run_at == TOMORROW

    def test_a_hold_accounts_for_what_fell_due_before_it(self):
        package = active(hourly(until=time(18, 0)), now=FRIDAY_NOON - HOUR)
        step(FRIDAY_NOON)
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON + 90 * MINUTE)
        run(FRIDAY_NOON + 5 * HOUR)
        assert sorted(rows(package), key=lambda row: row[2]) == [
            (Outcome.STOPPED, 1, FRIDAY_NOON, None),
            (Outcome.SKIPPED, 1, FRIDAY_NOON + HOUR, None),
        ]


class TestLate:
    def test_within_the_tolerance_it_is_an_ordinary_run(self):
        package = active(nightly())
        run(TONIGHT + 5 * MINUTE)
        assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]
        assert mails() == {}

    @pytest.mark.parametrize(
        ("waited", "trigger"), [(2 * SECOND, "scheduled"), (MINUTE, "late")], ids=["at once", "late"]
    )
    def test_with_a_tolerance_of_zero_a_start_at_once_is_in_time(self, waited, trigger):
        package = active(nightly(late_tolerance_minutes=0))
        run(TONIGHT + waited)
        assert runs_of(package) == [(trigger, Outcome.SUCCESS)]

    def test_run_late_is_one_run_with_the_original_due_time(self):
        package = with_recipients(nightly(), [("mia", "package_missed")])
        active(package)
        run(TONIGHT + 3 * DAY + HOUR)
        found = last_run(package)
        assert (found.trigger, found.outcome, found.due_at) == ("late", Outcome.SUCCESS, TONIGHT)
        assert found.late_seconds == (3 * DAY + HOUR).total_seconds()
        assert "4 due times" in found.message
        assert reloaded(package).next_run_at == TONIGHT + 4 * DAY
        assert mails() == {"mia": [("package_missed",)]}

    def test_a_grid_is_not_started_after_its_window(self):
        package = with_recipients(hourly(until=time(14, 0)), [("mia", "package_missed")])
        active(package, now=FRIDAY_NOON - HOUR)
        run(FRIDAY_NOON + 5 * HOUR)
        assert rows(package) == [(Outcome.MISSED, 3, FRIDAY_NOON, FRIDAY_NOON + 2 * HOUR)]
        package = reloaded(package)
        assert (package.status, package.next_run_at, package.last_outcome) == (
            PackageStatus.ACTIVE,
            FRIDAY_NOON + DAY,
            "",
        )
        assert mails() == {"mia": [("package_missed",)]}

    def test_a_grid_whose_window_is_open_runs_late_once(self):
        package = active(hourly(until=time(18, 0)), now=FRIDAY_NOON - HOUR)
        run(FRIDAY_NOON + 2 * HOUR + 30 * MINUTE)
        found = last_run(package)
        assert (found.trigger, found.due_at) == ("late", FRIDAY_NOON)
        assert len(runs_of(package)) == 1
        assert reloaded(package).next_run_at == FRIDAY_NOON + 3 * HOUR

    def test_after_a_long_outage_of_a_dense_grid_a_start_asks_no_more_than_after_a_short_one(self):
        asked = []
        for name, outage in (("Short", 10 * MINUTE), ("Long", 10 * HOUR)):
            package = make_package(name)
            add_line(package, "Import", 10)
            add_daily(package, time(12, 0), minutes_between_runs=1)
            package = active(package, now=FRIDAY_NOON)
            with CaptureQueriesContext(connection) as queries:
                started = due.start_due(package.task_id, now=FRIDAY_NOON + outage)
            assert f"{int(outage / MINUTE)} due times" in started.message
            asked.append(len(queries))
        assert asked[0] == asked[1]

    def test_the_last_slot_of_a_grid_is_served_moments_after_its_window(self):
        package = active(hourly(until=time(13, 0)), now=FRIDAY_NOON + MINUTE)
        run(FRIDAY_NOON + HOUR + 2 * SECOND)
        assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]

    def test_skip_writes_one_missed_record_and_waits_for_the_next(self):
        package = active(nightly(missed_run=MissedRun.SKIP))
        run(TONIGHT + 3 * DAY + HOUR)
        assert rows(package) == [(Outcome.MISSED, 4, TONIGHT, TONIGHT + 3 * DAY)]
        assert reloaded(package).next_run_at == TONIGHT + 4 * DAY
        assert reloaded(package).status == PackageStatus.ACTIVE

    def test_time_on_hold_produces_no_missed_runs(self):
        package = active(nightly())
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON + HOUR)
        active(package, now=TONIGHT + 2 * DAY + HOUR)
        run(TONIGHT + 2 * DAY + HOUR)
        assert runs_of(package) == []

    def test_missed_without_a_due_time_left_finishes_the_package(self):
        package = make_package(missed_run=MissedRun.SKIP)
        add_line(package, "Import", 10)
        add_daily(package, valid_to="2026-11-20")
        active(package)
        run(TONIGHT + DAY)
        assert reloaded(package).status == PackageStatus.FINISHED


class TestMoved:
    """Next Run was stored under older time-zone data, and is no due time of the package any more."""

    @staticmethod
    def stored(at, **values):
        package = active(nightly(**values))
        Package.objects.filter(pk=package.pk).update(next_run_at=at)
        ScheduledTask.objects.filter(pk=package.task_id).update(not_before=at, rank=at)
        return package

    def test_a_due_time_that_moved_before_it_is_run_late_once(self):
        package = self.stored(TONIGHT + HOUR)
        run(TONIGHT + HOUR)
        found = last_run(package)
        assert (found.trigger, found.outcome, found.due_at) == ("late", Outcome.SUCCESS, TONIGHT)
        run(TONIGHT + 2 * HOUR)
        assert len(runs_of(package)) == 1
        assert reloaded(package).next_run_at == TOMORROW

    def test_or_recorded_as_missed_where_missed_runs_are_skipped(self):
        package = self.stored(TONIGHT + HOUR, missed_run=MissedRun.SKIP)
        run(TONIGHT + HOUR)
        assert rows(package) == [(Outcome.MISSED, 1, TONIGHT, None)]
        assert reloaded(package).next_run_at == TOMORROW

    def test_a_due_time_that_moved_behind_it_is_waited_for(self):
        package = self.stored(TONIGHT - HOUR)
        run(TONIGHT - HOUR)
        assert runs_of(package) == []
        assert reloaded(package).next_run_at == TONIGHT
        run(TONIGHT)
        assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]

    def test_and_the_night_before_is_not_run_again(self):
        package = active(nightly())
        run(TONIGHT)
        Run.objects.update(due_at=TONIGHT - HOUR)
        package = reloaded(package)
        early = TOMORROW - HOUR
        Package.objects.filter(pk=package.pk).update(next_run_at=early)
        ScheduledTask.objects.filter(pk=package.task_id).update(not_before=early, rank=early)
        run(early)
        run(TOMORROW)
        assert [row[2] for row in rows(package)] == [TONIGHT - HOUR, TOMORROW]


class TestTwice:
    def test_a_due_time_is_served_once_however_often_it_is_claimed(self):
        package = active(nightly())
        task = package.task_id
        assert due.start_due(task, now=TONIGHT) is not None
        assert due.start_due(task, now=TONIGHT) is None
        run()
        assert runs_of(package) == [("scheduled", Outcome.SUCCESS)]

    def test_a_task_of_an_earlier_activation_changes_nothing(self):
        package = active(nightly())
        old = package.task_id
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON)
        active(package)
        assert due.start_due(old, now=TONIGHT) is None
        assert runs_of(package) == []

    def test_a_deleted_package_is_no_error(self):
        package = active(nightly())
        task = package.task_id
        lifecycle.set_on_hold(package, actor=boss_of(package), now=FRIDAY_NOON)
        lifecycle.delete_package(package, actor=boss_of(package))
        assert due.start_due(task, now=TONIGHT) is None


def test_clock_changes_keep_the_time_of_day():
    package = make_package(time_zone="Europe/Amsterdam")
    add_line(package, "Import", 10)
    add_daily(package, time(2, 30))
    spring = TONIGHT.replace(year=2026, month=3, day=28, hour=12)
    active(package, now=spring)
    seen = []
    for _ in range(3):
        at = reloaded(package).next_run_at
        assert at is not None
        seen.append(f"{at:%d %H:%M}")
        run(at)
    assert seen == ["29 01:30", "30 00:30", "31 00:30"]


def test_a_failing_line_keeps_its_message_on_the_entry_until_the_next_run_begins():
    package = active(nightly(failing=(20,), on_error=OnError.CONTINUE))
    run()
    assert entries_of(package)[1].error_message
    type(entries_of(package)[1]).objects.filter(pk=entries_of(package)[1].pk).update(object_id=90001)
    run(TOMORROW)
    assert entries_of(package)[1].error_message == ""
    assert results_of(last_run(package)) == ["Success"] * 4
