"""The helpers for application code (*Job queue reference, Programming interface*)."""

from datetime import date, time, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from jobqueue import programming
from jobqueue.errors import Invalid, NotAllowed, UnknownObject
from jobqueue.guarded import fresh
from jobqueue.models import Entry, ScheduledTask
from jobqueue.scheduler import create_task, fixed_clock
from jobqueue.states import Anchor, HoldKind, ObjectType, Origin, Status
from tests.builders import NOW, default_company, make_company, make_entry, make_recurring_entry, make_user

pytestmark = pytest.mark.django_db

CODEUNIT = ObjectType.CODEUNIT
SUCCEED, CLOSE_BOOKS, TAKE_ORDER = 90001, 90019, 90020


@pytest.fixture(autouse=True)
def _monday_nine_o_clock():
    with fixed_clock(NOW):
        yield


@pytest.fixture
def clerk():
    return make_user("clerk")


def test_schedule_runs_the_object_once_as_soon_as_possible(clerk):
    entry = programming.schedule(SUCCEED, user=clerk, record=clerk, parameter_string="May")
    assert (entry.status, entry.user, entry.recurring) == (Status.READY, clerk, False)
    assert (entry.record_to_process, entry.parameter_string) == (f"auth.user:{clerk.pk}", "May")
    assert (entry.description, entry.max_attempts) == ("Succeed", 0)
    assert ScheduledTask.objects.get().not_before == NOW + timedelta(seconds=1)


def test_nothing_is_left_behind_when_it_cannot_be_scheduled(clerk):
    with pytest.raises(NotAllowed):
        programming.schedule(CLOSE_BOOKS, user=clerk)
    with pytest.raises(Invalid):
        programming.schedule(TAKE_ORDER, user=clerk)
    with pytest.raises(UnknownObject):
        programming.schedule(4711, user=clerk)
    with pytest.raises(Invalid, match="Parameters"):
        programming.schedule(TAKE_ORDER, user=clerk, parameters=["customer"])
    assert not Entry.objects.exists()


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_a_job_of_nobody_is_refused_instead_of_running_as_the_system(nobody):
    with pytest.raises(NotAllowed, match="needs a running user"):
        programming.schedule(SUCCEED, user=nobody)
    assert not Entry.objects.exists()


def test_for_later_means_three_retries_a_minute_apart(clerk):
    later = NOW + timedelta(hours=5)
    entry = programming.schedule_for_later(SUCCEED, user=clerk, start_at=later, category="post")
    assert (entry.max_attempts, entry.rerun_delay_seconds, entry.category_code) == (3, 60, "POST")
    assert (entry.earliest_start_at, entry.status) == (later, Status.READY)


class TestRecurrent:
    def test_every_day_every_five_minutes_from_eight(self, clerk):
        entry = programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk)
        assert (len(entry.weekdays), entry.minutes_between_runs, entry.starting_time) == (7, 5, time(8))
        assert (entry.max_attempts, entry.recurrence_anchor) == (3, Anchor.COMPLETION)
        assert entry.earliest_start_at == NOW + timedelta(seconds=1)

    def test_zero_minutes_mean_five(self, clerk):
        assert (
            programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk, minutes=0).minutes_between_runs == 5
        )

    def test_an_existing_entry_is_enough(self, clerk):
        make_entry(object_id=SUCCEED)
        assert programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk) is None
        assert programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk, record=clerk) is not None
        assert programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk, record=clerk) is None
        assert (
            programming.schedule_recurrent(CODEUNIT, SUCCEED, user=clerk, company=make_company()) is not None
        )

    @pytest.mark.parametrize(("formula", "stored", "day"), [("0D", "1D", 3), ("cm", "CM", 31)])
    def test_by_formula_the_first_run_is_counted_from_today(self, clerk, formula, stored, day):
        entry = programming.schedule_by_formula(
            CODEUNIT, SUCCEED, user=clerk, formula=formula, starting_time=time(23), category="night"
        )
        assert (entry.next_run_date_formula, entry.category_code) == (stored, "NIGHT")
        assert entry.earliest_start_at == NOW.replace(day=day, hour=23)


class TestCreate:
    def test_it_is_on_hold_every_day_and_noted(self, clerk):
        entry = programming.create_entry({"object_id": SUCCEED, "minutes_between_runs": 10}, user=clerk)
        assert (entry.status, entry.hold_kind, entry.notify_on_success) == (
            Status.ON_HOLD,
            HoldKind.DRAFT,
            True,
        )
        assert (len(entry.weekdays), entry.max_attempts) == (7, 3)
        assert not ScheduledTask.objects.exists()

    def test_the_same_object_and_recurrence_is_not_made_twice(self, clerk):
        first = programming.create_entry(
            {"object_id": SUCCEED} | programming.recurring_values(30), user=clerk
        )
        assert (
            programming.create_entry({"object_id": SUCCEED, "minutes_between_runs": 5}, user=clerk) == first
        )
        assert programming.create_entry({"object_id": SUCCEED}, user=clerk) != first


