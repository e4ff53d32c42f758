"""Categories: one run at a time, the next one woken at the end, whatever the end was. Also with real threads."""

import itertools
import threading
import time

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from jobqueue import categories, events, lifecycle
from jobqueue.models import Category, Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import fixed_clock
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import CategoryPriority, LogStatus, Status
from tests.builders import (
    NOW,
    actor_of,
    default_company,
    make_category,
    make_entry,
    make_log_entry,
    make_superuser,
)
from tests.jobobjects import jobs
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

BANK = "BANK"


def bank_entry(**fields) -> Entry:
    return ready_entry(**{"category_code": BANK, **fields})


def statements_of_a_run(**fields) -> int:
    ready_entry(object_id=jobs.SUCCESS, **fields)
    with CaptureQueriesContext(connection) as statements:
        run()
    return len(statements)


@pytest.mark.django_db(transaction=True)
def test_taking_a_free_turn_and_giving_it_back_costs_a_few_statements():
    make_category(code=BANK)
    assert statements_of_a_run(category_code=BANK) <= statements_of_a_run() + 8


class Inside:
    """While an entry of the category runs, runs everything else that is due; notes what the others look like then."""

    def __init__(self, look=lambda: None):
        self.look, self.seen, self.busy = look, [], False

    def __call__(self, **_):
        if self.busy:
            return
        self.busy = True
        run_once(NOW + 2 * SECOND)
        self.seen.append(self.look())


