"""The dispatcher through the public verbs: one test per transition of an entry, and the ledger after each."""

from datetime import UTC, datetime, time, timedelta

import pytest

from jobqueue import events, lifecycle
from jobqueue.models import Entry, LogEntry, LogLine, ReportDocument, ScheduledTask
from jobqueue.scheduler import create_task
from jobqueue.states import Anchor, HoldKind, LogStatus, MissedRuns, ObjectType, Origin, OutputType, Status
from tests.builders import (
    NOW,
    actor_of,
    make_company,
    make_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects import jobs
from tests.jobobjects.models import Effect
from tests.jobqueue.driving import (
    HOUR,
    MINUTE,
    SECOND,
    connected,
    outcomes_of,
    ready_entry,
    reload,
    rows_of,
    run,
    run_once,
    status_of,
    task_of,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def recurring(**fields):
    return ready_entry(**{"recurring": True, "minutes_between_runs": 60, **fields})


# --- In Process and what follows


def test_a_one_off_entry_is_deleted_after_its_success():
    entry = ready_entry()
    assert run() == 1
    assert status_of(entry) is None
    assert outcomes_of(entry) == [("Success", True)]
    assert not ScheduledTask.objects.exists()


def test_the_ledger_row_tells_when_who_and_what():
    entry = ready_entry(parameter_string="a=1", category_code="", object_id=jobs.EFFECT)
    run()
    row = rows_of(entry)[0]
    assert (row.due_at, row.started_at, row.ended_at) == (NOW + SECOND,) * 3
    assert (row.user_id, row.object_id, row.object_caption) == (
        entry.user_id,
        jobs.EFFECT,
        "Write one effect",
    )
    assert (row.parameter_string, row.origin, row.attempt) == ("a=1", Origin.SCHEDULE, 0)
    assert row.system_task_id == entry.system_task_id


def test_a_recurring_entry_is_ready_for_its_next_run_counted_from_the_end():
    entry = recurring()
    run(NOW + 10 * MINUTE)
    entry = reload(entry)
    assert entry.status == Status.READY
    assert entry.earliest_start_at == entry.due_at == NOW + 70 * MINUTE
    assert task_of(entry).not_before == NOW + 70 * MINUTE
    assert entry.user_session_started_at is None


def test_the_next_task_keeps_timeout_priority_and_user():
    entry = recurring(timeout_seconds=77, priority=-1)
    run()
    task = task_of(entry)
    assert (task.timeout_seconds, task.priority, task.user_id) == (77, -1, entry.user_id)
    assert task.rank == task.not_before - 5 * MINUTE


def test_fixed_times_do_not_drift():
    entry = recurring(recurrence_anchor=Anchor.FIXED, starting_time=time(8), earliest_start_at=NOW)
    assert entry.due_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    run(NOW + HOUR + 10 * SECOND)
    assert reload(entry).due_at == datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_a_success_resets_the_attempts():
    entry = recurring(max_attempts=3)
    Entry.objects.filter(pk=entry.pk).update(attempts=2)
    run()
    assert reload(entry).attempts == 0


def test_a_run_clears_the_error_of_the_run_before():
    entry = recurring(error_message="Old trouble.")
    Entry.objects.filter(pk=entry.pk).update(error_message="Old trouble.")
    run()
    assert reload(entry).error_message == ""


def test_a_hold_set_while_the_job_runs_survives_its_success():
    entry = recurring(object_id=jobs.EFFECT)

    def hold(**_):
        lifecycle.set_on_hold(entry, actor=actor_of(entry.user), reason="Audit", now=NOW + SECOND)

    with connected(events.before_execute, hold):
        run()
    entry = reload(entry)
    assert (entry.status, entry.hold_reason, entry.hold_kind) == (Status.ON_HOLD, "Audit", HoldKind.MANUAL)
    assert entry.system_task_id is None
    assert outcomes_of(entry) == [("Success", True)]
    assert not ScheduledTask.objects.exists()


def test_a_one_off_entry_held_while_it_ran_is_not_deleted():
    entry = ready_entry()

    def hold(**_):
        lifecycle.set_on_hold(entry, actor=actor_of(entry.user), now=NOW + SECOND)

    with connected(events.before_execute, hold):
        run()
    assert status_of(entry) == Status.ON_HOLD


def test_a_job_may_put_its_recurring_entry_on_hold():
    entry = recurring(object_id=jobs.HOLD)
    run()
    entry = reload(entry)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.PROGRAM)
    assert entry.hold_reason == "The price list needs approval."


def test_a_one_off_entry_ignores_the_wishes_of_its_job():
    for object_id in (jobs.HOLD, jobs.INACTIVITY):
        entry = ready_entry(object_id=object_id)
        run()
        assert status_of(entry) is None


def test_a_job_that_found_nothing_sleeps_for_the_inactivity_period():
    entry = recurring(object_id=jobs.INACTIVITY, inactivity_timeout_minutes=30)
    run()
    entry = reload(entry)
    assert (entry.status, entry.earliest_start_at) == (Status.INACTIVITY, NOW + SECOND + 30 * MINUTE)
    assert task_of(entry).not_before == entry.earliest_start_at
    run(entry.earliest_start_at)
    assert [row.status for row in rows_of(entry)] == [LogStatus.SUCCESS] * 2


def test_a_period_of_zero_sleeps_without_an_alarm():
    entry = recurring(object_id=jobs.INACTIVITY, inactivity_timeout_minutes=0)
    run()
    entry = reload(entry)
    assert (entry.status, entry.system_task_id) == (Status.INACTIVITY, None)


def test_manual_recurrence_leaves_the_status_to_the_program():
    entry = recurring(manual_recurrence=True)
    run()
    assert status_of(entry) == Status.IN_PROCESS
    held = recurring(manual_recurrence=True, object_id=jobs.HOLD)
    run()
    assert status_of(held) == Status.ON_HOLD


def test_an_entry_deleted_under_its_run_leaves_an_error_in_the_ledger():
    entry = ready_entry()

    def delete(**_):
        Entry.objects.filter(pk=entry.pk).delete()

    with connected(events.before_execute, delete):
        run()
    row = rows_of(entry)[0]
    assert (row.status, row.is_final) == (LogStatus.ERROR, True)
    assert row.error_message == "The entry was deleted while it ran."


def test_a_formula_that_leads_nowhere_stops_the_entry_with_a_message():
    entry = make_entry(status=Status.ON_HOLD, recurring=True, next_run_date_formula="1D")
    entry = lifecycle.set_ready(entry, actor=actor_of(entry.user), now=NOW)
    Entry.objects.filter(pk=entry.pk).update(next_run_date_formula="-2Y")
    run()
    entry = reload(entry)
    assert entry.status == Status.ERROR
    assert "no next run" in entry.error_message
    assert outcomes_of(entry) == [("Success", True)]


# --- gates that are closed


def test_an_expired_entry_is_deleted_and_its_due_moment_skipped():
    entry = recurring(expires_at=NOW + 2 * MINUTE)
    run(NOW + 3 * MINUTE)
    assert status_of(entry) is None
    row = rows_of(entry)[0]
    assert (row.status, row.is_final, row.due_at) == (LogStatus.SKIPPED, True, NOW + SECOND)
    assert row.reason.startswith("Expired at 2026-03-02 09:02")


def test_an_entry_that_expires_at_this_very_moment_still_runs():
    entry = ready_entry(expires_at=NOW + SECOND)
    run()
    assert outcomes_of(entry) == [("Success", True)]


def test_outside_its_window_an_entry_is_moved_to_the_next_opening_and_keeps_its_timeout():
    entry = recurring(
        starting_time=time(8), ending_time=time(17), timeout_seconds=99, missed_runs=MissedRuns.RUN_ONCE_LATE
    )
    run(NOW + 9 * HOUR)
    entry = reload(entry)
    assert (entry.status, entry.earliest_start_at) == (Status.READY, datetime(2026, 3, 3, 8, tzinfo=UTC))
    assert task_of(entry).timeout_seconds == 99
    assert rows_of(entry) == []
    run(entry.earliest_start_at)
    assert [(row.due_at, row.started_at) for row in rows_of(entry)] == [
        (NOW + SECOND, datetime(2026, 3, 3, 8, tzinfo=UTC))
    ]


def test_a_formula_entry_outside_its_window_waits_for_the_opening_instead_of_spinning():
    entry = make_entry(recurring=True, next_run_date_formula="1D", starting_time=time(8))
    early = datetime(2026, 3, 2, 6, tzinfo=UTC)
    entry = lifecycle.set_ready(entry, actor=actor_of(entry.user), now=early)
    run(early + 2 * SECOND)
    assert reload(entry).earliest_start_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_fixed_due_moment_outside_the_window_is_skipped_for_the_next_one():
    entry = recurring(
        recurrence_anchor=Anchor.FIXED, starting_time=time(8), ending_time=time(17), minutes_between_runs=60
    )
    run(NOW + 9 * HOUR)
    row = rows_of(entry)[0]
    assert (row.status, row.gap_count) == (LogStatus.SKIPPED, 8)
    assert (row.due_at, row.gap_last_due_at) == (NOW + HOUR, NOW + 8 * HOUR)
    assert reload(entry).due_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_an_extension_may_skip_a_run_of_a_recurring_entry():
    entry = recurring()
    with connected(events.before_run, lambda **_: True):
        run()
    assert outcomes_of(entry) == [("Skipped", True)]
    assert reload(entry).earliest_start_at == NOW + SECOND + HOUR


def test_an_extension_that_skips_a_one_off_run_leaves_it_on_hold_with_the_reason():
    entry = ready_entry()
    with connected(events.is_ready_to_start, lambda **_: False):
        run()
    entry = reload(entry)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.PROGRAM)
    assert outcomes_of(entry) == [("Skipped", True)]


