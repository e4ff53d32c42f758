"""What each verb does, besides the status: identity, holds, tasks, history, ledger."""

from datetime import timedelta

import pytest
from django.db import transaction

from jobqueue import events, lifecycle, retention
from jobqueue.actors import SYSTEM
from jobqueue.errors import Invalid, LockedField, NotAllowed, NotFound, Refused
from jobqueue.guarded import ChangedMeanwhile, fresh, store
from jobqueue.models import (
    Category,
    Entry,
    EntryChange,
    ErrorMessageRegister,
    LogEntry,
    LogLine,
    ScheduledTask,
)
from jobqueue.scheduler import create_task
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import Anchor, HoldKind, LogStatus, ObjectType, Origin, OutputType, Status
from tests.builders import (
    FAILING_OBJECT,
    NOW,
    actor_of,
    default_company,
    make_category,
    make_company,
    make_entry,
    make_log_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)

pytestmark = pytest.mark.django_db

CLOSE_BOOKS = 90019
TAKE_ORDER = 90020
SECOND = timedelta(seconds=1)


@pytest.fixture
def boss():
    return make_superuser("boss")


@pytest.fixture
def as_boss(boss):
    return actor_of(boss)


def as_program(user=None):
    return actor_of(user, origin=Origin.PROGRAM)


def last_change(entry) -> EntryChange:
    return EntryChange.objects.filter(entry_id=entry.id).first()


class TestSetReady:
    def test_the_entry_gets_a_task_and_the_actor_as_running_user(self, as_boss, boss):
        entry = lifecycle.set_ready(make_entry(attempts=2, error_message="Old."), actor=as_boss, now=NOW)
        task = ScheduledTask.objects.get(pk=entry.system_task_id)
        assert (task.main_routine, task.failure_routine) == ("jobqueue.dispatch", "jobqueue.handle_error")
        assert (task.record, task.user, task.not_before) == (entry.id, boss, NOW + SECOND)
        assert (entry.user, entry.attempts, entry.error_message) == (boss, 0, "")
        assert (entry.earliest_start_at, entry.due_at) == (NOW + SECOND, NOW + SECOND)
        assert (entry.hold_kind, entry.held_by, entry.last_ready_state_at) == ("", None, NOW)
        assert fresh(entry).revision == entry.revision
        assert last_change(entry).changes == {"Status": ["On Hold", "Ready"]}

    def test_a_ready_entry_is_left_alone_completely(self, as_boss):
        entry = make_entry(status=Status.READY, attempts=2)
        lifecycle.set_ready(entry, actor=as_boss, now=NOW)
        assert (fresh(entry).attempts, fresh(entry).revision) == (2, 0)
        assert not EntryChange.objects.exists()

    def test_a_later_start_is_kept_and_a_fixed_grid_waits_for_its_slot(self, as_boss):
        later = make_entry(earliest_start_at=NOW + timedelta(hours=2))
        grid = make_recurring_entry(recurrence_anchor=Anchor.FIXED)
        assert lifecycle.set_ready(later, actor=as_boss, now=NOW).due_at == NOW + timedelta(hours=2)
        released = lifecycle.set_ready(grid, actor=as_boss, now=NOW + timedelta(minutes=7))
        assert released.earliest_start_at == NOW + timedelta(hours=1)

    def test_who_sets_ready_must_be_allowed_to_run_the_object(self):
        operator = make_user(groups=["Operator"])
        entry = make_entry(object_id=CLOSE_BOOKS)
        with pytest.raises(NotAllowed, match=r"may not run “Close the books”.*auth\.delete_group"):
            lifecycle.set_ready(entry, actor=actor_of(operator), now=NOW)
        assert fresh(entry).status == Status.ON_HOLD

    def test_an_entry_that_cannot_run_is_refused_with_every_reason(self, as_boss):
        entry = make_entry(object_id=TAKE_ORDER, record_to_process="nothing.such:1")
        with pytest.raises(Invalid) as refusal:
            lifecycle.set_ready(entry, actor=as_boss, now=NOW)
        assert [problem.field for problem in refusal.value.problems] == [
            "parameters.customer",
            "record_to_process",
        ]

    def test_a_system_entry_stays_with_the_system_and_needs_an_administrator(self, as_boss):
        entry = make_entry(is_system=True)
        with pytest.raises(NotAllowed, match="administer"):
            lifecycle.set_ready(entry, actor=actor_of(make_user(groups=["Scheduler"])), now=NOW)
        assert lifecycle.set_ready(entry, actor=as_boss, now=NOW).user is None

    def test_a_veto_leaves_the_entry_on_hold_and_is_reported(self, as_boss):
        entry = make_entry(status=Status.ERROR)
        with (
            connected(events.schedule_veto, lambda **_: True),
            pytest.raises(Refused, match="vetoed") as refusal,
        ):
            lifecycle.set_ready(entry, actor=as_boss, now=NOW)
        assert refusal.value.code == "not_enqueued"
        assert fresh(entry).status == Status.ON_HOLD
        assert not ScheduledTask.objects.exists()

    def test_an_owner_releases_its_entry_with_its_run_line(self):
        entry = make_entry(owner_kind="package", owner_reference="1")
        released = lifecycle.set_ready(entry, actor=SYSTEM, now=NOW, as_owner=True, owner_run="run 7 line 2")
        task = ScheduledTask.objects.get(pk=released.system_task_id)
        assert task.owner_context == '{"owner_run":"run 7 line 2"}'
        assert released.user == entry.user

    def test_the_old_task_is_cancelled(self, as_boss):
        old = create_task("jobqueue.dispatch", is_ready=False)
        entry = make_entry(status=Status.WAITING, system_task_id=old)
        lifecycle.set_ready(entry, actor=as_boss, now=NOW)
        assert not ScheduledTask.objects.filter(pk=old).exists()

    def test_a_category_deleted_meanwhile_is_made_again(self, as_boss):
        lifecycle.set_ready(make_entry(category_code="BANK"), actor=as_boss, now=NOW)
        assert Category.objects.get().description == "BANK"