class TestReuse:
    def test_nothing_found_is_said(self, clerk):
        assert programming.reuse_existing(user=clerk, start_at=NOW, category="POST") is False

    def test_without_criteria_it_is_a_mistake_of_the_program(self, clerk):
        with pytest.raises(ValueError, match="criterion"):
            programming.reuse_existing(user=clerk, start_at=NOW)

    @pytest.mark.parametrize("status", [Status.ON_HOLD, Status.ERROR, Status.READY, Status.INACTIVITY])
    def test_an_idle_entry_is_brought_forward(self, clerk, status):
        entry = make_entry(status=status, category_code="POST", earliest_start_at=NOW + timedelta(days=9))
        start = NOW + timedelta(minutes=2)
        assert programming.reuse_existing(
            user=clerk, start_at=start, category="post", object_id=entry.object_id
        )
        assert (fresh(entry).status, fresh(entry).earliest_start_at) == (Status.READY, start)

    @pytest.mark.parametrize("status", [Status.READY, Status.IN_PROCESS])
    def test_a_scheduled_entry_is_left_alone(self, clerk, status):
        task = create_task("jobqueue.dispatch")
        entry = make_entry(status=status, system_task_id=task)
        assert programming.reuse_existing(user=clerk, start_at=NOW, entry_id=entry.id)
        assert fresh(entry).revision == 0


class TestManaging:
    def test_deleting_lets_a_running_entry_end(self, clerk):
        running = make_recurring_entry(status=Status.IN_PROCESS)
        make_entry(status=Status.READY)
        assert programming.delete_entries(CODEUNIT, SUCCEED, user=clerk) == (1, 1)
        assert (fresh(running).recurring, fresh(running).weekdays) == (False, frozenset())

    def test_starting_and_holding_all_entries_of_an_object(self, clerk):
        first, second = make_entry(), make_entry(status=Status.READY)
        assert programming.start_inactive(CODEUNIT, SUCCEED, user=clerk) == 1
        assert programming.set_on_hold(CODEUNIT, SUCCEED, user=clerk, reason="pause") == 2
        assert {fresh(entry).hold_kind for entry in (first, second)} == {HoldKind.PROGRAM}
        assert programming.set_on_hold(CODEUNIT, SUCCEED, user=clerk) == 0

    @pytest.mark.parametrize(
        ("last_sign_in", "held"),
        [(date(2026, 2, 2), False), (date(2026, 2, 1), True), (None, True)],
    )
    def test_held_if_nobody_signed_in(self, clerk, last_sign_in, held):
        entry = make_entry(status=Status.READY)
        answer = programming.hold_if_unused(
            CODEUNIT, SUCCEED, user=clerk, formula="4W", last_sign_in=last_sign_in
        )
        assert answer is held
        assert (fresh(entry).status == Status.ON_HOLD) is held

    def test_cancelling_deletes_entry_and_task(self, clerk):
        programming.cancel(programming.schedule(SUCCEED, user=clerk), user=clerk)
        assert not Entry.objects.exists()
        assert not ScheduledTask.objects.exists()


class TestAsking:
    def test_status_messages(self, clerk):
        entry = programming.schedule(SUCCEED, user=clerk)
        assert programming.status_message(entry) == "Scheduled for 2026-03-02 09:00:01 UTC by clerk."
        assert (
            programming.status_message(make_entry(status=Status.ERROR, error_message="Broken.")) == "Broken."
        )
        assert programming.status_message(make_entry(status=Status.IN_PROCESS)) == "In Process."

    def test_startable_and_expired(self):
        assert programming.is_ready_to_start(make_entry(status=Status.WAITING))
        assert not programming.is_ready_to_start(make_entry(status=Status.ERROR))
        assert programming.is_expired(make_entry(expires_at=NOW - timedelta(seconds=1)))
        assert not programming.is_expired(make_entry(expires_at=NOW))

    def test_a_background_job_is_scheduled_with_one_retry(self, clerk):
        assert not programming.is_scheduled(SUCCEED)
        entry = programming.schedule_background_job(SUCCEED, user=clerk, category="api", description="Sync")
        assert (entry.max_attempts, entry.description) == (1, "Sync")
        assert programming.is_scheduled(SUCCEED, category="API")
        assert programming.find(CODEUNIT, SUCCEED, company=default_company()) == entry
        assert programming.actor(clerk).origin == Origin.PROGRAM