def test_an_owned_entry_is_started_only_by_its_owner():
    entry = make_entry(owner_kind="package line", owner_reference="7")
    task = create_task(
        "jobqueue.dispatch", failure_routine="jobqueue.handle_error", record=entry.id, not_before=NOW
    )
    Entry.objects.filter(pk=entry.pk).update(
        status=Status.READY, system_task_id=task, due_at=NOW, earliest_start_at=NOW, hold_kind=""
    )
    run()
    entry = reload(entry)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.OWNER)
    assert outcomes_of(entry) == [("Skipped", True)]


def test_an_owned_entry_started_by_its_owner_runs_and_waits_for_the_owner():
    entry = make_entry(owner_kind="package line", owner_reference="7")
    lifecycle.set_ready(
        entry, actor=actor_of(None, origin=Origin.PROGRAM), as_owner=True, owner_run="r1", now=NOW
    )
    told = []
    with connected(events.finished_owned, lambda succeeded, final, **_: told.append((succeeded, final))):
        run()
    entry = reload(entry)
    assert told == [(True, True)]
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.OWNER)
    assert outcomes_of(entry) == [("Success", True)]


def test_the_task_of_a_deleted_entry_does_nothing():
    entry = ready_entry()
    Entry.objects.filter(pk=entry.pk).delete()
    run()
    assert not ScheduledTask.objects.exists()
    assert rows_of(entry) == []


