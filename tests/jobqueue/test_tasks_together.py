"""Several tasks in one message: each keeps its own session, fence and failure; the next start may ride on an end."""

from dataclasses import replace

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection

from jobqueue.dispatch import facts, fast_lane, hotpath, running
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import cancel_task, fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.delivery import execute_in_turn, together
from jobqueue.scheduler.rescue import give_back_claims
from jobqueue.states import Status
from tests.builders import NOW
from tests.jobobjects import jobs
from tests.jobqueue.driving import SECOND, outcomes_of, ready_entry, reload, rows_of, run, status_of

pytestmark = pytest.mark.django_db(transaction=True)

SUCCEEDED = [("Success", True)]


@pytest.fixture(autouse=True)
def _stopped_clock():
    with fixed_clock(NOW + SECOND):
        yield


class RecordingSlot:
    """A worker's side of its board. ``on_session`` is called at the beginning of each session."""

    def __init__(self, *, on_session=None) -> None:
        self.stopping = False
        self.opened = []
        self.expected = []
        self._on_session = on_session or (lambda slot, number: None)

    def open_session(self, number: int) -> None:
        self.opened.append(number)
        self._on_session(self, number)

    def expect_session(self, number: int) -> None:
        self.expected.append(number)

    def announce_kill_at(self, monotonic_ns: int) -> None:
        pass


def claimed(count: int):
    return [
        replace(one, session_number=number)
        for number, one in enumerate(claim(count, cluster_id=None), start=1)
    ]


def execute_all(claims, **given) -> RecordingSlot:
    slot = RecordingSlot(**given)
    execute_in_turn(claims, slot=slot)
    return slot


@pytest.fixture
def fused(monkeypatch):
    """What each end that might start the next run did: (ended, started)."""
    seen = []

    def watched(*given, **named):
        ended, started = real(*given, **named)
        seen.append((ended, started is not None))
        return ended, started

    real = hotpath.finish_and_start
    monkeypatch.setattr(hotpath, "finish_and_start", watched)
    return seen


def test_tasks_are_executed_in_order_each_in_its_own_session(fused):
    entries = [ready_entry() for _ in range(4)]
    slot = execute_all(claimed(4))
    assert slot.opened == [1, 2, 3, 4]
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED] * 4
    rows = LogEntry.objects.order_by("entry_no")
    assert [row.entry_id for row in rows] == [entry.id for entry in entries]
    assert [row.session_number for row in rows] == [1, 2, 3, 4]
    assert fused == [(True, True)] * 3
    assert not ScheduledTask.objects.exists()


def test_a_start_that_rides_on_an_end_is_announced_before_it_is_stored():
    for _ in range(3):
        ready_entry()
    assert execute_all(claimed(3)).expected == [2, 3]


def test_a_failure_in_the_middle_concerns_nobody_else():
    first, failing, last = ready_entry(), ready_entry(object_id=jobs.FAILURE, max_attempts=0), ready_entry()
    execute_all(claimed(3))
    assert outcomes_of(first) == outcomes_of(last) == SUCCEEDED
    run(NOW + 2 * SECOND)
    assert status_of(failing) == Status.ERROR
    assert outcomes_of(failing) == [("Error", True)]


def test_a_task_cancelled_while_it_waits_does_not_run():
    first, second, third = ready_entry(), ready_entry(), ready_entry()
    claims = claimed(3)
    execute_all(claims, on_session=lambda slot, number: number == 1 and cancel_task(claims[1].id))
    assert (outcomes_of(first), outcomes_of(second), outcomes_of(third)) == (SUCCEEDED, [], SUCCEEDED)


def test_what_is_given_back_while_it_waits_is_run_by_somebody_else_only():
    first, second = ready_entry(), ready_entry()
    claims = claimed(2)

    def give_back(slot, number):
        if number == 1:
            ScheduledTask.objects.filter(pk=claims[1].id).update(
                state=0, claim_number=claims[1].claim_number + 1
            )

    execute_all(claims, on_session=give_back)
    assert (outcomes_of(first), outcomes_of(second)) == (SUCCEEDED, [])
    run(NOW + SECOND)
    assert outcomes_of(second) == SUCCEEDED


