"""Enqueue, step by step (*Job queue reference, Enqueue*)."""

import uuid
from datetime import timedelta

import pytest

from jobqueue import events
from jobqueue.enqueue import KEEP, enqueue
from jobqueue.guarded import ChangedMeanwhile, fresh
from jobqueue.models import Category, Entry, ErrorMessageRegister, ScheduledTask
from jobqueue.scheduler import create_task
from jobqueue.states import HoldKind, ObjectType, Status
from tests.builders import (
    NOW,
    default_company,
    make_category,
    make_entry,
    make_log_entry,
    make_recurring_entry,
    make_user,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("earliest_start", "not_before"),
    [
        (None, NOW + SECOND),
        (NOW - HOUR, NOW + SECOND),
        (NOW, NOW + SECOND),
        (NOW + SECOND, NOW + SECOND),
        (NOW + timedelta(seconds=1.01), NOW + timedelta(seconds=1.01)),
        (NOW + HOUR, NOW + HOUR),
    ],
)
def test_the_start_lies_at_least_a_second_ahead(earliest_start, not_before):
    entry = make_entry(earliest_start_at=earliest_start)
    assert enqueue(entry, now=NOW)
    assert ScheduledTask.objects.get().not_before == not_before
    assert fresh(entry).earliest_start_at == not_before


def test_the_task_carries_company_record_timeout_and_priority():
    entry = make_entry(timeout_seconds=90, priority=-1)
    enqueue(entry, now=NOW, context={"owner_run": "7"})
    task = ScheduledTask.objects.get()
    assert (task.company, task.record, task.timeout_seconds, task.priority) == (
        entry.company,
        entry.id,
        90,
        -1,
    )
    assert (task.is_ready, task.owner_context) == (True, '{"owner_run":"7"}')


def test_the_running_user_is_kept_unless_another_is_named():
    runner, other = make_user(), make_user()
    entry = make_entry(user=runner)
    enqueue(entry, now=NOW)
    assert (fresh(entry).user, ScheduledTask.objects.get().user) == (runner, runner)
    enqueue(entry, now=NOW, user=other)
    assert (fresh(entry).user, ScheduledTask.objects.get().user) == (other, other)
    enqueue(entry, now=NOW, user=None)
    assert (fresh(entry).user, ScheduledTask.objects.get().user) == (None, None)


class TestDueMoment:
    def test_a_new_occurrence_is_due_at_its_start(self):
        entry = make_entry(due_at=NOW - HOUR, earliest_start_at=NOW + HOUR)
        enqueue(entry, now=NOW)
        assert fresh(entry).due_at == NOW + HOUR

    def test_a_retry_keeps_the_due_moment_and_the_attempts(self):
        entry = make_entry(due_at=NOW - HOUR, attempts=2, earliest_start_at=NOW + HOUR)
        enqueue(entry, now=NOW, due_at=KEEP)
        assert (fresh(entry).due_at, fresh(entry).attempts) == (NOW - HOUR, 2)

    def test_a_late_occurrence_is_given_the_moment_it_was_planned_for(self):
        entry = make_entry()
        enqueue(entry, now=NOW, due_at=NOW - HOUR, keep_attempts=False)
        assert (fresh(entry).due_at, fresh(entry).earliest_start_at) == (NOW - HOUR, NOW + SECOND)


def test_error_session_and_hold_are_forgotten_and_the_attempts_if_asked():
    entry = make_entry(
        error_message="Old.", session_number=3, worker_id=4, user_session_started_at=NOW, attempts=2,
        hold_kind=HoldKind.MANUAL, hold_reason="stock", held_at=NOW, held_until=NOW + HOUR,
    )  # fmt: skip
    enqueue(entry, now=NOW, keep_attempts=False)
    row = fresh(entry)
    assert (row.error_message, row.session_number, row.worker_id, row.user_session_started_at) == (
        "",
        None,
        None,
        None,
    )
    assert (row.hold_kind, row.hold_reason, row.held_at, row.held_until) == ("", "", None, None)
    assert (row.attempts, row.status, row.revision) == (0, Status.READY, 1)