@pytest.mark.django_db
class TestTurns:
    def test_an_entry_that_finds_its_category_busy_waits_with_a_task_that_is_not_ready(self):
        first, second = bank_entry(object_id=jobs.EFFECT), bank_entry(timeout_seconds=77)
        inside = Inside(lambda: (status_of(second), task_of(second)))
        with connected(events.before_execute, inside):
            run_due_tasks(now=NOW + SECOND, limit=1)
        status, task = inside.seen[0]
        assert status == Status.WAITING
        assert (task.is_ready, task.timeout_seconds) == (False, 77)
        assert status_of(first) is None

    def test_the_end_of_a_run_wakes_the_waiting_one(self):
        bank_entry(object_id=jobs.EFFECT)
        second = bank_entry()
        with connected(events.before_execute, Inside()):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert status_of(second) == Status.READY
        assert task_of(second).is_ready
        run(NOW + 2 * SECOND)
        assert outcomes_of(second) == [("Success", True)]

    def test_a_failure_wakes_the_waiting_one_too(self):
        bank_entry(object_id=jobs.FAILURE, max_attempts=3)
        second = bank_entry()
        with connected(events.before_execute, Inside()):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert status_of(second) == Status.WAITING, "until the failure is recorded the slot is taken"
        run(NOW + SECOND)
        assert outcomes_of(second) == [("Success", True)]

    def test_parking_an_entry_makes_sure_of_a_recovery_task(self):
        bank_entry()
        bank_entry()
        with connected(events.before_execute, Inside()):
            run_due_tasks(now=NOW + SECOND, limit=1)
        category = Category.objects.get(code=BANK)
        assert category.recovery_task_at == NOW + 2 * SECOND + 20 * MINUTE
        assert (
            ScheduledTask.objects.get(pk=category.recovery_task_id).main_routine
            == "jobqueue.recover_category"
        )

    def test_priority_and_then_age_decide_who_is_next(self):
        high, normal, low = CategoryPriority
        entries = [
            make_entry(
                category_code=BANK,
                status=Status.WAITING,
                priority_within_category=priority,
                system_task_id=ready_entry().system_task_id,
            )
            for priority in (
                CategoryPriority.LOW,
                CategoryPriority.NORMAL,
                CategoryPriority.HIGH,
                CategoryPriority.HIGH,
            )
        ]
        make_category(BANK)
        woken = []
        for _ in entries:
            categories.wake(default_company().pk, BANK, now=NOW)
            ready = [entry for entry in entries if status_of(entry) == Status.READY and entry not in woken]
            assert len(ready) == 1
            woken += ready
        assert [entries.index(entry) for entry in woken] == [2, 3, 1, 0]

    def test_an_entry_whose_task_vanished_goes_to_error_and_the_next_one_is_taken(self):
        make_category(BANK)
        lost = make_entry(category_code=BANK, status=Status.WAITING)
        good = make_entry(
            category_code=BANK, status=Status.WAITING, system_task_id=ready_entry().system_task_id
        )
        assert categories.wake(default_company().pk, BANK, now=NOW) == 1
        assert (status_of(lost), status_of(good)) == (Status.ERROR, Status.READY)
        assert "not found" in reload(lost).error_message

    def test_expired_entries_are_passed_over(self):
        make_category(BANK)
        make_entry(category_code=BANK, status=Status.WAITING, expires_at=NOW - SECOND)
        assert categories.wake(default_company().pk, BANK, now=NOW) == 0

    def test_several_slots_let_several_run(self):
        make_category(BANK, slots=2)
        bank_entry()
        others = [bank_entry(), bank_entry()]
        inside = Inside(lambda: sorted(len(rows_of(entry)) for entry in others))
        with connected(events.before_execute, inside):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert inside.seen == [[1, 1]], "both ran, one after the other, beside the first"

    def test_without_a_category_row_nobody_takes_turns(self):
        bank_entry()
        second = bank_entry()
        Category.objects.all().delete()
        inside = Inside(lambda: outcomes_of(second))
        with connected(events.before_execute, inside):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert inside.seen == [[("Success", True)]]

    def test_those_who_wait_for_a_deleted_category_are_all_woken(self):
        waiting = [
            make_entry(category_code=BANK, status=Status.WAITING, system_task_id=ready_entry().system_task_id)
            for _ in range(3)
        ]
        assert categories.wake(default_company().pk, BANK, now=NOW) == 3
        assert {status_of(entry) for entry in waiting} == {Status.READY}

    def test_a_hold_on_the_running_entry_does_not_free_its_slot(self):
        first, second = bank_entry(), bank_entry()

        def hold_first_then_run():
            return status_of(second)

        inside = Inside(hold_first_then_run)

        def receiver(**named):
            if not inside.busy:
                lifecycle.set_on_hold(first, actor=actor_of(first.user), now=NOW + SECOND)
            inside(**named)

        with connected(events.before_execute, receiver):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert inside.seen == [Status.WAITING]
        assert status_of(second) == Status.READY

    def test_an_expired_entry_that_was_given_its_turn_passes_it_on(self):
        make_category(BANK)
        first = bank_entry(expires_at=NOW + MINUTE)
        second = make_entry(
            category_code=BANK, status=Status.WAITING, system_task_id=ready_entry().system_task_id
        )
        run_due_tasks(now=NOW + HOUR, limit=1)
        assert status_of(first) is None
        assert status_of(second) == Status.READY

    def test_an_extra_run_takes_its_turn_and_is_woken_first(self):
        bank_entry(object_id=jobs.EFFECT)
        second = bank_entry()
        extra_of = make_entry(category_code=BANK)
        lifecycle.run_now(extra_of, actor=actor_of(extra_of.user), now=NOW + SECOND)
        with connected(events.before_execute, Inside(lambda: status_of(extra_of))) as _:
            run_due_tasks(now=NOW + SECOND, limit=1)
        extra = ScheduledTask.objects.get(record=extra_of.id)
        assert extra.is_ready
        assert status_of(extra_of) == Status.ON_HOLD
        assert status_of(second) == Status.WAITING
        run(NOW + 2 * SECOND)
        assert outcomes_of(extra_of) == outcomes_of(second) == [("Success", True)]
        assert rows_of(extra_of)[0].entry_no < rows_of(second)[0].entry_no

    def test_an_entry_that_waits_for_its_own_extra_run_is_woken_by_its_end(self):
        entry = ready_entry(recurring=True, earliest_start_at=NOW + SECOND)
        lifecycle.run_now(entry, actor=actor_of(entry.user), now=NOW)
        inside = Inside(lambda: status_of(entry))
        with connected(events.before_execute, inside):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert inside.seen == [Status.WAITING]
        assert status_of(entry) == Status.READY
        run(NOW + 2 * SECOND)
        assert outcomes_of(entry) == [("Success", True)] * 2

    def test_an_extension_may_make_an_entry_wait_or_let_it_pass(self):
        entry = bank_entry()
        with connected(events.category_wait, lambda **_: True):
            run()
        assert status_of(entry) == Status.WAITING
        first, second = bank_entry(), bank_entry()
        inside = Inside(lambda: outcomes_of(second))
        with connected(events.category_wait, lambda **_: False), connected(events.before_execute, inside):
            run_due_tasks(now=NOW + SECOND, limit=1)
        assert [("Success", True)] in inside.seen or outcomes_of(first) == [("Success", True)]