def test_giving_back_takes_what_waits_behind_a_long_task():
    for _ in range(3):
        ready_entry()
    claims = claimed(3)
    ScheduledTask.objects.update(cluster_id=7)
    given_back = []
    execute_all(
        claims,
        on_session=lambda slot, number: number == 1 and given_back.append(give_back_claims(7)),
    )
    assert given_back == [3]
    assert not LogEntry.objects.exists()


def test_an_order_to_stop_leaves_the_rest_claimed_for_others():
    entries = [ready_entry() for _ in range(3)]

    def stop(slot, number):
        slot.stopping = number == 2

    slot = execute_all(claimed(3), on_session=stop)
    assert slot.opened == [1, 2]
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED, SUCCEEDED, []]
    assert list(ScheduledTask.objects.values_list("state", flat=True)) == [1]


def test_a_run_that_is_started_is_run_whatever_comes_between(monkeypatch, fused):
    entries = [ready_entry() for _ in range(3)]
    slot = RecordingSlot()

    def stopping_after(*given, **named):
        found = real(*given, **named)
        slot.stopping = True
        return found

    real = hotpath.finish_and_start
    monkeypatch.setattr(hotpath, "finish_and_start", stopping_after)
    execute_in_turn(claimed(3), slot=slot)
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED, SUCCEEDED, []]


def test_two_tasks_of_one_entry_never_share_a_statement(fused):
    entry = ready_entry(recurring=True)
    first = claimed(1)[0]
    other = ScheduledTask.objects.get()
    other.pk, other.claim_number = entry.company_id, 1  # any other key
    other.save(force_insert=True)
    execute_all([first, replace(first, id=other.pk, claim_number=1, session_number=2)])
    assert fused == []
    assert outcomes_of(entry) == SUCCEEDED


def test_recurring_entries_due_at_once_get_one_run_and_one_next_task_each(fused):
    entries = [ready_entry(recurring=True) for _ in range(3)]
    execute_all(claimed(3))
    assert fused == [(True, True)] * 2
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED] * 3
    assert sorted(ScheduledTask.objects.values_list("record", "state")) == sorted((e.id, 0) for e in entries)
    for entry in entries:
        assert reload(entry).due_at > NOW + SECOND


@pytest.mark.parametrize(
    "fields", [{"category_code": "BANK"}, {"owner_kind": "line", "owner_reference": "7"}, {"object_id": 1}]
)
def test_what_is_not_plain_and_open_starts_by_itself(fields, fused):
    first = ready_entry()
    other = ready_entry()
    Entry.objects.filter(pk=other.pk).update(**fields)
    execute_all(claimed(2))
    assert fused == []
    assert outcomes_of(first) == SUCCEEDED


def test_what_was_read_too_long_ago_is_read_again(monkeypatch, fused):
    monkeypatch.setattr(fast_lane, "FRESH_SECONDS", 0.0)
    entries = [ready_entry() for _ in range(2)]
    execute_all(claimed(2))
    assert fused == []
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED] * 2


def test_a_hold_set_while_an_entry_waits_is_heeded():
    first, second = ready_entry(), ready_entry()

    def hold(slot, number):
        if number == 1:
            Entry.objects.filter(pk=second.pk).update(status=Status.ON_HOLD, revision=second.revision + 1)

    execute_all(claimed(2), on_session=hold)
    assert (outcomes_of(first), outcomes_of(second)) == (SUCCEEDED, [("Skipped", True)])
    assert status_of(second) == Status.ON_HOLD


def test_a_user_disabled_while_an_entry_waits_fails_its_run():
    ready_entry()
    second = ready_entry(max_attempts=0)

    def disable(slot, number):
        if number == 1:
            get_user_model().objects.filter(pk=reload(second).user_id).update(is_active=False)

    execute_all(claimed(2), on_session=disable)
    run(NOW + 2 * SECOND)
    assert status_of(second) == Status.ERROR


def test_where_the_shared_statement_fails_both_are_recorded_by_themselves(monkeypatch):
    entries = [ready_entry() for _ in range(2)]

    def refuse(*given, **named):
        raise DatabaseError("no")

    monkeypatch.setattr(running.hotpath, "finish_and_start", refuse)
    execute_all(claimed(2))
    assert [outcomes_of(entry) for entry in entries] == [SUCCEEDED] * 2


