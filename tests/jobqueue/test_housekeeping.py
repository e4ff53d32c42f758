"""Housekeeping: stale entries and rows, lost tasks, the watch and the clean-up job."""

from datetime import timedelta

import pytest

from jobqueue import events, housekeeping, lifecycle
from jobqueue.errors import NotAllowed
from jobqueue.models import Category, Entry, ErrorMessageRegister, LogEntry, ScheduledTask
from jobqueue.states import Anchor, LogStatus, Status
from tests.builders import (
    NOW,
    actor_of,
    default_company,
    make_category,
    make_entry,
    make_log_entry,
    make_superuser,
    make_user,
)
from tests.jobqueue.driving import (
    HOUR,
    MINUTE,
    SECOND,
    connected,
    ready_entry,
    reload,
    rows_of,
    run,
    run_once,
    status_of,
)

pytestmark = pytest.mark.django_db

OLD = NOW - 11 * MINUTE


@pytest.fixture
def company():
    return default_company()


def check(company, now=NOW) -> int:
    return housekeeping.check_stale(company, actor=actor_of(make_superuser()), now=now)


# --- stale detection


@pytest.mark.parametrize("status", [Status.READY, Status.IN_PROCESS])
def test_an_entry_without_a_task_for_ten_minutes_is_stale(company, status):
    entry = make_entry(status=status, modified_at=OLD)
    stale = []
    with connected(events.after_stale, lambda entry, **_: stale.append(entry.pk)):
        assert check(company) == 1
    entry = reload(entry)
    assert entry.status == Status.ERROR
    assert entry.error_message == housekeeping.STOPPED
    assert stale == [entry.pk]
    assert check(company) == 0


@pytest.mark.parametrize(
    "status", [Status.WAITING, Status.ON_HOLD, Status.INACTIVITY, Status.ERROR, Status.FINISHED]
)
def test_other_statuses_are_not_examined(company, status):
    make_entry(status=status, modified_at=OLD)
    assert check(company) == 0


def test_a_sleeping_entry_that_lost_its_alarm_is_scheduled_again_by_the_check(company):
    entry = make_entry(status=Status.INACTIVITY, recurring=True, earliest_start_at=NOW + 30 * MINUTE)
    assert check(company) == 0
    entry = reload(entry)
    assert (entry.status, entry.earliest_start_at) == (Status.INACTIVITY, NOW + 30 * MINUTE)
    assert ScheduledTask.objects.get(pk=entry.system_task_id).is_ready


def test_only_administrators_check_for_stale_jobs(company):
    operator = make_user(groups=["Scheduler"])
    with pytest.raises(NotAllowed):
        housekeeping.check_stale(company, actor=actor_of(operator), now=NOW)


def test_an_entry_changed_lately_is_left_alone(company):
    make_entry(status=Status.READY, modified_at=NOW - 9 * MINUTE)
    assert check(company) == 0


def test_an_entry_with_a_task_is_left_alone(company):
    entry = ready_entry()
    Entry.objects.filter(pk=entry.pk).update(modified_at=OLD)
    assert check(company) == 0


def test_an_extension_may_allow_more_time(company):
    make_entry(status=Status.READY, modified_at=OLD)
    with connected(events.stale_delay, lambda **_: 60):
        assert check(company) == 0
    with connected(events.stale_delay, lambda **_: 11):
        assert check(company, now=NOW + MINUTE) == 1


def test_a_row_in_process_whose_task_is_gone_is_settled_as_an_error(company):
    row = make_log_entry(status=LogStatus.IN_PROCESS, modified_at=OLD, started_at=OLD)
    assert check(company) == 1
    row = LogEntry.objects.get(pk=row.pk)
    assert (row.status, row.is_final, row.ended_at) == (LogStatus.ERROR, True, OLD)
    assert row.error_message == housekeeping.STOPPED


def test_a_row_whose_task_is_alive_is_left_alone(company):
    entry = ready_entry()
    make_log_entry(entry, status=LogStatus.IN_PROCESS, modified_at=OLD, system_task_id=entry.system_task_id)
    assert check(company) == 0


def test_a_row_that_changes_meanwhile_does_not_stop_the_others(company, monkeypatch):
    entries = [make_entry(status=Status.READY, modified_at=OLD) for _ in range(3)]
    stop = housekeeping._stop_stale_entry

    def fail_for_the_second(entry, **named):
        if entry.pk == entries[1].pk:
            raise ValueError
        return stop(entry, **named)

    monkeypatch.setattr(housekeeping, "_stop_stale_entry", fail_for_the_second)
    assert check(company) == 2


# --- the clean-up job


