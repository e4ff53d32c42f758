"""Failures and what follows: attempts, waits, holds, cancels, killed workers, messages, notifications' events."""

from datetime import UTC, datetime, time, timedelta

import pytest

from jobqueue import events, lifecycle, scheduler
from jobqueue.models import Entry, ErrorMessage, ErrorMessageRegister, LogEntry, ScheduledTask
from jobqueue.scheduler import fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.outcome import TaskError, fail_task
from jobqueue.states import Anchor, HoldKind, LogStatus, Origin, Status
from tests.builders import NOW, actor_of, make_entry, make_user
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

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PAPER = "The printer ran out of paper."


def failing(**fields) -> Entry:
    return ready_entry(**{"object_id": jobs.FAILURE, **fields})


def fail_at(moment, **fields) -> Entry:
    """An entry whose run fails at ``moment``, with the attempts it had before."""
    attempts = fields.pop("attempts", 0)
    entry = failing(now=moment - 2 * SECOND, **fields)
    Entry.objects.filter(pk=entry.pk).update(attempts=attempts)
    run(moment)
    return reload(entry)


def break_run(entry: Entry, kind: str, message: str = "", *, now=NOW + SECOND, before=None, **values) -> None:
    """Starts the entry's run and lets it end as if its worker had been killed, cancelled or lost."""
    with fixed_clock(now):
        claimed = claim(1, cluster_id=None)[0]

        def vanish(**_):
            if before is not None:
                before()
            ScheduledTask.objects.filter(pk=claimed.id).update(**values)
            fail_task(claimed, TaskError(kind, message))

        with connected(events.before_execute, vanish):
            execute(claimed)
    run(now)


# --- the retry decision


@pytest.mark.parametrize(
    ("maximum", "done", "delay", "attempt", "start"),
    [
        (3, 0, 45, 1, "12:00:45.010"),
        (3, 2, 45, 3, "12:00:46.000"),
        (10, 4, 0, 5, "12:01:40.000"),
        (10, 6, 3600, 7, "15:46:40.000"),
        (10, 7, 0, 8, "18:00:00.000"),
        (10, 9, 60, 10, "18:01:00.000"),
        (3, 0, 0, 1, "12:00:01.000"),
    ],
)
@pytest.mark.parametrize("recurring", [False, True])
def test_a_failure_with_attempts_left_is_retried_after_its_wait(
    maximum, done, delay, attempt, start, recurring
):
    entry = fail_at(NOON, max_attempts=maximum, attempts=done, rerun_delay_seconds=delay, recurring=recurring)
    assert entry.status == Status.READY
    assert entry.attempts == attempt
    assert entry.earliest_start_at == datetime.fromisoformat(f"2026-03-02T{start}+00:00")
    assert (entry.error_message, entry.error_register) == ("", None)
    assert task_of(entry).not_before == entry.earliest_start_at


@pytest.mark.parametrize(("maximum", "done"), [(0, 0), (3, 3), (50, 10), (-1, 0)])
@pytest.mark.parametrize("recurring", [False, True])
def test_a_failure_without_attempts_left_stays_in_error(maximum, done, recurring):
    entry = fail_at(NOON, max_attempts=maximum, attempts=done, rerun_delay_seconds=45, recurring=recurring)
    assert (entry.status, entry.error_message, entry.attempts) == (Status.ERROR, PAPER, done)
    assert entry.system_task_id is None
    assert entry.earliest_start_at == NOON - SECOND
    assert not ScheduledTask.objects.exists()


def test_every_attempt_has_its_row_and_the_last_one_is_final():
    entry = failing(max_attempts=2)
    run(NOW + SECOND)
    run(NOW + MINUTE)
    run(NOW + 2 * MINUTE)
    rows = rows_of(entry)
    assert [(row.attempt, row.is_final, row.origin) for row in rows] == [
        (0, False, Origin.SCHEDULE),
        (1, False, Origin.RETRY),
        (2, True, Origin.RETRY),
    ]
    assert {row.due_at for row in rows} == {NOW + SECOND}
    assert all(
        row.ended_at and row.error_message == PAPER and "RanOutOfPaper" in row.error_call_stack
        for row in rows
    )
    assert status_of(entry) == Status.ERROR