class TestRestart:
    def test_a_sleeping_entry_starts_now(self, as_boss):
        entry = make_recurring_entry(status=Status.INACTIVITY, earliest_start_at=NOW + timedelta(hours=9))
        assert lifecycle.restart(entry, actor=as_boss, now=NOW).earliest_start_at == NOW + SECOND

    def test_a_ready_entry_gets_a_new_task_and_fresh_attempts(self, as_boss, boss):
        old = create_task("jobqueue.dispatch")
        entry = make_entry(status=Status.READY, attempts=3, system_task_id=old)
        restarted = lifecycle.restart(entry, actor=as_boss, now=NOW)
        assert (restarted.attempts, restarted.user) == (0, boss)
        assert restarted.system_task_id != old
        assert ScheduledTask.objects.count() == 1

    def test_the_due_moment_of_an_abandoned_retry_gets_its_final_row(self, as_boss):
        entry = make_entry(status=Status.READY, attempts=1, due_at=NOW)
        failed = make_log_entry(entry, status=LogStatus.ERROR, is_final=False)
        lifecycle.restart(entry, actor=as_boss, now=NOW + timedelta(minutes=5))
        assert LogEntry.objects.get(pk=failed.pk).is_final


class TestHold:
    def test_a_hold_has_kind_reason_end_and_person(self, as_boss, boss):
        until = NOW + timedelta(days=1)
        entry = lifecycle.set_on_hold(
            make_entry(status=Status.ERROR), actor=as_boss, reason="stock-taking", until=until, now=NOW
        )
        assert (entry.hold_kind, entry.hold_reason) == (HoldKind.MANUAL, "stock-taking")
        assert (entry.held_by, entry.held_at, entry.held_until) == (boss, NOW, until)
        assert ScheduledTask.objects.get().main_routine == "jobqueue.end_holds"
        change = last_change(entry)
        assert change.reason == "stock-taking"
        assert change.changes["Hold"] == ["", "Set by a person, until 2026-03-03 09:00:00 UTC"]

    def test_a_hold_set_during_a_run_lets_the_run_find_its_entry(self, as_boss):
        task = create_task("jobqueue.dispatch")
        entry = make_entry(status=Status.IN_PROCESS, system_task_id=task, session_number=4)
        held = lifecycle.set_on_hold(entry, actor=as_boss, now=NOW)
        assert (held.status, held.system_task_id, held.session_number) == (Status.ON_HOLD, task, 4)
        assert ScheduledTask.objects.filter(pk=task).exists()

    def test_a_due_moment_not_served_becomes_skipped(self, as_boss):
        entry = make_entry(status=Status.READY, due_at=NOW)
        lifecycle.set_on_hold(entry, actor=as_boss, now=NOW + SECOND)
        row = LogEntry.objects.get(entry_id=entry.id)
        assert (row.status, row.reason, row.is_final) == (LogStatus.SKIPPED, "Set On Hold by boss", True)

    def test_holding_again_with_the_same_words_changes_nothing(self, as_boss):
        entry = lifecycle.set_on_hold(make_entry(), actor=as_boss, reason="stock", now=NOW)
        assert lifecycle.set_on_hold(entry, actor=as_boss, reason="stock", now=NOW).revision == entry.revision
        assert EntryChange.objects.count() == 1

    def test_a_programs_hold_is_of_its_kind_and_never_replaces_another(self, as_boss):
        running = lifecycle.set_on_hold(make_entry(status=Status.READY), actor=as_program(), now=NOW)
        assert running.hold_kind == HoldKind.PROGRAM
        manual = lifecycle.set_on_hold(make_entry(), actor=as_boss, reason="stock", now=NOW)
        assert lifecycle.set_on_hold(manual, actor=as_program(), now=NOW).hold_reason == "stock"
        assert lifecycle.set_on_hold(running, actor=as_boss, now=NOW).hold_kind == HoldKind.MANUAL

    @pytest.mark.parametrize(
        ("given", "code"), [({"until": NOW}, "in_the_past"), ({"reason": "x" * 251}, "too_long")]
    )
    def test_a_hold_that_makes_no_sense_is_refused(self, as_boss, given, code):
        with pytest.raises(Invalid) as refusal:
            lifecycle.set_on_hold(make_entry(), actor=as_boss, now=NOW, **given)
        assert [problem.code for problem in refusal.value.problems] == [code]

    def test_a_hold_ends_by_itself_as_the_running_user_without_history(self):
        runner = make_user()
        entry = make_entry(user=runner, hold_kind=HoldKind.MANUAL, held_until=NOW)
        later = make_entry(held_until=NOW + SECOND)
        owned = make_entry(held_until=NOW, owner_kind="package", owner_reference="1")
        assert lifecycle.end_expired_holds(NOW) == 1
        assert (fresh(entry).status, fresh(entry).user, fresh(entry).held_until) == (
            Status.READY,
            runner,
            None,
        )
        assert {fresh(later).status, fresh(owned).status} == {Status.ON_HOLD}
        assert not EntryChange.objects.exists()
        assert lifecycle.end_expired_holds(NOW) == 0

    def test_a_hold_lasts_as_long_as_the_run_under_it(self):
        entry = make_entry(held_until=NOW)
        make_log_entry(entry, status=LogStatus.IN_PROCESS)
        assert lifecycle.end_expired_holds(NOW) == 0
        assert fresh(entry).held_until == NOW
        assert ScheduledTask.objects.get().not_before == NOW + timedelta(minutes=1)

    def test_one_hold_that_cannot_end_does_not_stop_the_others(self):
        broken = make_entry(held_until=NOW, next_run_date_formula="nonsense", recurring=True)
        sound = make_entry(held_until=NOW)
        assert lifecycle.end_expired_holds(NOW) == 1
        assert (fresh(broken).status, fresh(broken).held_until) == (Status.ON_HOLD, None)
        assert fresh(sound).status == Status.READY