@pytest.mark.django_db
class TestRecovery:
    def test_the_recovery_task_wakes_who_was_forgotten(self):
        category = make_category(BANK)
        entry = make_entry(
            category_code=BANK, status=Status.WAITING, system_task_id=ready_entry().system_task_id
        )
        categories.ensure_recovery(category, now=NOW)
        ScheduledTask.objects.filter(pk=entry.system_task_id).update(is_ready=False)
        run(NOW + 20 * MINUTE)
        assert outcomes_of(entry) == [("Success", True)] or status_of(entry) in (None, Status.READY)

    def test_it_stays_on_guard_while_somebody_waits_behind_a_run(self):
        category = make_category(BANK)
        entry = make_entry(category_code=BANK, status=Status.WAITING)
        alive = ready_entry()
        make_log_entry(
            alive, status=LogStatus.IN_PROCESS, category_code=BANK, system_task_id=alive.system_task_id
        )
        categories.ensure_recovery(category, now=NOW)
        assert categories.recover(category.company_id, BANK, now=NOW + 20 * MINUTE) == 0
        category.refresh_from_db()
        assert category.recovery_task_at == NOW + 40 * MINUTE
        assert status_of(entry) == Status.WAITING

    def test_a_recovery_task_that_is_far_enough_away_is_kept(self):
        category = make_category(BANK)
        categories.ensure_recovery(category, now=NOW)
        task = category.recovery_task_id
        categories.ensure_recovery(category, now=NOW + 14 * MINUTE)
        assert category.recovery_task_id == task
        categories.ensure_recovery(category, now=NOW + 16 * MINUTE)
        assert category.recovery_task_id != task
        assert not ScheduledTask.objects.filter(pk=task).exists()

    def test_a_dead_run_does_not_occupy_a_slot(self):
        make_category(BANK)
        make_log_entry(make_entry(), status=LogStatus.IN_PROCESS, category_code=BANK)
        assert categories.busy(default_company().pk, BANK) == ()

    @pytest.mark.parametrize("verb", ["hold", "delete"])
    def test_a_verb_that_takes_the_next_one_out_has_the_one_after_it_woken(self, verb):
        make_category(BANK)
        ready = bank_entry()
        waiting = make_entry(
            category_code=BANK,
            status=Status.WAITING,
            system_task_id=ready_entry(earliest_start_at=NOW).system_task_id,
        )
        with fixed_clock(NOW):
            if verb == "hold":
                lifecycle.set_on_hold(ready, actor=actor_of(ready.user), now=NOW)
            else:
                lifecycle.delete_entry(ready, actor=actor_of(ready.user), now=NOW)
        run_once(NOW)
        assert status_of(waiting) == Status.READY

    def test_renaming_a_category_keeps_its_running_entry_in_its_slot(self):
        category = make_category(BANK)
        alive = ready_entry()
        make_log_entry(
            alive, status=LogStatus.IN_PROCESS, category_code=BANK, system_task_id=alive.system_task_id
        )
        lifecycle.rename_category(category, "CASH", actor=actor_of(alive.user), now=NOW)
        assert len(categories.busy(category.company_id, "CASH")) == 1


def work_off(stop: threading.Event, errors: list) -> None:
    """One worker: claims and executes until told to stop."""
    try:
        while not stop.is_set():
            if not run_due_tasks(limit=1):
                time.sleep(0.005)
    except Exception as error:
        errors.append(error)
    finally:
        connections.close_all()


def overlapping(rows: list[LogEntry]) -> list[tuple[LogEntry, LogEntry]]:
    rows = sorted(rows, key=lambda row: row.started_at)
    return [(one, other) for one, other in itertools.pairwise(rows) if other.started_at < one.ended_at]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_with_several_workers_a_category_never_overlaps_and_never_stalls():
    user = make_superuser()
    mix = [jobs.SLEEP, jobs.FAILURE, jobs.SUCCESS]
    entries = [
        make_entry(
            category_code=f"CAT{number % 2}",
            object_id=mix[number % 3],
            parameters={"seconds": "0.01"} if number % 3 == 0 else {},
            user=user,
            priority_within_category=(CategoryPriority.HIGH, CategoryPriority.LOW)[number % 2],
        )
        for number in range(30)
    ]
    stop, errors = threading.Event(), []
    workers = [threading.Thread(target=work_off, args=(stop, errors)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for entry in entries:
        lifecycle.set_ready(entry, actor=actor_of(user))
    try:
        deadline = time.monotonic() + 60
        done = 0
        while time.monotonic() < deadline:
            open_entries = Entry.objects.filter(
                status__in=[Status.READY, Status.WAITING, Status.IN_PROCESS]
            ).count()
            done = LogEntry.objects.filter(is_final=True).count()
            if not open_entries and done >= len(entries):
                break
            time.sleep(0.05)
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert not errors
    assert not Entry.objects.filter(status__in=[Status.READY, Status.WAITING, Status.IN_PROCESS]).exists()
    assert LogEntry.objects.filter(is_final=True).count() == len(entries)
    for code in ("CAT0", "CAT1"):
        assert overlapping(list(LogEntry.objects.filter(category_code=code))) == []