def test_an_attempt_that_is_in_the_ledger_already_spoils_nothing():
    first, second = ready_entry(), ready_entry()
    execute_all(claimed(2)[:1])
    stored = reload(second)
    row = rows_of(first)[0]
    row.pk, row.id, row.entry_id, row.due_at = None, stored.id, stored.id, stored.due_at
    row.save(force_insert=True)
    third = ready_entry()
    ScheduledTask.objects.update(state=0)
    execute_all(claimed(2))
    assert outcomes_of(third) == SUCCEEDED
    assert len(rows_of(second)) == 2


# --- the statement itself


def pair():
    """A run in process and a claim waiting behind it, as the statement is given them."""
    former, latter = ready_entry(), ready_entry()
    first, second = claimed(2)
    reading, other = facts.read(first), facts.read(second)
    started = hotpath.start(first, reading, caption="Succeed")
    start = hotpath.plan(second, other, caption="Succeed")

    def store():
        return hotpath.finish_and_start(
            first, started, reading.entry, ended_at=NOW + 2 * SECOND, following=None, start=start
        )

    return former, latter, first, second, store


@pytest.mark.parametrize(
    "change",
    [
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(claim_number=99),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(state=0),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).delete(),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(revision=50),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(status=Status.ON_HOLD),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).delete(),
        lambda entry, task: get_user_model().objects.update(is_active=False),
    ],
    ids=["claimed anew", "given back", "cancelled", "changed", "held", "deleted", "user disabled"],
)
def test_an_end_is_stored_also_if_the_next_may_not_start(change):
    former, latter, _, second, store = pair()
    change(latter, second)
    before = list(Entry.objects.filter(pk=latter.pk).values_list("status", "revision"))
    assert store() == (True, None)
    assert outcomes_of(former) == SUCCEEDED
    assert outcomes_of(latter) == []
    assert list(Entry.objects.filter(pk=latter.pk).values_list("status", "revision")) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).update(claim_number=99),
        lambda entry, task: ScheduledTask.objects.filter(pk=task.id).delete(),
        lambda entry, task: Entry.objects.filter(pk=entry.pk).update(revision=50),
        lambda entry, task: LogEntry.objects.filter(entry_id=entry.id).delete(),
    ],
    ids=["claimed anew", "gone", "changed", "row deleted"],
)
def test_nothing_starts_where_the_end_is_fenced_out(change):
    former, latter, first, second, store = pair()
    change(former, first)
    before = outcomes_of(former)
    assert store() == (False, None)
    assert (outcomes_of(former), outcomes_of(latter)) == (before, [])
    assert ScheduledTask.objects.get(pk=second.id).state == 1
    assert status_of(latter) == Status.READY


def test_both_happen_once_if_the_statement_is_repeated():
    former, latter, _, second, store = pair()
    ended, started = store()
    assert ended
    assert started is not None
    assert store() == (False, None)
    assert (outcomes_of(former), outcomes_of(latter)) == (SUCCEEDED, [("In Process", False)])
    assert ScheduledTask.objects.get().pk == second.id


def test_it_does_not_wait_for_whoever_holds_the_next_entry():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer.")
    former, latter, _, _, store = pair()
    somebody = connection.copy()
    try:
        somebody.set_autocommit(False)
        with somebody.cursor() as cursor:
            cursor.execute("SELECT 1 FROM jobqueue_entry WHERE entry_no = %s FOR UPDATE", [latter.pk])
            assert store() == (True, None)
    finally:
        somebody.rollback()
        somebody.close()
    assert outcomes_of(former) == SUCCEEDED


# --- how claims are divided


@pytest.mark.parametrize(
    ("claims", "pace_seconds", "sizes"),
    [
        (6, 0.0, [1] * 6),
        (6, 0.5, [1] * 6),
        (6, 0.002, [3, 3]),
        (5, 0.002, [3, 2]),
        (1, 0.002, [1]),
        (64, 0.001, [16] * 4),
        (40, 0.02, [5] * 8),
        (0, 0.001, []),
    ],
    ids=["unknown", "long", "even", "uneven", "one", "most", "not for too long", "none"],
)
def test_short_tasks_travel_together(claims, pace_seconds, sizes):
    found = together(list(range(claims)), workers=2, pace_seconds=pace_seconds)
    assert [len(message) for message in found] == sizes