class TestRunNow:
    def test_an_extra_run_leaves_status_schedule_and_running_user_untouched(self, as_boss, boss):
        owner = make_user()
        entry = make_entry(status=Status.READY, user=owner, earliest_start_at=NOW + timedelta(hours=1))
        after = lifecycle.run_now(entry, actor=as_boss, now=NOW)
        task = ScheduledTask.objects.get()
        assert (after.status, after.user, after.revision) == (Status.READY, owner, 0)
        assert (task.user, task.not_before, task.record) == (boss, NOW, entry.id)
        assert '"extra":' in task.owner_context
        assert '"origin":"admin"' in task.owner_context

    def test_asked_again_before_the_first_has_started_it_stays_at_one(self, as_boss, boss):
        entry = make_entry(status=Status.READY, earliest_start_at=NOW + timedelta(hours=1))
        assert lifecycle.run_now(entry, actor=as_boss, now=NOW).asked_before == ""
        again = lifecycle.run_now(
            entry, actor=actor_of(make_superuser("other")), now=NOW + timedelta(minutes=2)
        )
        assert f"already asked for by {boss.get_username()} at 09:00 UTC" in again.asked_before
        assert ScheduledTask.objects.count() == 1
        assert EntryChange.objects.filter(action="run-now").count() == 1

    def test_a_claimed_one_counts_as_not_started_and_a_started_one_is_refused(self, as_boss):
        entry = make_entry()
        lifecycle.run_now(entry, actor=as_boss, now=NOW)
        ScheduledTask.objects.update(state=1)
        assert lifecycle.run_now(entry, actor=as_boss, now=NOW).asked_before
        ScheduledTask.objects.update(state=2)
        make_log_entry(entry, status=LogStatus.IN_PROCESS, system_task_id=ScheduledTask.objects.get().pk)
        with pytest.raises(Refused, match="in process"):
            lifecycle.run_now(entry, actor=as_boss, now=NOW)

    def test_after_its_run_another_one_may_be_asked_for(self, as_boss):
        entry, other = make_entry(), make_entry()
        for number in range(2):
            moment = NOW + timedelta(minutes=number)
            assert lifecycle.run_now(entry, actor=as_boss, now=moment).asked_before == ""
            assert lifecycle.run_now(other, actor=as_boss, now=moment).asked_before == ""
            run_due_tasks(now=moment, until_idle=True)
        assert LogEntry.objects.filter(entry_id=entry.id).count() == 2

    def test_the_actor_must_be_allowed_to_run_the_object(self):
        entry = make_entry(object_id=CLOSE_BOOKS)
        with pytest.raises(NotAllowed):
            lifecycle.run_now(entry, actor=actor_of(make_user(groups=["Operator"])), now=NOW)