def test_a_retry_that_succeeds_settles_the_due_moment_and_the_schedule_goes_on():
    entry = failing(max_attempts=2, recurring=True)
    run()
    Entry.objects.filter(pk=entry.pk).update(object_id=jobs.SUCCESS, parameters={})
    run(NOW + MINUTE)
    assert outcomes_of(entry) == [("Error", False), ("Success", True)]
    entry = reload(entry)
    assert (entry.attempts, entry.earliest_start_at) == (0, NOW + MINUTE + HOUR)


def test_a_retry_may_fall_into_the_next_window_with_its_attempts():
    entry = failing(recurring=True, max_attempts=3, starting_time=time(8), ending_time=time(9, 30))
    run()
    run(NOW + HOUR)
    entry = reload(entry)
    assert (entry.attempts, entry.earliest_start_at) == (1, datetime(2026, 3, 3, 8, tzinfo=UTC))
    assert entry.due_at == NOW + SECOND


@pytest.mark.parametrize("object_id", [jobs.NON_RETRIABLE, jobs.CONFIRM])
def test_an_error_no_attempt_can_cure_uses_up_all_of_them(object_id):
    entry = ready_entry(object_id=object_id, max_attempts=5)
    run()
    assert status_of(entry) == Status.ERROR
    assert outcomes_of(entry) == [("Error", True)]


@pytest.mark.parametrize(
    ("object_id", "text"),
    [
        (jobs.SYSTEM_EXIT, "tried to end the program (exit code 3)"),
        (jobs.KEYBOARD_INTERRUPT, "interrupted from the keyboard"),
    ],
)
def test_a_job_that_ends_the_program_ends_only_its_run(object_id, text):
    entry = ready_entry(object_id=object_id)
    run()
    assert text in rows_of(entry)[0].error_message


def test_fixed_times_passed_before_the_final_failure_are_accounted_for():
    entry = failing(
        recurring=True, recurrence_anchor=Anchor.FIXED, starting_time=time(0), minutes_between_runs=10, max_attempts=1,
        rerun_delay_seconds=1800,
    )  # fmt: skip
    due = entry.due_at
    run(due)
    run(due + 31 * MINUTE)
    rows = rows_of(entry)
    assert [(LogStatus(row.status), row.gap_count) for row in rows] == [
        (LogStatus.ERROR, 1),
        (LogStatus.ERROR, 1),
        (LogStatus.SKIPPED, 3),
    ]
    assert status_of(entry) == Status.ERROR


# --- messages


def test_the_error_is_kept_in_a_register_and_on_the_row():
    entry = failing()
    run()
    entry = reload(entry)
    message = ErrorMessage.objects.get()
    assert entry.error_register_id == rows_of(entry)[0].error_register_id == message.register_id
    assert message.message == PAPER
    assert message.context_record == f"jobqueue.entry:{entry.id}"


def test_collected_errors_are_all_kept_and_the_first_one_is_shown():
    entry = ready_entry(object_id=jobs.COLLECTED_ERRORS)
    run()
    assert [item.message for item in ErrorMessage.objects.order_by("id")] == [
        f"Line {number} has no item." for number in (1, 2, 3)
    ]
    assert reload(entry).error_message == rows_of(entry)[0].error_message == "Line 1 has no item."


def test_a_retry_keeps_the_messages_the_row_points_to():
    entry = failing(max_attempts=1)
    run()
    assert reload(entry).error_register_id is None
    assert rows_of(entry)[0].error_register is not None
    assert ErrorMessageRegister.objects.count() == 1


def test_a_long_message_is_cut_where_the_fields_end():
    entry = failing(parameters={"text": "x" * 5000})
    run()
    assert len(reload(entry).error_message) == 2048


# --- holds, cancels, vanished rows


def test_a_hold_set_during_the_run_survives_its_failure():
    entry = failing(max_attempts=5)

    def hold(**_):
        lifecycle.set_on_hold(entry, actor=actor_of(entry.user), reason="Audit", now=NOW + SECOND)

    with connected(events.before_execute, hold):
        run()
    entry = reload(entry)
    assert (entry.status, entry.hold_reason, entry.system_task_id) == (Status.ON_HOLD, "Audit", None)
    assert outcomes_of(entry) == [("Error", True)]
    assert not ScheduledTask.objects.exists()