def test_a_task_that_is_not_the_entrys_own_any_more_does_nothing():
    entry = ready_entry()
    create_task("jobqueue.dispatch", failure_routine="jobqueue.handle_error", record=entry.id, not_before=NOW)
    run()
    assert outcomes_of(entry) == [("Success", True)]


@pytest.mark.parametrize("status", [Status.ERROR, Status.FINISHED, Status.ON_HOLD])
def test_an_entry_in_a_status_that_does_not_start_keeps_it(status):
    entry = ready_entry()
    Entry.objects.filter(pk=entry.pk).update(status=status)
    run()
    assert status_of(entry) == status
    assert not ScheduledTask.objects.exists()


# --- who and what


def test_a_disabled_user_ends_the_due_moment_as_an_error_at_once():
    entry = recurring(max_attempts=5)
    entry.user.is_active = False
    entry.user.save()
    run()
    row = rows_of(entry)[0]
    assert status_of(entry) == Status.ERROR
    assert (row.status, row.is_final, row.error_kind) == (LogStatus.ERROR, True, "non_retriable")
    assert "is disabled" in row.error_message


def test_a_user_who_lost_the_permission_ends_it_likewise():
    user = make_user(permissions=["auth.delete_group"], groups=["Operator"])
    entry = ready_entry(object_id=jobs.PROTECTED, user=user)
    user.user_permissions.clear()
    run()
    assert "may not run" in rows_of(entry)[0].error_message
    assert not Effect.objects.exists()


def test_a_user_who_may_no_longer_work_in_the_company_ends_it_likewise():
    user = make_user(groups=["Operator"])
    entry = ready_entry(object_id=jobs.EFFECT, user=user, max_attempts=5)
    make_company("elsewhere", members=[user])
    run()
    row = rows_of(entry)[0]
    assert (row.status, row.is_final, row.error_kind) == (LogStatus.ERROR, True, "non_retriable")
    assert f"“{user.username}” may not work in this company" in row.error_message
    assert not Effect.objects.exists()
    make_company(entry.company.code, members=[user])
    ready_entry(object_id=jobs.EFFECT, user=user)
    run()
    assert Effect.objects.count() == 1