def test_error_messages_vanish_only_if_no_log_entry_needs_them():
    unused = ErrorMessageRegister.objects.create(company=default_company(), created_at=NOW)
    used = ErrorMessageRegister.objects.create(company=default_company(), created_at=NOW)
    first, second = make_entry(error_register=unused), make_entry(error_register=used)
    make_log_entry(second, error_register=used)
    enqueue(first, now=NOW)
    enqueue(second, now=NOW)
    assert list(ErrorMessageRegister.objects.all()) == [used]
    assert fresh(second).error_register is None


def test_a_missing_category_is_made_and_an_existing_one_left_alone():
    make_category("BANK", description="Bank jobs")
    enqueue(make_entry(category_code="BANK"), now=NOW)
    enqueue(make_entry(category_code="new"), now=NOW)
    assert dict(Category.objects.values_list("code", "description")) == {"BANK": "Bank jobs", "NEW": "NEW"}


def test_the_old_task_goes():
    old = create_task("jobqueue.dispatch")
    entry = make_entry(system_task_id=old)
    enqueue(entry, now=NOW)
    assert ScheduledTask.objects.get().pk == fresh(entry).system_task_id != old


class TestInactivity:
    def test_a_sleeping_entry_keeps_its_status_and_gets_a_task(self):
        entry = make_recurring_entry(status=Status.INACTIVITY)
        assert enqueue(entry, now=NOW)
        assert fresh(entry).status == Status.INACTIVITY
        assert ScheduledTask.objects.exists()

    def test_without_a_period_it_sleeps_without_an_alarm(self):
        entry = make_recurring_entry(status=Status.INACTIVITY, inactivity_timeout_minutes=0)
        assert not enqueue(entry, now=NOW)
        assert fresh(entry).status == Status.INACTIVITY
        assert fresh(entry).system_task_id is None
        assert not ScheduledTask.objects.exists()


class TestExtensions:
    @pytest.fixture
    def receive(self):
        connected = []

        def connect(signal, receiver):
            signal.connect(receiver, sender=Entry, weak=False)
            connected.append((signal, receiver))

        yield connect
        for signal, receiver in connected:
            signal.disconnect(receiver, sender=Entry)

    def test_a_veto_leaves_it_on_hold_with_that_reason(self, receive):
        receive(events.schedule_veto, lambda **_: True)
        old = create_task("jobqueue.dispatch")
        entry = make_entry(status=Status.READY, system_task_id=old)
        assert not enqueue(entry, now=NOW)
        row = fresh(entry)
        assert (row.status, row.hold_kind, row.system_task_id) == (Status.ON_HOLD, HoldKind.PROGRAM, None)
        assert row.hold_reason == "Scheduling was vetoed by an extension"
        assert not ScheduledTask.objects.exists()

    def test_a_receiver_may_supply_a_task_of_its_own(self, receive):
        own = uuid.uuid4()
        receive(events.before_schedule_task, lambda draft, **_: setattr(draft, "task_id", own))
        entry = make_entry()
        assert enqueue(entry, now=NOW)
        assert fresh(entry).system_task_id == own
        assert not ScheduledTask.objects.exists()

    def test_before_counts_and_after_is_isolated(self, receive):
        def fail(**_):
            raise RuntimeError("broken receiver")

        receive(events.after_enqueue, fail)
        assert enqueue(make_entry(), now=NOW)
        receive(events.before_enqueue, fail)
        entry = make_entry()
        with pytest.raises(RuntimeError):
            enqueue(entry, now=NOW)
        assert fresh(entry).status == Status.ON_HOLD


def test_an_unsaved_entry_is_stored():
    entry = Entry(
        company=default_company(), object_type=ObjectType.CODEUNIT, object_id=90001, user=make_user()
    )
    assert enqueue(entry, now=NOW)
    assert fresh(entry).status == Status.READY
    assert ScheduledTask.objects.get().record == entry.id


def test_a_row_changed_meanwhile_is_left_alone_with_its_task():
    task = create_task("jobqueue.dispatch")
    entry = make_entry(status=Status.READY, system_task_id=task)
    Entry.objects.update(revision=1)
    with pytest.raises(ChangedMeanwhile):
        enqueue(entry, now=NOW)
    assert ScheduledTask.objects.get().pk == task


def test_enqueueing_twice_leaves_one_task():
    entry = make_entry()
    enqueue(entry, now=NOW)
    enqueue(entry, now=NOW)
    assert ScheduledTask.objects.count() == 1