class TestRunOnce:
    def test_the_copy_takes_no_schedule_category_retries_or_expiration_along(self, as_boss, boss):
        entry = make_recurring_entry(
            status=Status.IN_PROCESS, object_id=TAKE_ORDER, parameters={"customer": "C1"}, category_code="BANK",
            max_attempts=5, expires_at=NOW + timedelta(days=1), starting_time=NOW.time(),
        )  # fmt: skip
        copy = lifecycle.run_once(entry, actor=as_boss, parameters={"customer": "C2"}, now=NOW)
        assert (copy.status, copy.user, copy.parameters) == (Status.READY, boss, {"customer": "C2"})
        assert (copy.recurring, copy.weekdays, copy.minutes_between_runs) == (False, frozenset(), 0)
        assert (copy.category_code, copy.max_attempts, copy.expires_at, copy.starting_time) == (
            "",
            0,
            None,
            None,
        )
        assert copy.id != entry.id
        assert fresh(entry).revision == 0
        assert last_change(entry).reason == f"As entry {copy.pk}"

    def test_parameters_that_do_not_fit_leave_no_copy_behind(self, as_boss):
        entry = make_entry(object_id=TAKE_ORDER, parameters={"customer": "C1"})
        with pytest.raises(Invalid):
            lifecycle.run_once(entry, actor=as_boss, parameters={"customer": 7}, now=NOW)
        assert Entry.objects.count() == 1


class TestCancelRun:
    def test_the_running_task_is_asked_to_end_with_who_and_why(self, as_boss, boss):
        task = create_task("jobqueue.dispatch")
        ScheduledTask.objects.filter(pk=task).update(state=ScheduledTask.State.RUNNING)
        entry = make_entry(status=Status.IN_PROCESS, system_task_id=task)
        lifecycle.cancel_run(entry, actor=as_boss, reason="wrong file", now=NOW)
        row = ScheduledTask.objects.get(pk=task)
        assert (row.cancel_requested_by, row.cancel_reason) == (boss, "wrong file")
        assert (last_change(entry).action, last_change(entry).reason) == ("cancel", "wrong file")
        with pytest.raises(Refused, match="ending already or was cancelled before"):
            lifecycle.cancel_run(entry, actor=as_boss, now=NOW)

    def test_a_run_under_a_hold_and_an_extra_run_can_be_cancelled_too(self, as_boss):
        task = create_task("jobqueue.dispatch")
        ScheduledTask.objects.filter(pk=task).update(state=ScheduledTask.State.RUNNING)
        entry = make_entry()
        make_log_entry(entry, status=LogStatus.IN_PROCESS, system_task_id=task)
        lifecycle.cancel_run(entry, actor=as_boss, now=NOW)
        assert ScheduledTask.objects.get(pk=task).cancel_requested_at is not None


