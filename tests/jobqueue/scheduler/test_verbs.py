"""The verbs: a task lives and dies with its caller's transaction, and only pending tasks can be cancelled."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction

from jobqueue.scheduler import (
    UnknownRoutine,
    cancel_task,
    create_task,
    database_now,
    request_cancel,
    set_task_ready,
    task_exists,
)
from jobqueue.scheduler.claim import claim, seconds_until_due
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.scheduler.models import ScheduledTask
from tests.builders import default_company, make_user

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_created_task_stores_everything_it_was_given():
    company, user, record = default_company(), make_user(), uuid4()
    task_id = create_task(
        "test.note",
        failure_routine="test.record_failure",
        record=record,
        company=company,
        user=user,
        not_before=NOON,
        is_ready=False,
        priority=-1,
        timeout_seconds=90,
        context={"run_now": True},
    )
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.main_routine, task.failure_routine) == ("test.note", "test.record_failure")
    assert (task.record, task.company, task.user) == (record, company, user)
    assert (task.not_before, task.rank) == (NOON, NOON - timedelta(minutes=5))
    assert (task.is_ready, task.priority, task.timeout_seconds) == (False, -1, 90)
    assert task.owner_context == '{"run_now":true}'
    assert (task.state, task.claim_number, task.attempt, task.error_kind) == (0, 0, 0, "")


def test_a_task_without_a_moment_is_due_now():
    before = database_now()
    task = ScheduledTask.objects.get(pk=create_task("test.note"))
    assert before - timedelta(seconds=1) <= task.not_before <= database_now()
    assert task.timeout_seconds == 43_200
    assert len(claim(5, cluster_id=None)) == 1


def test_a_timeout_above_the_maximum_is_reduced_and_reported(caplog):
    with caplog.at_level("INFO", logger="jobqueue.scheduler"):
        task_id = create_task("test.note", timeout_seconds=200_000)
    assert ScheduledTask.objects.get(pk=task_id).timeout_seconds == 86_399
    assert [record.event_id for record in caplog.records] == ["LC0057", "LC0040"]


def test_unknown_routines_are_refused():
    with pytest.raises(UnknownRoutine, match="no_such"):
        create_task("no_such")
    with pytest.raises(UnknownRoutine):
        create_task("test.note", failure_routine="no_such")


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_task_never_existed():
    with transaction.atomic():
        task_id = create_task("test.note")
        assert task_exists(task_id)
        transaction.set_rollback(True)
    assert not task_exists(task_id)


def test_a_task_that_is_not_ready_waits_until_it_is_set_ready(notes):
    task_id = create_task("test.note", is_ready=False, context="late")
    assert run_due_tasks() == 0
    assert set_task_ready(task_id)
    assert run_due_tasks() == 1
    assert [line[3] for line in notes("ran")] == ["late"]
    assert not task_exists(task_id)


def test_set_ready_moves_the_task_and_its_rank():
    task_id = create_task("test.note", not_before=NOON, priority=1, is_ready=False)
    assert set_task_ready(task_id, not_before=NOON + timedelta(hours=1))
    task = ScheduledTask.objects.get(pk=task_id)
    assert task.is_ready
    assert task.not_before == NOON + timedelta(hours=1)
    assert task.rank == NOON + timedelta(hours=1, minutes=5)


def test_set_ready_at_a_new_moment_takes_a_claim_back():
    task_id = create_task("test.note")
    [claimed] = claim(1, cluster_id=None)
    later = database_now() + timedelta(hours=1)
    assert set_task_ready(task_id, not_before=later)
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.state, task.not_before) == (0, later)
    assert task.claim_number > claimed.claim_number


def test_pending_tasks_can_be_cancelled_running_and_unknown_ones_not():
    free, claimed, running = (create_task("test.note", not_before=NOON) for _ in range(3))
    ScheduledTask.objects.filter(pk=claimed).update(state=1)
    ScheduledTask.objects.filter(pk=running).update(state=2)
    assert cancel_task(free)
    assert cancel_task(claimed)
    assert not cancel_task(running)
    assert not cancel_task(uuid4())
    assert not cancel_task(free)
    assert task_exists(running)


def test_a_task_waiting_for_its_failure_routine_cannot_be_cancelled():
    task_id = create_task("test.fail", failure_routine="test.record_failure")
    run_due_tasks()
    assert not cancel_task(task_id)


def test_a_cancel_is_requested_once_and_only_for_a_running_main_routine():
    user = make_user()
    task_id = create_task("test.note")
    assert not request_cancel(task_id, user=user, reason="too early")
    ScheduledTask.objects.filter(pk=task_id).update(state=2)
    assert request_cancel(task_id, user=user, reason="wrong file")
    assert not request_cancel(task_id, user=user, reason="again")
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.cancel_requested_by, task.cancel_reason) == (user, "wrong file")
    assert not set_task_ready(task_id)


def test_the_next_due_moment_is_the_earliest_of_all_priorities():
    assert seconds_until_due() is None
    now = database_now()
    create_task("test.note", not_before=now + timedelta(hours=3), priority=-1)
    create_task("test.note", not_before=now + timedelta(hours=1), priority=1)
    create_task("test.note", not_before=now - timedelta(hours=1), is_ready=False)
    assert 3_590 < seconds_until_due() <= 3_600