def test_a_superuser_runs_jobs_in_every_company():
    boss = make_superuser()
    make_company("elsewhere", members=[boss])
    ready_entry(object_id=jobs.EFFECT, user=boss)
    run()
    assert Effect.objects.count() == 1


def test_a_user_with_the_permission_runs_a_protected_object():
    user = make_user(permissions=["auth.delete_group"], groups=["Operator"])
    ready_entry(object_id=jobs.PROTECTED, user=user)
    run()
    assert Effect.objects.get().note == f"closed by {user.username}"


def test_an_unknown_object_ends_it_likewise():
    entry = ready_entry()
    Entry.objects.filter(pk=entry.pk).update(object_id=77777, max_attempts=3)
    run()
    assert status_of(entry) == Status.ERROR
    assert "77777 is not registered" in rows_of(entry)[0].error_message


def test_parameters_that_do_not_fit_end_it_likewise():
    entry = ready_entry(object_id=jobs.TYPED, parameters={"customer": "C1"})
    Entry.objects.filter(pk=entry.pk).update(parameters={"customer": "C1", "lines": "many"}, max_attempts=3)
    run()
    assert status_of(entry) == Status.ERROR
    assert "Lines" in rows_of(entry)[0].error_message


# --- missed and overlapped runs


def test_of_several_fixed_times_missed_in_a_downtime_the_last_one_runs_late():
    entry = recurring(recurrence_anchor=Anchor.FIXED, starting_time=time(0))
    first = entry.due_at
    run(first + 3 * HOUR + 5 * MINUTE)
    missed, served = rows_of(entry)
    assert (missed.status, missed.due_at, missed.gap_count) == (LogStatus.MISSED, first, 3)
    assert missed.gap_last_due_at == first + 2 * HOUR
    assert (served.status, served.due_at) == (LogStatus.SUCCESS, first + 3 * HOUR)
    assert reload(entry).due_at == first + 4 * HOUR


def test_a_single_missed_moment_runs_late_without_a_gap():
    entry = recurring(recurrence_anchor=Anchor.FIXED, starting_time=time(0))
    run(entry.due_at + 5 * MINUTE)
    assert outcomes_of(entry) == [("Success", True)]


def test_an_entry_that_skips_missed_runs_goes_on_at_the_next_time():
    entry = recurring(recurrence_anchor=Anchor.FIXED, starting_time=time(0), missed_runs=MissedRuns.SKIP)
    first = entry.due_at
    run(first + 2 * HOUR + 5 * MINUTE)
    row = rows_of(entry)[0]
    assert (row.status, row.due_at, row.gap_count, row.gap_last_due_at) == (
        LogStatus.MISSED,
        first,
        3,
        first + 2 * HOUR,
    )
    assert (status_of(entry), reload(entry).due_at) == (Status.READY, first + 3 * HOUR)


def test_a_start_within_a_minute_is_not_missed():
    entry = recurring(missed_runs=MissedRuns.SKIP)
    run(entry.due_at + MINUTE)
    assert outcomes_of(entry) == [("Success", True)]


def test_fixed_times_passed_during_a_long_run_become_one_skipped_row(monkeypatch):
    entry = recurring(recurrence_anchor=Anchor.FIXED, starting_time=time(0), minutes_between_runs=10)
    due = entry.due_at
    monkeypatch.setattr("jobqueue.dispatch.execution.Stopwatch.end", lambda self: due + 25 * MINUTE)
    run(due)
    served, skipped = rows_of(entry)
    assert (served.status, served.due_at) == (LogStatus.SUCCESS, due)
    assert (skipped.status, skipped.gap_count) == (LogStatus.SKIPPED, 2)
    assert (skipped.due_at, skipped.gap_last_due_at) == (due + 10 * MINUTE, due + 20 * MINUTE)
    assert reload(entry).due_at == due + 30 * MINUTE


# --- extra runs


def test_run_now_leaves_status_schedule_and_running_user_alone():
    entry = recurring(earliest_start_at=NOW + HOUR)
    other = make_superuser()
    lifecycle.run_now(entry, actor=actor_of(other), now=NOW)
    before = reload(entry)
    run()
    after = reload(entry)
    row = rows_of(entry)[0]
    for name in ("status", "earliest_start_at", "due_at", "user_id", "system_task_id", "attempts"):
        assert getattr(after, name) == getattr(before, name), name
    assert (row.status, row.origin, row.due_at, row.user_id) == (
        LogStatus.SUCCESS,
        Origin.ADMIN,
        NOW,
        other.pk,
    )