class TestCreate:
    def test_people_get_a_draft_at_fixed_times_in_the_companys_zone(self, as_boss, boss):
        company = make_company("dk", time_zone="Europe/Copenhagen")
        values = {
            "object_id": "90001",
            "weekdays": [1],
            "starting_time": "08:00",
            "earliest_start_at": "2026-03-09T08:00",
        }
        entry = lifecycle.create_entry(company, values, actor=as_boss, now=NOW)
        assert (entry.status, entry.hold_kind, entry.held_by) == (Status.ON_HOLD, HoldKind.DRAFT, boss)
        assert (entry.recurrence_anchor, entry.time_zone) == (Anchor.FIXED, "Europe/Copenhagen")
        assert entry.earliest_start_at.isoformat() == "2026-03-09T07:00:00+00:00"
        assert (entry.description, entry.minutes_between_runs, entry.recurring) == ("Succeed", 1440, True)
        assert last_change(entry).changes["Run on Mondays"] == ["No", "Yes"]

    @pytest.mark.parametrize("origin", [Origin.API, Origin.PROGRAM])
    def test_others_count_from_completion_unless_they_say_so(self, boss, origin):
        actor = actor_of(boss, origin=origin)
        entry = lifecycle.create_entry(default_company(), {"object_id": 90001}, actor=actor, now=NOW)
        assert entry.recurrence_anchor == Anchor.COMPLETION

    def test_a_draft_without_an_object_is_refused(self, as_boss):
        with pytest.raises(Invalid, match="No job object is chosen"):
            lifecycle.create_entry(default_company(), {"description": "Empty"}, actor=as_boss, now=NOW)

    def test_only_programs_name_an_owner(self, as_boss, boss):
        values = {"object_id": 90001, "owner_kind": "package", "owner_reference": "7"}
        with pytest.raises(Invalid, match="owner_kind"):
            lifecycle.create_entry(default_company(), values, actor=as_boss, now=NOW)
        assert (
            lifecycle.create_entry(default_company(), values, actor=as_program(boss), now=NOW).owner_kind
            == "package"
        )

    def test_a_before_insert_receiver_may_refuse_a_recurring_entry(self, as_boss):
        def refuse(entry, **_):
            raise Refused("No new schedules in March.")

        values = {"object_id": 90001, "next_run_date_formula": "1d + cm"}
        with connected(events.before_insert_recurring_entry, refuse), pytest.raises(Refused, match="March"):
            lifecycle.create_entry(default_company(), values, actor=as_boss, now=NOW)
        assert not Entry.objects.exists()

    def test_created_and_released_is_all_or_nothing(self):
        values = {"object_id": CLOSE_BOOKS}
        with pytest.raises(NotAllowed):
            lifecycle.create_ready(default_company(), values, actor=as_program(make_user()), now=NOW)
        assert not Entry.objects.exists()