def test_the_clean_up_job_puts_everything_in_order(company):
    category = make_category("BANK", recovery_task_at=NOW - HOUR)
    alive = ready_entry()
    make_log_entry(
        alive, status=LogStatus.IN_PROCESS, category_code="BANK", system_task_id=alive.system_task_id
    )
    make_entry(category_code="BANK", status=Status.WAITING, expires_at=NOW + HOUR)
    expired = make_entry(category_code="BANK", status=Status.WAITING, expires_at=NOW - SECOND, due_at=OLD)
    sleeper = make_entry(status=Status.INACTIVITY, recurring=True, earliest_start_at=NOW + HOUR)
    unused = ErrorMessageRegister.objects.create(company=company, created_at=NOW - timedelta(days=2))
    done = housekeeping.clean_up(company, now=NOW)
    assert {words: count for words, count in done.items() if count} == {
        "recovery tasks made again": 1,
        "sleeping entries scheduled again": 1,
        "expired waiting entries deleted": 1,
        "error messages without a log entry deleted": 1,
    }
    assert Category.objects.get(pk=category.pk).recovery_task_at == NOW + 20 * MINUTE
    assert status_of(expired) is None
    assert [row.status for row in rows_of(expired)] == [LogStatus.SKIPPED]
    sleeper = reload(sleeper)
    assert (sleeper.status, sleeper.earliest_start_at) == (Status.INACTIVITY, NOW + HOUR)
    assert ScheduledTask.objects.filter(pk=sleeper.system_task_id).exists()
    assert not ErrorMessageRegister.objects.filter(pk=unused.pk).exists()


def test_a_sleeper_without_an_alarm_sleeps_on(company):
    make_entry(status=Status.INACTIVITY, recurring=True, inactivity_timeout_minutes=0)
    assert housekeeping.clean_up(company, now=NOW)["sleeping entries scheduled again"] == 0


def test_every_company_gets_one_clean_up_job_of_the_system_identity(company):
    entry = housekeeping.ensure_clean_up_entry(company, now=NOW + 30 * SECOND)
    assert housekeeping.ensure_clean_up_entry(company, now=NOW + MINUTE) is None
    entry = reload(entry)
    assert (entry.is_system, entry.user, entry.status) == (True, None, Status.READY)
    assert (entry.minutes_between_runs, len(entry.weekdays)) == (1440, 7)
    assert (entry.starting_time.isoformat(), entry.recurrence_anchor) == ("09:00:00", Anchor.FIXED)
    assert run(NOW + MINUTE) >= 1
    entry = reload(entry)
    assert (entry.status, entry.due_at) == (Status.READY, NOW + timedelta(days=1))


@pytest.mark.parametrize("status", [Status.ERROR, Status.READY])
def test_a_clean_up_job_that_stopped_is_started_again(company, status):
    entry = housekeeping.ensure_clean_up_entry(company, now=NOW)
    ScheduledTask.objects.all().delete()
    Entry.objects.filter(pk=entry.pk).update(status=status, system_task_id=None)
    assert housekeeping.ensure_clean_up_entry(company, now=NOW + HOUR) is not None
    assert status_of(entry) == Status.READY


def test_a_clean_up_job_an_administrator_holds_stays_on_hold(company):
    entry = housekeeping.ensure_clean_up_entry(company, now=NOW)
    lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()), now=NOW)
    assert housekeeping.ensure_clean_up_entry(company, now=NOW + HOUR) is None


# --- the watch


def test_the_watch_keeps_itself_going_and_is_never_doubled(company):
    housekeeping.ensure_watch(NOW)
    housekeeping.ensure_watch(NOW)
    watches = ScheduledTask.objects.filter(main_routine=housekeeping.WATCH_ROUTINE)
    assert watches.count() == 1
    for minute in range(3):
        run_once(NOW + minute * MINUTE + SECOND)
        assert watches.count() == 1
    assert Entry.objects.filter(object_id=housekeeping.CLEAN_UP_OBJECT).count() == 1


def test_the_watch_stops_a_run_nobody_stands_behind(company):
    entry = make_entry(status=Status.IN_PROCESS, modified_at=OLD, due_at=OLD)
    make_log_entry(entry, status=LogStatus.IN_PROCESS, modified_at=OLD, due_at=OLD)
    housekeeping.ensure_watch(NOW)
    run_once(NOW)
    assert status_of(entry) == Status.ERROR
    assert [(row.status, row.is_final) for row in rows_of(entry)] == [(LogStatus.ERROR, True)]


def test_the_watch_wakes_waiting_entries_nobody_stands_before(company):
    make_category("BANK")
    in_category = make_entry(
        category_code="BANK", status=Status.WAITING, system_task_id=ready_entry().system_task_id
    )
    alone = make_entry(status=Status.WAITING, system_task_id=ready_entry().system_task_id)
    housekeeping.wake_waiting(company, now=NOW)
    assert {status_of(in_category), status_of(alone)} == {Status.READY}


def test_a_hold_ends_at_its_moment_and_the_entry_runs_as_its_user():
    entry = ready_entry(recurring=True)
    lifecycle.set_on_hold(entry, actor=actor_of(entry.user), until=NOW + HOUR, now=NOW)
    run(NOW + 59 * MINUTE)
    assert status_of(entry) == Status.ON_HOLD
    run(NOW + HOUR)
    entry = reload(entry)
    assert (entry.status, entry.user_id, entry.held_until) == (Status.READY, entry.user_id, None)