def test_a_cancelled_recurring_run_goes_on_at_the_next_due_time():
    entry = ready_entry(recurring=True, max_attempts=5)
    who = make_user()
    break_run(entry, "cancelled", cancel_requested_by_id=who.pk, cancel_reason="Wrong file")
    row = rows_of(entry)[0]
    assert (row.status, row.is_final, row.reason, row.ended_by_id) == (
        LogStatus.CANCELLED,
        True,
        "Wrong file",
        who.pk,
    )
    entry = reload(entry)
    assert (entry.status, entry.attempts, entry.earliest_start_at) == (Status.READY, 0, NOW + SECOND + HOUR)


def test_a_cancelled_one_off_run_waits_on_hold():
    entry = ready_entry(max_attempts=5)
    who = make_user()
    failed = []
    with connected(events.failed_for_good, lambda **_: failed.append(1)):
        break_run(entry, "cancelled", cancel_requested_by_id=who.pk, cancel_reason="Wrong file")
    entry = reload(entry)
    assert (entry.status, entry.hold_kind, entry.held_by_id) == (Status.ON_HOLD, HoldKind.MANUAL, who.pk)
    assert entry.hold_reason == "The run was cancelled: Wrong file"
    assert not failed


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("killed", "The worker process was killed while the job ran."),
        ("lost", "Contact with the worker was lost while the job ran."),
        ("timeout", "took longer"),
    ],
)
def test_a_run_whose_worker_died_is_a_failed_attempt(kind, text):
    entry = ready_entry(max_attempts=1)
    break_run(entry, kind, "The run took longer than its timeout." if kind == "timeout" else "Signal 9.")
    row = rows_of(entry)[0]
    assert text in row.error_message
    assert (row.error_kind, row.is_final) == (kind, False)
    assert (status_of(entry), reload(entry).attempts) == (Status.READY, 1)


def test_a_run_marked_as_error_by_a_person_stays_as_the_person_left_it():
    entry = ready_entry(max_attempts=5)

    def mark():
        row = LogEntry.objects.get(entry_id=entry.id)
        lifecycle.mark_log_as_error(row, actor=actor_of(entry.user), now=NOW + SECOND)

    break_run(entry, "killed", before=mark)
    row = rows_of(entry)[0]
    assert row.error_kind == "marked"
    assert status_of(entry) == Status.ERROR
    assert not ScheduledTask.objects.exists()


def test_a_deleted_row_is_made_again():
    entry = ready_entry()
    break_run(entry, "killed", before=lambda: LogEntry.objects.all().delete())
    assert outcomes_of(entry) == [("Error", True)]


def test_a_deleted_entry_leaves_a_settled_row():
    entry = ready_entry()
    break_run(entry, "killed", before=lambda: Entry.objects.filter(pk=entry.pk).delete())
    assert outcomes_of(entry) == [("Error", True)]


def test_the_handler_killed_before_its_commit_records_once_when_it_runs_again():
    entry = failing(max_attempts=1)
    run_once()
    before = ScheduledTask.objects.get()
    told = []

    def die(**_):
        told.append(1)
        if len(told) == 1:
            raise SystemExit

    events.before_log_error.connect(die)
    try:
        with pytest.raises(SystemExit):
            run_once()
        ScheduledTask.objects.filter(pk=before.pk).update(state=0, claim_number=9)
        run_once()
    finally:
        events.before_log_error.disconnect(die)
    assert outcomes_of(entry) == [("Error", False)]
    assert reload(entry).attempts == 1
    assert ScheduledTask.objects.count() == 1


# --- who is told


def test_every_failed_attempt_is_announced_and_only_the_last_is_final():
    entry = failing(max_attempts=1)
    seen, final = [], []
    with (
        connected(events.after_log_error, lambda final, **_: seen.append(final)),
        connected(
            events.failed_for_good, lambda entry, log_entry, **_: final.append((entry.status, log_entry.pk))
        ),
    ):
        run()
        run(NOW + MINUTE)
    assert seen == [False, True]
    assert final == [(Status.ERROR, rows_of(entry)[1].pk)]


@pytest.mark.parametrize(("answer", "told"), [(True, 0), (None, 1)])
def test_an_extension_may_take_over_telling_people(answer, told):
    entry = failing()
    final = []
    with (
        connected(events.before_notify, lambda **_: answer),
        connected(events.failed_for_good, lambda **_: final.append(1)),
    ):
        run()
    assert (status_of(entry), len(final)) == (Status.ERROR, told)


def test_an_extension_may_decide_about_the_retry():
    entry = failing()

    def again_at_noon(draft, **_):
        draft.retry_at = NOON

    with connected(events.handle_execution_error, again_at_noon):
        run()
    assert (status_of(entry), reload(entry).earliest_start_at) == (Status.READY, NOON)