class TestChange:
    def test_unchanged_values_change_nothing(self, as_boss):
        entry = make_entry(status=Status.READY, description="Import")
        values = {"description": "Import", "max_attempts": 0, "next_run_date_formula": ""}
        assert lifecycle.change_entry(entry, values, actor=as_boss, now=NOW).revision == 0

    def test_a_locked_field_names_itself_and_the_way_out(self, as_boss):
        entry = make_entry(status=Status.READY)
        with pytest.raises(
            LockedField, match=r"Maximum no\. of attempts to run and Time zone can be changed only"
        ):
            lifecycle.change_entry(
                entry, {"time_zone": "Europe/Rome", "max_attempts": 3}, actor=as_boss, now=NOW
            )

    def test_a_refused_change_names_the_entry_as_it_is(self, as_boss):
        entry = make_entry(status=Status.READY, description="Bank import")
        with pytest.raises(LockedField, match="“Bank import” \\(entry"):
            lifecycle.change_entry(entry, {"description": "Another name"}, actor=as_boss, now=NOW)

    def test_an_older_revision_is_refused(self, as_boss):
        entry = make_entry()
        lifecycle.change_entry(entry, {"description": "One"}, actor=as_boss, expected_revision=0, now=NOW)
        with pytest.raises(ChangedMeanwhile, match="changed since you opened it"):
            lifecycle.change_entry(entry, {"description": "Two"}, actor=as_boss, expected_revision=0, now=NOW)
        assert fresh(entry).description == "One"

    def test_a_change_resets_the_attempts(self, as_boss):
        entry = make_entry(attempts=3)
        assert lifecycle.change_entry(entry, {"max_attempts": 4}, actor=as_boss, now=NOW).attempts == 0

    def test_the_history_speaks_the_words_of_the_screens_and_hides_secrets(self, as_boss):
        entry = make_entry(parameter_string="user=a;password=hunter2")
        values = {
            "parameter_string": "user=b;password=swordfish",
            "missed_runs": "skip",
            "expires_at": "2026-04-01T00:00Z",
        }
        lifecycle.change_entry(entry, values, actor=as_boss, now=NOW)
        assert last_change(entry).changes == {
            "Parameter string": ["user=a;password=•••", "user=b;password=•••"],
            "Missed runs": ["Run once, late", "Skip"],
            "Expiration": ["", "2026-04-01 00:00:00 UTC"],
        }

    def test_who_changes_what_reaches_the_job_answers_for_it(self, as_boss):
        runner, editor = make_superuser("runner"), make_user("editor", groups=["Scheduler"])
        entry = make_entry(user=runner)
        harmless = lifecycle.change_entry(entry, {"max_attempts": 2}, actor=actor_of(editor), now=NOW)
        assert harmless.user == runner
        by_superuser = lifecycle.change_entry(entry, {"parameter_string": "a"}, actor=as_boss, now=NOW)
        assert by_superuser.user == runner
        taken = lifecycle.change_entry(entry, {"parameter_string": "b"}, actor=actor_of(editor), now=NOW)
        assert taken.user == editor
        assert last_change(entry).changes["Running user"] == ["runner", "editor"]

    def test_what_a_system_entry_runs_is_kept_by_the_product(self, as_boss):
        with pytest.raises(Refused, match="kept by the product"):
            lifecycle.change_entry(
                make_entry(is_system=True), {"parameter_string": "x"}, actor=as_boss, now=NOW
            )

    def test_another_object_clears_what_belonged_to_the_old_one(self, as_boss):
        entry = make_entry(object_id=TAKE_ORDER, parameters={"customer": "C1"}, parameter_string="x")
        changed = lifecycle.change_entry(entry, {"object_id": FAILING_OBJECT}, actor=as_boss, now=NOW)
        assert (changed.parameters, changed.parameter_string, changed.description) == ({}, "", "Fail")

    def test_a_report_takes_the_output_type_it_can_produce(self, as_boss):
        entry = make_entry(object_id=FAILING_OBJECT)
        values = {"object_type": "Report", "object_id": 90102}
        changed = lifecycle.change_entry(entry, values, actor=as_boss, now=NOW)
        assert (changed.object_type, changed.report_output_type) == (ObjectType.REPORT, OutputType.NONE)

    def test_priority_changes_in_any_status_but_in_process(self, as_boss):
        entry = make_entry(status=Status.WAITING, category_code="BANK")
        assert (
            lifecycle.set_priority_within_category(
                entry, 1000, actor=as_boss, now=NOW
            ).priority_within_category
            == 1000
        )
        with pytest.raises(Refused, match="has no category"):
            lifecycle.set_priority_within_category(make_entry(), 1000, actor=as_boss, now=NOW)