def test_run_now_works_on_hold_and_outside_the_window():
    entry = make_recurring_entry(starting_time=time(20), ending_time=time(21))
    lifecycle.run_now(entry, actor=actor_of(entry.user), now=NOW)
    run()
    assert status_of(entry) == Status.ON_HOLD
    assert outcomes_of(entry) == [("Success", True)]


def test_an_extra_run_of_a_one_off_entry_does_not_delete_it():
    entry = make_entry()
    lifecycle.run_now(entry, actor=actor_of(entry.user), now=NOW)
    run()
    assert status_of(entry) == Status.ON_HOLD


def test_an_extra_run_that_finds_the_entry_running_is_skipped():
    entry = recurring()
    lifecycle.run_now(entry, actor=actor_of(entry.user), now=NOW + SECOND)

    def start_the_other(**_):
        run_once(NOW + 2 * SECOND)

    with connected(events.before_execute, start_the_other):
        run(NOW + 2 * SECOND)
    assert sorted(outcomes_of(entry)) == [("Skipped", True), ("Success", True)]


def test_a_failed_extra_run_is_final_and_leaves_the_entry_alone():
    entry = recurring(object_id=jobs.FAILURE, max_attempts=3, earliest_start_at=NOW + HOUR)
    lifecycle.run_now(entry, actor=actor_of(entry.user), now=NOW)
    run()
    assert outcomes_of(entry) == [("Error", True)]
    entry = reload(entry)
    assert (entry.status, entry.attempts, entry.error_message) == (Status.READY, 0, "")


# --- what a run leaves


def test_log_lines_and_progress_are_kept():
    entry = ready_entry(object_id=jobs.PROGRESS)
    run()
    row = rows_of(entry)[0]
    assert [line.text for line in row.lines.all()] == [
        "Step 1 is done.",
        "Step 2 is done.",
        "Step 3 is done.",
    ]
    assert (row.progress_done, row.progress_total) == (3, 3)


def test_a_message_becomes_a_log_line():
    ready_entry(object_id=jobs.MESSAGE)
    run()
    assert LogLine.objects.get().text == "Twelve orders were posted."


def test_a_report_leaves_its_document_with_the_running_user():
    entry = ready_entry(
        object_id=jobs.LISTING, object_type=ObjectType.REPORT, report_output_type=OutputType.CSV
    )
    run()
    document = ReportDocument.objects.get()
    assert (document.user_id, document.entry_id) == (entry.user_id, entry.id)
    assert document.log_entry_no == rows_of(entry)[0].entry_no
    assert entry.user.username.encode() in bytes(document.content)


def test_a_report_that_only_processes_turns_the_success_note_on():
    entry = recurring(
        object_id=jobs.PROCESSING_ONLY, object_type=ObjectType.REPORT, report_output_type=OutputType.NONE
    )
    run()
    assert reload(entry).notify_on_success


def test_events_see_a_successful_run_from_start_to_end():
    entry = recurring()
    seen = []
    signals = [
        events.before_run,
        events.before_execute,
        events.after_execute,
        events.before_next_run,
        events.after_next_run,
        events.after_set_status,
        events.after_finish,
        events.after_request,
    ]
    receivers = {}
    for number, signal in enumerate(signals):
        receivers[number] = lambda number=number, **_: seen.append(number)
        signal.connect(receivers[number])
    try:
        run()
    finally:
        for number, signal in enumerate(signals):
            signal.disconnect(receivers[number])
    assert sorted(set(seen)) == list(range(len(signals)))
    assert reload(entry).earliest_start_at == NOW + SECOND + HOUR


def test_an_extension_may_move_the_next_run():
    entry = recurring()

    def move(draft, **_):
        draft.moment = NOW + DAY

    with connected(events.after_next_run, move):
        run()
    assert reload(entry).earliest_start_at == NOW + DAY


def test_an_after_event_that_fails_does_not_harm_the_run():
    entry = ready_entry()

    def fail(**_):
        LogEntry.objects.filter(pk=-1).get()

    with connected(events.after_finish, fail):
        run()
    assert outcomes_of(entry) == [("Success", True)]


def test_an_extension_that_fails_before_the_run_fails_it():
    entry = ready_entry()

    def fail(**_):
        raise ValueError("Not on my watch.")

    with connected(events.before_execute, fail):
        run()
    assert rows_of(entry)[0].error_message == "Not on my watch."