def test_a_listener_that_fails_changes_nothing():
    entry = failing()

    def fail(**_):
        raise ValueError

    with connected(events.after_log_error, fail), connected(events.failed_for_good, fail):
        run()
    assert outcomes_of(entry) == [("Error", True)]


def test_an_owner_is_told_of_every_failed_attempt_and_decides_what_follows():
    entry = make_entry(object_id=jobs.FAILURE, owner_kind="package line", owner_reference="7", max_attempts=1)
    lifecycle.set_ready(
        entry, actor=actor_of(None, origin=Origin.PROGRAM), as_owner=True, owner_run="r1", now=NOW
    )
    told = []
    with connected(events.finished_owned, lambda succeeded, final, **_: told.append((succeeded, final))):
        run()
        assert task_of(entry).owner_context == '{"owner_run":"r1"}'
        run(NOW + MINUTE)
    assert told == [(False, False), (False, True)]
    assert status_of(entry) == Status.ERROR


# --- an object's own failure routine


def test_the_objects_own_failure_routine_runs_after_each_failed_attempt():
    ready_entry(object_id=jobs.OWN_FAILURE_ROUTINE, max_attempts=1)
    run()
    run(NOW + MINUTE)
    assert [effect.note for effect in Effect.objects.order_by("pk")] == [
        "tidied up after attempt 0",
        "tidied up after attempt 1",
    ]


def test_an_own_failure_routine_that_fails_harms_neither_record_nor_retry():
    entry = ready_entry(object_id=jobs.FAILING_FAILURE_ROUTINE, max_attempts=1)
    run()
    row = rows_of(entry)[0]
    assert row.error_message == PAPER
    assert [line.text for line in row.lines.all()] == [
        "The failure routine of Codeunit 90023 “Fail and fail again” failed: The failure routine fails, too."
    ]
    assert status_of(entry) == Status.READY


def test_a_cancel_asked_for_while_the_job_reports_progress_reaches_it(monkeypatch):
    monkeypatch.setattr("jobqueue.dispatch.execution.LOOK_FOR_CANCEL_SECONDS", 0)
    entry = ready_entry(object_id=jobs.PROGRESS)

    def cancel(**_):
        task = task_of(entry)
        assert scheduler.request_cancel(task.pk, user=entry.user, reason="Enough")

    with connected(events.before_execute, cancel):
        run()
    row = rows_of(entry)[0]
    assert (row.status, row.reason, row.ended_by_id) == (LogStatus.CANCELLED, "Enough", entry.user_id)


def test_waits_grow_with_each_attempt_up_to_the_tenth():
    entry = failing(max_attempts=10)
    moment, waits = NOW + SECOND, []
    for _ in range(10):
        run(moment)
        entry = reload(entry)
        waits.append(entry.earliest_start_at - moment)
        moment = entry.earliest_start_at
    run(moment)
    assert waits[:4] == [SECOND, SECOND, SECOND, 10 * SECOND]
    assert waits[-3:] == [timedelta(hours=6)] * 3
    assert (reload(entry).status, len(rows_of(entry))) == (Status.ERROR, 11)


def test_an_extension_that_fails_keeps_nothing_from_being_recorded():
    entry = failing(max_attempts=1)

    def fail(**_):
        raise ValueError("A bug of the extension.")

    with (
        connected(events.before_log_error, fail),
        connected(events.handle_execution_error, fail),
        connected(events.before_enqueue, fail),
    ):
        run()
    assert outcomes_of(entry) == [("Error", True)]
    assert status_of(entry) == Status.ERROR


def test_a_hold_during_a_long_run_accounts_for_the_fixed_times_before_it():
    entry = failing(
        recurring=True, recurrence_anchor=Anchor.FIXED, starting_time=time(0), minutes_between_runs=10
    )
    due = entry.due_at

    def hold(**_):
        lifecycle.set_on_hold(entry, actor=actor_of(entry.user), now=due + 25 * MINUTE)

    with connected(events.before_execute, hold):
        run_once(due)
    run(due + 26 * MINUTE)
    rows = rows_of(entry)
    assert [(LogStatus(row.status), row.is_final, row.gap_count) for row in rows] == [
        (LogStatus.ERROR, True, 1),
        (LogStatus.SKIPPED, True, 2),
    ]
