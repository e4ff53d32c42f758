"""The fused statements: all or nothing, fenced by claim number and revision."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.dispatch import facts, hotpath
from jobqueue.dispatch.dispatcher import dispatch
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import StaleClaim, fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.states import LogStatus, Status
from tests.builders import NOW
from tests.jobqueue.driving import HOUR, SECOND, outcomes_of, ready_entry, reload, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stopped_clock():
    with fixed_clock(NOW + SECOND):
        yield


def claimed():
    return claim(1, cluster_id=None)[0]


def started(entry):
    found = claimed()
    reading = facts.read(found)
    return found, reading, hotpath.start(found, reading, caption="Succeed")


def test_a_reading_holds_what_the_orm_would_say():
    entry = ready_entry(recurring=True, category_code="BANK", priority=1)
    Entry.objects.filter(pk=entry.pk).update(
        parameters={"a": [1, "é"]}, starting_time="08:30", anchor_date="2026-03-01", expires_at=NOW + HOUR
    )
    row = facts.read(claimed()).entry
    stored = Entry.objects.get(pk=entry.pk)
    for name in facts.EntryRow._fields:
        assert getattr(row, name) == getattr(stored, name), name
    assert row.weekdays == stored.weekdays


def test_the_start_moves_task_entry_and_ledger_together():
    entry = ready_entry()
    found, _, start = started(entry)
    task = ScheduledTask.objects.get(pk=found.id)
    stored, row = reload(entry), LogEntry.objects.get(pk=start.log_entry_no)
    assert (task.state, stored.status, row.status) == (2, Status.IN_PROCESS, LogStatus.IN_PROCESS)
    assert stored.revision == start.revision == entry.revision + 1
    assert (row.id, row.started_at, row.claimed_at) == (start.log_entry_id, NOW + SECOND, NOW + SECOND)
    assert stored.user_session_started_at == NOW + SECOND


@pytest.mark.parametrize(
    "change",
    [
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(revision=entry.revision + 7),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(status=Status.ON_HOLD),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).delete(),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(claim_number=99),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(state=0),
    ],
    ids=["changed", "held", "deleted", "claimed anew", "given back"],
)
def test_a_start_after_a_change_does_nothing_at_all(change):
    entry = ready_entry()
    found = claimed()
    reading = facts.read(found)
    change(entry, found)
    before = (list(Entry.objects.values_list("status", "revision")), ScheduledTask.objects.get().state)
    assert hotpath.start(found, reading, caption="Succeed") is None
    assert (
        list(Entry.objects.values_list("status", "revision")),
        ScheduledTask.objects.get().state,
    ) == before
    assert rows_of(entry) == []


@pytest.mark.parametrize("repeats", [False, True])
def test_the_end_moves_task_entry_and_ledger_together(repeats):
    entry = ready_entry(recurring=repeats)
    found, reading, start = started(entry)
    coming = hotpath.Next(NOW + HOUR, NOW + HOUR) if repeats else None
    assert hotpath.finish(found, start, reading.entry, ended_at=NOW + 2 * SECOND, following=coming)
    row = rows_of(entry)[0]
    assert (row.status, row.is_final, row.ended_at) == (LogStatus.SUCCESS, True, NOW + 2 * SECOND)
    stored = reload(entry)
    if repeats:
        task = ScheduledTask.objects.get()
        assert (stored.status, stored.due_at, stored.system_task_id) == (Status.READY, NOW + HOUR, task.pk)
        assert (task.not_before, task.is_ready, task.state, task.record) == (NOW + HOUR, True, 0, entry.id)
    else:
        assert stored is None
        assert not ScheduledTask.objects.exists()


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(status=Status.ON_HOLD),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(revision=50),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).delete(),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(claim_number=99),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).delete(),
    ],
    ids=["held", "changed", "deleted", "claimed anew", "gone"],
)
def test_an_end_after_a_change_does_nothing_at_all(change, repeats):
    entry = ready_entry(recurring=repeats)
    found, reading, start = started(entry)
    change(entry, found)
    tasks = ScheduledTask.objects.count()
    coming = hotpath.Next(NOW + HOUR, NOW + HOUR) if repeats else None
    assert not hotpath.finish(found, start, reading.entry, ended_at=NOW + 2 * SECOND, following=coming)
    assert outcomes_of(entry) == [("In Process", False)]
    assert ScheduledTask.objects.count() == tasks


def test_a_claim_that_is_stale_starts_nothing():
    entry = ready_entry()
    found = claimed()
    ScheduledTask.objects.update(claim_number=99)
    with pytest.raises(StaleClaim):
        dispatch(found)
    assert status_of_all() == [(entry.pk, Status.READY)]


def test_the_same_claim_delivered_twice_runs_once():
    entry = ready_entry()
    found = claimed()
    dispatch(found)
    with pytest.raises(StaleClaim):
        dispatch(found)
    assert outcomes_of(entry) == [("Success", True)]


def status_of_all():
    return list(Entry.objects.values_list("pk", "status"))


@pytest.mark.parametrize("repeats", [False, True])
def test_a_plain_run_needs_one_read_and_two_short_transactions(repeats):
    if connection.vendor != "sqlite":
        pytest.skip("On PostgreSQL the prepared statements go past the counter.")
    ready_entry(recurring=repeats)
    found = claimed()
    with CaptureQueriesContext(connection) as seen:
        dispatch(found)
    statements = [query["sql"] for query in seen if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == (8 if repeats else 7)