class TestCopyAndDelete:
    def test_a_copy_is_a_draft_of_the_actor_without_owner_or_live_state(self, as_boss, boss):
        entry = make_recurring_entry(
            status=Status.ERROR, error_message="Old.", attempts=3, owner_kind="package", owner_reference="1",
            recurrence_anchor=Anchor.FIXED,
        )  # fmt: skip
        copy = lifecycle.copy_entry(entry, actor=as_boss, now=NOW)
        assert (copy.status, copy.hold_kind, copy.user, copy.owner_kind) == (
            Status.ON_HOLD,
            HoldKind.DRAFT,
            boss,
            "",
        )
        assert (copy.error_message, copy.attempts, copy.recurring, copy.minutes_between_runs) == (
            "",
            0,
            True,
            60,
        )
        assert copy.recurrence_anchor == Anchor.FIXED

    def test_deleting_takes_task_and_unused_error_messages_along(self, as_boss):
        task = create_task("jobqueue.dispatch")
        unused = ErrorMessageRegister.objects.create(company=default_company(), created_at=NOW)
        used = ErrorMessageRegister.objects.create(company=default_company(), created_at=NOW)
        first = make_entry(status=Status.READY, system_task_id=task, error_register=unused)
        second = make_entry(status=Status.ERROR, error_register=used)
        make_log_entry(second, error_register=used)
        for entry in (first, second):
            lifecycle.delete_entry(entry, actor=as_boss, reason="not needed", now=NOW)
        assert not ScheduledTask.objects.exists()
        assert list(ErrorMessageRegister.objects.all()) == [used]
        assert (last_change(first).action, last_change(first).reason) == ("delete", "not needed")

    def test_a_receiver_may_refuse_the_deletion(self, as_boss):
        def refuse(entry, **_):
            raise Refused("A package uses it.")

        entry = make_entry()
        with connected(events.before_delete_entry, refuse), pytest.raises(Refused):
            lifecycle.delete_entry(entry, actor=as_boss, now=NOW)
        assert fresh(entry)

    def test_failed_entries_are_removed_after_30_seconds(self, as_boss, boss):
        def failed(ended_at, **fields):
            entry = make_entry(status=Status.ERROR, **fields)
            make_log_entry(entry, status=LogStatus.ERROR, ended_at=ended_at)
            return entry

        gone = failed(NOW - timedelta(seconds=30))
        own = failed(NOW - timedelta(seconds=31), user=boss)
        kept = [
            failed(NOW - timedelta(seconds=29)),
            failed(NOW - timedelta(hours=1), recurring=True),
            failed(NOW - timedelta(hours=1), owner_kind="package", owner_reference="1"),
            make_entry(status=Status.ERROR),
            make_entry(),
        ]
        assert lifecycle.remove_failed_entries(default_company(), actor=as_boss, only_own=True, now=NOW) == 1
        assert not Entry.objects.filter(pk=own.pk).exists()
        assert lifecycle.remove_failed_entries(default_company(), actor=as_boss, now=NOW) == 1
        assert not Entry.objects.filter(pk=gone.pk).exists()
        assert Entry.objects.count() == len(kept)


class TestLog:
    def test_a_run_marked_as_error_takes_its_entry_along(self, as_boss):
        entry = make_entry(status=Status.IN_PROCESS, session_number=3)
        row = make_log_entry(entry, status=LogStatus.IN_PROCESS)
        marked = lifecycle.mark_log_as_error(row, actor=as_boss, now=NOW)
        assert (marked.status, marked.error_message, marked.ended_at) == (
            LogStatus.ERROR,
            "Marked as error by boss.",
            NOW,
        )
        after = fresh(entry)
        assert (after.status, after.error_message, after.session_number) == (
            Status.ERROR, "Marked as error by boss.", None,
        )  # fmt: skip
        with pytest.raises(Refused, match="not In Process any more"):
            lifecycle.mark_log_as_error(row, actor=as_boss, now=NOW)

    def test_an_extra_run_marked_as_error_leaves_the_status_of_the_entry(self, as_boss):
        entry = make_entry(status=Status.READY)
        lifecycle.mark_log_as_error(
            make_log_entry(entry, status=LogStatus.IN_PROCESS), actor=as_boss, now=NOW
        )
        assert fresh(entry).status == Status.READY

    def test_log_entries_are_deleted_with_lines_but_never_those_in_process(self, as_boss):
        entry = make_entry()
        old = [make_log_entry(entry, due_at=NOW - timedelta(days=8, hours=hour)) for hour in range(5)]
        LogLine.objects.create(log_entry=old[0], at=NOW, text="Hello")
        make_log_entry(entry, status=LogStatus.IN_PROCESS, due_at=NOW - timedelta(days=9))
        make_log_entry(entry, due_at=NOW)
        assert lifecycle.delete_log_entries(default_company(), actor=as_boss, older_than_days=7, now=NOW) == 5
        assert lifecycle.delete_log_entries(default_company(), actor=as_boss, now=NOW) == 1
        assert LogEntry.objects.get().status == LogStatus.IN_PROCESS
        assert not LogLine.objects.exists()

    def test_a_deletion_that_stops_at_a_number_is_continued_by_the_next(self, as_boss):
        entry = make_entry()
        for hour in range(retention.BATCH + 2):
            make_log_entry(entry, due_at=NOW - timedelta(hours=hour))
        deleted = [
            lifecycle.delete_log_entries(default_company(), actor=as_boss, at_most=5) for _ in range(3)
        ]
        assert deleted == [retention.BATCH, 2, 0]

    def test_deleting_the_log_is_for_administrators(self):
        with pytest.raises(NotAllowed, match="Administrator"):
            lifecycle.delete_log_entries(
                default_company(), actor=actor_of(make_user(groups=["Scheduler"])), now=NOW
            )


