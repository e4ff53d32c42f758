"""Execution: fenced start and finish, and the one path every bad end takes."""

from datetime import timedelta

import pytest
from django.db import connection

from jobqueue.scheduler import StaleClaim, create_task, database_now, fixed_clock, task_exists
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.scheduler.models import ScheduledTask
from jobqueue.scheduler.outcome import (
    Outcome,
    TaskError,
    fail_task,
    finish_task,
    record_failure,
    start_task,
)

pytestmark = pytest.mark.django_db

KILLED = TaskError("killed", "The worker process ended.")


def claim_one():
    [claimed] = claim(1, cluster_id=None)
    return claimed


def test_a_task_runs_once_and_is_gone(notes):
    task_id = create_task("test.note", context="hello")
    assert run_due_tasks(until_idle=True) == 1
    assert [line[3] for line in notes("ran")] == ["hello"]
    assert not task_exists(task_id)


def test_a_self_managed_routine_starts_and_finishes_itself(notes):
    task_id = create_task("test.self_managed", context=7)
    assert run_due_tasks() == 1
    assert [line[3] for line in notes("ran")] == ["7"]
    assert not task_exists(task_id)


def test_the_routine_sees_its_task_session_and_error():
    create_task("test.note", failure_routine="test.record_failure", timeout_seconds=30, context=[1])
    claimed = claim_one()
    task = start_task(claimed)
    assert (task.id, task.claim_number, task.context) == (claimed.id, claimed.claim_number, [1])
    assert task.not_before <= task.claimed_at <= task.started_at
    assert (task.timeout_seconds, task.error_kind, task.company_id) == (30, "", None)


def test_a_delivered_message_of_an_old_claim_does_nothing(notes):
    create_task("test.note")
    first = claim_one()
    ScheduledTask.objects.update(state=0)
    second = claim_one()
    execute(first)
    assert notes("ran") == []
    execute(second)
    execute(second)
    assert len(notes("ran")) == 1


def test_start_finish_and_failure_are_fenced_by_the_claim_number():
    create_task("test.note")
    stale = claim_one()
    ScheduledTask.objects.update(state=0)
    current = claim_one()
    with pytest.raises(StaleClaim):
        start_task(stale)
    start_task(current)
    with pytest.raises(StaleClaim):
        finish_task(stale)
    with pytest.raises(StaleClaim):
        fail_task(stale, KILLED)
    finish_task(current)
    with pytest.raises(StaleClaim):
        finish_task(current)


@pytest.mark.parametrize("routine", ["test.fail", "test.self_managed_fail", "test.spoil_transaction"])
def test_a_failed_main_routine_makes_its_failure_routine_due_in_a_new_session(routine, notes):
    task_id = create_task(routine, failure_routine="test.record_failure")
    [claimed] = claim(1, cluster_id=None)
    execute(claimed)
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.state, task.error_kind, task.attempt) == (0, "exception", 0)
    assert task.claim_number > claimed.claim_number
    assert "Traceback" in task.error_call_stack
    assert run_due_tasks(until_idle=True) == 1
    [line] = notes("recorded")
    assert line[3].startswith(f"exception|{task_id}|")
    assert not task_exists(task_id)


def test_a_non_retriable_error_is_marked(notes):
    create_task("test.fail_for_good", failure_routine="test.record_failure")
    run_due_tasks()
    assert ScheduledTask.objects.get().non_retriable
    run_due_tasks()
    assert notes("recorded")[0][3].startswith("non_retriable|")


def test_without_a_failure_routine_the_task_goes_and_says_so(caplog):
    task_id = create_task("test.fail")
    with caplog.at_level("INFO", logger="jobqueue.scheduler"):
        run_due_tasks()
    assert not task_exists(task_id)
    assert [record.event_id for record in caplog.records] == ["LC0045"]


def test_an_idempotent_routine_is_retried_on_the_platform_schedule(notes):
    now = database_now()
    create_task("test.fail_idempotent", failure_routine="test.record_failure", not_before=now)
    run_due_tasks(now=now)
    task = ScheduledTask.objects.get()
    assert (task.not_before, task.attempt, task.error_kind) == (now + timedelta(seconds=30), 1, "")
    run_due_tasks(now=now + timedelta(seconds=30))
    ScheduledTask.objects.update(attempt=99)
    run_due_tasks(now=now + timedelta(minutes=2))
    assert ScheduledTask.objects.get().error_kind == "exception"
    assert len(notes("failing")) == 3


@pytest.mark.parametrize("kind", ["timeout", "cancelled"])
def test_an_idempotent_routine_is_not_retried_after_a_timeout_or_cancel(kind):
    create_task("test.fail_idempotent")
    claimed = claim_one()
    start_task(claimed)
    assert fail_task(claimed, TaskError(kind, "no more")) is Outcome.REMOVED


def test_a_failure_routine_is_retried_within_five_seconds_until_it_has_recorded(notes):
    now = database_now()
    create_task("test.fail", failure_routine="test.failing_failure", not_before=now)
    run_due_tasks(now=now)
    waits = []
    for _ in range(8):
        now = ScheduledTask.objects.get().not_before
        run_due_tasks(now=now)
        waits.append((ScheduledTask.objects.get().not_before - now).total_seconds())
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert ScheduledTask.objects.get().error_message == "the routine is broken"


def test_a_task_claimed_but_not_started_is_given_back_never_failed():
    task_id = create_task("test.note", failure_routine="test.record_failure")
    claimed = claim_one()
    assert record_failure(claimed.id, claimed.claim_number, KILLED) is Outcome.GIVEN_BACK
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.state, task.error_kind, task.cluster) == (0, "", None)
    assert task.claim_number > claimed.claim_number
    assert record_failure(claimed.id, claimed.claim_number, KILLED) is Outcome.STALE


def test_a_start_that_keeps_failing_slows_down(notes):
    now = database_now()
    create_task("test.self_managed_unstarted", not_before=now)
    run_due_tasks(now=now, until_idle=True)
    assert len(notes("before_start")) == 2
    assert ScheduledTask.objects.get().not_before > now


def test_the_soft_timeout_ends_a_routine_and_is_recorded_as_such(notes):
    create_task(
        "test.sleep", failure_routine="test.record_failure", timeout_seconds=1, context={"seconds": 30}
    )
    assert run_due_tasks(until_idle=True) == 2
    assert notes("recorded")[0][3].startswith("timeout|")
    assert notes("end") == []


def test_a_routine_that_makes_a_due_task_is_followed_until_idle(notes):
    create_task("test.note")
    create_task("test.note", not_before=database_now() + timedelta(hours=1))
    assert run_due_tasks(until_idle=True) == 1


def test_a_given_moment_is_the_clock_of_claim_and_routine():
    moment = database_now() + timedelta(days=3)
    create_task("test.note", not_before=moment)
    assert run_due_tasks() == 0
    with fixed_clock(moment):
        claimed = claim_one()
        assert start_task(claimed).started_at == moment == database_now()


def test_inline_execution_leaves_the_callers_transaction_usable():
    create_task("test.spoil_transaction", failure_routine="test.record_failure")
    run_due_tasks(until_idle=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