class TestCategories:
    def test_renaming_follows_into_the_entries(self, as_boss):
        category = make_category("BANK")
        entry = make_entry(category_code="BANK", status=Status.READY)
        elsewhere = make_entry(category_code="BANK", company=make_company())
        lifecycle.rename_category(category, "money ", actor=as_boss, now=NOW)
        assert (fresh(entry).category_code, fresh(entry).revision) == ("MONEY", 1)
        assert fresh(elsewhere).category_code == "BANK"
        make_category("TAKEN")
        with pytest.raises(Invalid, match="already"):
            lifecycle.rename_category(category, "taken", actor=as_boss, now=NOW)

    def test_deleting_leaves_the_code_dangling_and_says_how_often(self, as_boss):
        entry = make_entry(category_code="BANK")
        assert lifecycle.delete_category(make_category("BANK"), actor=as_boss) == 1
        assert fresh(entry).category_code == "BANK"


class TestGuards:
    def test_a_change_in_between_leads_to_another_try(self, as_boss):
        entry, tries = make_entry(), []

        def meddle_once(entry, **_):
            tries.append(entry.revision)
            if len(tries) == 1:
                Entry.objects.filter(pk=entry.pk).update(revision=7)

        with connected(events.before_set_status, meddle_once):
            assert lifecycle.set_ready(entry, actor=as_boss, now=NOW).status == Status.READY
        assert len(tries) == 2
        assert ScheduledTask.objects.count() == 1

    def test_whoever_is_always_slower_gets_a_sentence_and_nothing_half_done(self, as_boss):
        entry = make_entry()

        def meddle(entry, **_):
            Entry.objects.filter(pk=entry.pk).update(revision=entry.revision + 1)

        with connected(events.before_enqueue, meddle), pytest.raises(ChangedMeanwhile, match="Open it again"):
            lifecycle.set_ready(entry, actor=as_boss, now=NOW)
        assert not ScheduledTask.objects.exists()
        assert not EntryChange.objects.exists()

    def test_a_stale_row_is_never_written(self):
        entry = make_entry()
        stale = fresh(entry)
        with transaction.atomic():
            store(entry, ["description"], now=NOW)
        with pytest.raises(ChangedMeanwhile):
            store(stale, ["description"], now=NOW)

    def test_another_companys_entry_is_out_of_reach(self):
        outsider = make_user(groups=["Administrator"])
        make_company("elsewhere", members=[outsider])
        with pytest.raises(NotAllowed, match="may not work in the company"):
            lifecycle.set_ready(make_entry(), actor=actor_of(outsider), now=NOW)

    def test_a_deleted_entry_is_not_found(self, as_boss):
        entry = make_entry()
        Entry.objects.all().delete()
        with pytest.raises(NotFound, match="does not exist any more"):
            lifecycle.set_on_hold(entry, actor=as_boss, now=NOW)


class connected:
    """Connects a receiver to an event for the length of a block."""

    def __init__(self, signal, receiver):
        self.signal, self.receiver = signal, receiver

    def __enter__(self):
        self.signal.connect(self.receiver, sender=Entry, weak=False)

    def __exit__(self, *_):
        self.signal.disconnect(self.receiver, sender=Entry)
