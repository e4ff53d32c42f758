"""How a run goes: order, groups, always lines, per-line modes, attempts, categories, holds, cancel, resume."""

from datetime import timedelta

import pytest

from jobqueue import categories, housekeeping
from jobqueue import lifecycle as entries
from jobqueue.errors import NotFound, Refused
from jobqueue.events import before_execute, finished_owned, schedule_veto
from jobqueue.models import Entry, LogEntry, ScheduledTask
from jobqueue.scheduler import ClaimedTask, SessionCancelled
from jobqueue.scheduler.outcome import TaskError, fail_task
from jobqueue.states import HoldKind, LogStatus, Status
from packages import lifecycle
from packages.engine.reconciling import delete_old_runs, look_round
from packages.models import Run, RunLine
from packages.states import OnError, Outcome, PackageStatus, Result
from tests.builders import actor_of, make_log_entry, make_superuser
from tests.jobobjects import jobs
from tests.jobobjects.models import Effect
from tests.packages.building import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    TOMORROW,
    TONIGHT,
    active,
    add_line,
    attempts_of,
    boss_of,
    entries_of,
    last_run,
    mails,
    nightly,
    occupied_category,
    receiving,
    reloaded,
    results_of,
    run,
    step,
    with_recipients,
)

pytestmark = pytest.mark.django_db


def effects() -> list[str]:
    return list(Effect.objects.order_by("pk").values_list("note", flat=True))


def noting(*orders: int, **values):
    """A package whose lines note their order."""
    package = nightly(lines=(), **values)
    for order in orders:
        add_line(package, f"Line {order}", order, object_id=jobs.EFFECT, parameter_string=str(order))
    return reloaded(package)


class TestOrder:
    def test_lines_run_one_after_the_other_by_run_order(self):
        package = noting(30, 10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        seen = []
        while step(TONIGHT):
            seen.append(len(effects()))
        assert effects() == ["10", "20", "30"]
        assert seen == [1, 2, 3]

    def test_a_disabled_line_is_left_out_and_counts_for_nothing(self):
        package = noting(10, 20, 30)
        lifecycle.change_line(package.lines.get(run_order=20), {"enabled": False}, actor=boss_of(package))
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        run()
        found = last_run(package)
        assert results_of(found) == ["Success", "Disabled", "Success"]
        assert (found.outcome, found.lines_total, found.lines_succeeded) == (Outcome.SUCCESS, 2, 2)
        assert effects() == ["10", "30"]

    def test_equal_orders_start_together_and_the_next_order_waits_for_all(self):
        package = noting(10, 20, 20, 30, run_equal_orders_together=True)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        step()
        going = RunLine.objects.filter(result=Result.IN_PROCESS)
        assert [line.run_order for line in going] == [20, 20]
        assert ScheduledTask.objects.filter(main_routine="jobqueue.dispatch").count() == 2
        run()
        assert (effects()[0], effects()[-1], last_run(package).outcome) == ("10", "30", Outcome.SUCCESS)

    def test_a_failed_line_lets_the_others_of_its_group_finish_and_then_stops(self):
        package = noting(10, 20, 30, run_equal_orders_together=True)
        add_line(package, "Fail", 20, object_id=jobs.FAILURE)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        run()
        assert effects() == ["10", "20"]
        assert sorted(results_of(last_run(package))) == ["Error", "Skipped", "Success", "Success"]

    def test_always_lines_run_last_also_after_stop_but_never_after_a_hold(self):
        package = nightly(failing=(20,), line_values={10: {"always": True}})
        active(package)
        run()
        found = last_run(package)
        assert [(line.run_order, line.result) for line in found.lines.all()] == [
            (20, Result.ERROR),
            (30, Result.SKIPPED),
            (40, Result.SKIPPED),
            (10, Result.SUCCESS),
        ]
        assert found.outcome == Outcome.ERROR
        package = active(package, now=TONIGHT + HOUR)
        hold_while(package, "Calculate")
        assert results_of(last_run(package)) == ["Error", "Not Run", "Not Run", "Not Run"]


class TestOnErrorPerLine:
    @pytest.mark.parametrize(
        ("package_mode", "line_mode", "results", "outcome", "status"),
        [
            (OnError.STOP, OnError.CONTINUE, "SESS", Outcome.WITH_ERRORS, PackageStatus.ACTIVE),
            (OnError.CONTINUE, OnError.STOP, "SEKK", Outcome.ERROR, PackageStatus.ERROR),
            (OnError.CONTINUE, OnError.FINISH, "SESS", Outcome.WITH_ERRORS, PackageStatus.ERROR),
        ],
    )
    def test_the_line_decides_before_the_package(self, package_mode, line_mode, results, outcome, status):
        package = nightly(failing=(20,), on_error=package_mode, line_values={20: {"on_error": line_mode}})
        active(package)
        run()
        found = last_run(package)
        letters = "".join({"Skipped": "K"}.get(result, result[0]) for result in results_of(found))
        assert (letters, found.outcome, reloaded(package).status) == (results, outcome, status)

    def test_the_strictest_failed_line_decides_the_status(self):
        package = nightly(
            failing=(10, 30), on_error=OnError.CONTINUE, line_values={10: {"on_error": OnError.FINISH}}
        )
        active(package)
        run()
        assert results_of(last_run(package)) == ["Error", "Success", "Error", "Success"]
        assert reloaded(package).status == PackageStatus.ERROR


class TestAttempts:
    def test_the_run_waits_for_the_rerun_delay_and_every_run_counts_from_zero(self):
        package = nightly(
            failing=(20,), on_error=OnError.CONTINUE,
            entry_values={20: {"max_attempts": 1, "rerun_delay_seconds": 60}},
        )  # fmt: skip
        active(package)
        run()
        assert results_of(last_run(package)) == ["Success", "Waiting", "Pending", "Pending"]
        run(TONIGHT + 10 * MINUTE)
        assert results_of(last_run(package)) == ["Success", "Error", "Success", "Success"]
        run(TOMORROW)
        run(TOMORROW + 10 * MINUTE)
        assert last_run(package).lines.get(run_order=20).attempts == 2
        assert len(attempts_of(last_run(package), 20)) == 2

    def test_a_package_owned_entry_never_disappears_by_running(self):
        package = nightly()
        active(package)
        run()
        assert [entry.status for entry in entries_of(package)] == [Status.ON_HOLD] * 4
        assert {entry.hold_kind for entry in entries_of(package)} == {HoldKind.OWNER}

    def test_every_attempt_is_an_ordinary_log_entry_linked_to_its_line(self):
        package = nightly(failing=(20,))
        active(package)
        run()
        found = last_run(package)
        linked = [row for line in found.lines.all() for row in line.log_entries()]
        assert [row.status for row in linked] == [LogStatus.SUCCESS, LogStatus.ERROR]
        assert set(linked) == set(LogEntry.objects.all())
        line = found.lines.get(run_order=20)
        assert (line.error_message, line.started_at is not None) == ("The printer ran out of paper.", True)

    def test_a_job_that_vanished_since_activation_is_an_ordinary_failure_of_its_line(self):
        package = nightly(on_error=OnError.CONTINUE)
        active(package)
        Entry.objects.filter(pk=entries_of(package)[1].pk).update(object_id=77_777)
        run()
        found = last_run(package)
        assert results_of(found) == ["Success", "Error", "Success", "Success"]
        assert "77777" in found.lines.get(run_order=20).error_message

    def test_a_vetoed_line_fails_for_good_at_once(self):
        package = nightly()
        active(package)

        def veto(*, entry, **_):
            return True if entry.description == "Post" else None

        with receiving(schedule_veto, veto):
            run()
        assert results_of(last_run(package)) == ["Success", "Success", "Error", "Skipped"]


class TestCategory:
    def test_a_line_waits_for_its_category_and_the_run_stays_open(self):
        row = occupied_category()
        package = active(nightly(entry_values={20: {"category_code": "BANK"}}))
        run()
        entry = entries_of(package)[1]
        assert (entry.status, entry.attempts) == (Status.WAITING, 0)
        assert last_run(package).is_open
        LogEntry.objects.filter(pk=row.pk).update(status=LogStatus.SUCCESS)
        categories.wake(row.company_id, "BANK", now=TONIGHT + MINUTE)
        run(TONIGHT + MINUTE)
        found = last_run(package)
        assert (found.outcome, found.lines.get(run_order=20).attempts) == (Outcome.SUCCESS, 1)

    def test_a_hold_takes_a_waiting_line_back(self):
        occupied_category()
        package = active(nightly(entry_values={20: {"category_code": "BANK"}}))
        run()
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT + MINUTE)
        found = last_run(package)
        assert results_of(found) == ["Success", "Not Run", "Not Run", "Not Run"]
        assert (found.outcome, entries_of(package)[1].status) == (Outcome.STOPPED, Status.ON_HOLD)
        assert not ScheduledTask.objects.filter(pk=entries_of(package)[1].system_task_id).exists()


class TestPoison:
    """A line whose runs keep killing their worker: the schedule alone does not let it kill one more."""

    def test_the_third_kill_holds_the_entry_and_the_next_night_does_not_run_it(self):
        package = active(nightly(on_error=OnError.CONTINUE))
        killing = entries_of(package)[1]
        for ago in (2, 1):
            at = TONIGHT - ago * HOUR
            make_log_entry(killing, status=LogStatus.ERROR, due_at=at, error_kind="killed", ended_at=at)
        kill_the_worker(package, "Calculate")
        killing.refresh_from_db()
        assert (killing.status, killing.hold_kind) == (Status.ON_HOLD, HoldKind.POISON)
        assert killing.hold_reason.endswith(
            "Correct the job, then set its package “Nightly” active or run it now."
        )
        assert results_of(last_run(package)) == ["Success", "Interrupted", "Success", "Success"]
        ran = LogEntry.objects.filter(entry_id=killing.id).count()

        run(TOMORROW)
        line = last_run(package).lines.get(run_order=20)
        assert results_of(last_run(package)) == ["Success", "Error", "Success", "Success"]
        assert (line.attempts, "killed their worker process" in line.error_message) == (0, True)
        assert LogEntry.objects.filter(entry_id=killing.id).count() == ran

    def test_whoever_sets_the_package_active_or_runs_it_answers_for_it(self):
        package = active(nightly(on_error=OnError.CONTINUE))
        killing = entries_of(package)[1]
        poisoned = {"status": Status.ON_HOLD, "hold_kind": HoldKind.POISON, "hold_reason": "It kills."}
        Entry.objects.filter(pk=killing.pk).update(**poisoned)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT - HOUR)
        run(TONIGHT - HOUR)
        assert results_of(last_run(package)) == ["Success"] * 4

        Entry.objects.filter(pk=killing.pk).update(**poisoned)
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT - HOUR)
        active(package, now=TONIGHT - MINUTE)
        run()
        assert results_of(last_run(package)) == ["Success"] * 4


def kill_the_worker(package, description):
    """The line's run ends as the supervisor ends that of a worker that died."""

    def kill(*, entry, **_):
        if entry.description == description:
            task = ScheduledTask.objects.get(pk=entry.system_task_id)
            claim = ClaimedTask(task.pk, task.claim_number, task.main_routine, False, 60)
            fail_task(claim, TaskError("killed", "gone"))

    with receiving(before_execute, kill):
        run()
    run()


class TestHold:
    def test_before_the_first_line_has_started_nothing_runs(self):
        package = noting(10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT)
        assert run(TONIGHT + MINUTE) == 0
        assert (results_of(last_run(package)), effects()) == (["Not Run", "Not Run"], [])
        assert last_run(package).outcome == Outcome.STOPPED

    def test_between_two_attempts_there_is_no_further_one(self):
        package = with_recipients(
            nightly(failing=(20,), entry_values={20: {"max_attempts": 5, "rerun_delay_seconds": 600}})
        )
        active(package)
        run()
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT + MINUTE)
        found = last_run(package)
        assert results_of(found) == ["Success", "Error", "Not Run", "Not Run"]
        assert (found.outcome, found.is_open) == (Outcome.ERROR, False)
        assert set(mails()) == {"eve", "ann", "cas"}
        entry = entries_of(package)[1]
        assert (entry.status, entry.error_message) == (Status.ERROR, "The printer ran out of paper.")
        run(TONIGHT + HOUR)
        assert [row.is_final for row in attempts_of(found, 20)] == [True]

    def test_during_an_attempt_that_fails_the_retry_is_withdrawn(self):
        package = nightly(failing=(20,), entry_values={20: {"max_attempts": 5, "rerun_delay_seconds": 600}})
        active(package)
        hold_while(package, "Calculate")
        found = last_run(package)
        assert (results_of(found)[1], found.lines.get(run_order=20).attempts) == ("Error", 1)
        assert found.outcome == Outcome.ERROR

    def test_while_the_last_line_runs_and_succeeds_nothing_was_cut_short(self):
        package = active(nightly())
        hold_while(package, "Report")
        assert last_run(package).outcome == Outcome.SUCCESS
        assert reloaded(package).status == PackageStatus.ON_HOLD

    def test_a_manual_run_of_a_held_package_is_stopped_by_set_on_hold(self):
        package = nightly()
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT)
        with pytest.raises(Refused, match="already On Hold"):
            lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT)

    def test_reactivation_while_the_held_run_finishes_ends_that_run_as_held(self):
        package = active(nightly())

        def hold_and_activate(*, entry, **_):
            if entry.description == "Calculate":
                lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT)
                active(package, now=TONIGHT)

        with receiving(before_execute, hold_and_activate):
            run()
        assert last_run(package).outcome == Outcome.STOPPED
        package = reloaded(package)
        assert (package.status, package.next_run_at) == (PackageStatus.ACTIVE, TOMORROW)
        run(TOMORROW)
        assert last_run(package).outcome == Outcome.SUCCESS

    def test_a_held_run_that_fails_leaves_the_new_schedule_alone(self):
        package = active(nightly(failing=(20,)))

        def hold_and_activate(*, entry, **_):
            if entry.description == "Calculate":
                lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT)
                active(package, now=TONIGHT)

        with receiving(before_execute, hold_and_activate):
            run()
        found = last_run(package)
        assert (found.outcome, found.stops_package) == (Outcome.ERROR, False)
        package = reloaded(package)
        assert (package.status, package.next_run_at) == (PackageStatus.ACTIVE, TOMORROW)


class TestCancel:
    def test_a_waiting_line_is_taken_back_and_later_lines_do_not_run(self):
        package = nightly()
        found = lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        lifecycle.cancel_run(found, actor=boss_of(package), reason="wrong data", now=TONIGHT)
        assert (found.outcome, found.cancel_reason) == (Outcome.STOPPED, "wrong data")
        assert set(results_of(found)) == {"Not Run"}
        with pytest.raises(Refused, match="has ended"):
            lifecycle.cancel_run(found, actor=boss_of(package))

    def test_a_cancelled_line_counts_as_failed_for_good_and_names_who_cancelled_it(self):
        package = active(nightly(on_error=OnError.CONTINUE, entry_values={20: {"max_attempts": 3}}))
        cancelled_entry(package, "Calculate")
        found = last_run(package)
        assert results_of(found) == ["Success", "Error", "Success", "Success"]
        assert found.lines.get(run_order=20).error_message.startswith(f"Cancelled by {package.created_by}")

    def test_the_running_entry_is_asked_to_stop(self):
        package = active(nightly(on_error=OnError.CONTINUE))

        def cancel(*, entry, **_):
            if entry.description == "Calculate":
                lifecycle.cancel_run(last_run(package), actor=boss_of(package), reason="enough", now=TONIGHT)

        with receiving(before_execute, cancel):
            run()
        found = last_run(package)
        assert results_of(found)[2:] == ["Not Run", "Not Run"]
        assert not found.is_open
        asked = found.lines.get(run_order=20)
        # A job that has no point at which it can stop ends as it likes; later lines do not run in any case.
        assert asked.result in (Result.SUCCESS, Result.ERROR)


class TestResume:
    def test_it_starts_at_the_first_line_that_did_not_succeed(self):
        package = active(nightly(failing=(20,)))
        run()
        failed = last_run(package)
        Entry.objects.filter(pk=entries_of(package)[1].pk).update(object_id=jobs.SUCCESS)
        resumed = lifecycle.resume(failed, actor=boss_of(package), now=TONIGHT + HOUR)
        run(TONIGHT + HOUR)
        resumed.refresh_from_db()
        assert results_of(resumed) == ["Taken Over", "Success", "Success", "Success"]
        assert (resumed.outcome, resumed.resumed_from, resumed.trigger) == (Outcome.SUCCESS, failed, "manual")
        assert reloaded(package).status == PackageStatus.ERROR
        with pytest.raises(Refused) as refusal:
            lifecycle.resume(failed, actor=boss_of(package), now=TONIGHT + DAY)
        assert refusal.value.code == "already_resumed"

    def test_it_is_refused_after_the_lines_changed_and_for_other_outcomes(self):
        package = active(nightly(failing=(20,)))
        run()
        failed = last_run(package)
        line = package.lines.get(run_order=20)
        lifecycle.change_line_entry(line, {"object_id": jobs.SUCCESS}, actor=boss_of(package))
        with pytest.raises(Refused) as refusal:
            lifecycle.resume(failed, actor=boss_of(package), now=TONIGHT + HOUR)
        assert refusal.value.code == "lines_changed"
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT + HOUR)
        run(TONIGHT + HOUR)
        with pytest.raises(Refused, match="is Success; only a run") as refusal:
            lifecycle.resume(last_run(package), actor=boss_of(package), now=TONIGHT + HOUR)
        assert refusal.value.code == "not_resumable"


class TestRunNow:
    def test_the_schedule_does_not_move_and_the_trigger_names_the_user(self):
        package = active(nightly())
        user = make_superuser()
        found = lifecycle.run_now(package, actor=actor_of(user), now=TONIGHT - HOUR)
        run(TONIGHT - HOUR)
        found.refresh_from_db()
        assert (found.trigger, found.started_by, found.outcome) == ("manual", user, Outcome.SUCCESS)
        assert (reloaded(package).next_run_at, reloaded(package).status) == (TONIGHT, PackageStatus.ACTIVE)
        run()
        assert last_run(package).trigger == "scheduled"

    def test_from_a_line_and_only_a_line(self):
        package = noting(10, 20, 30)
        found = lifecycle.run_now(package, actor=boss_of(package), from_line=20, now=TONIGHT)
        run()
        assert (results_of(found), effects()) == (["Left Out", "Success", "Success"], ["20", "30"])
        only = lifecycle.run_now(
            package, actor=boss_of(package), only_line=package.lines.get(run_order=10), now=TONIGHT + MINUTE
        )
        run(TONIGHT + MINUTE)
        assert results_of(only) == ["Success", "Left Out", "Left Out"]
        only.refresh_from_db()
        assert only.outcome == Outcome.SUCCESS
        with pytest.raises(NotFound, match="no enabled line 25"):
            lifecycle.run_now(package, actor=boss_of(package), only_line=25, now=TONIGHT + HOUR)

    @pytest.mark.parametrize("status", [PackageStatus.ON_HOLD, PackageStatus.ERROR, PackageStatus.FINISHED])
    def test_a_status_that_is_not_active_stays_whatever_the_outcome(self, status):
        package = nightly(failing=(20,))
        type(package).objects.filter(pk=package.pk).update(status=status)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        run()
        assert last_run(package).outcome == Outcome.ERROR
        assert (reloaded(package).status, reloaded(package).next_run_at) == (status, None)

    def test_an_active_package_is_stopped_by_a_manual_run_that_fails(self):
        package = active(nightly(failing=(20,)))
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT - HOUR)
        run(TONIGHT - HOUR)
        assert (reloaded(package).status, reloaded(package).next_run_at) == (PackageStatus.ERROR, None)
        assert run() == 0

    def test_a_second_one_is_told_since_when_it_is_running(self):
        package = nightly()
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        with pytest.raises(Refused, match="already running since 2026-11-20 21:00:00 UTC") as refusal:
            lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT + SECOND)
        assert refusal.value.code == "already_running"


class TestIdentity:
    def test_entries_run_as_whoever_set_the_package_active(self):
        user = make_superuser()
        package = active(noting(10), actor=actor_of(user))
        run()
        assert LogEntry.objects.get().user == user
        assert last_run(package).identity == user

    def test_run_as_user_comes_first_and_a_first_manual_run_is_the_starters(self):
        user, named = make_superuser(), make_superuser()
        package = noting(10)
        lifecycle.run_now(package, actor=actor_of(user), now=TONIGHT)
        run()
        lifecycle.change_package(package, {"run_as_user": named}, actor=boss_of(package))
        lifecycle.run_now(package, actor=actor_of(user), now=TONIGHT + MINUTE)
        run(TONIGHT + MINUTE)
        assert [row.user for row in LogEntry.objects.order_by("entry_no")] == [user, named]

    @pytest.mark.parametrize("mode", OnError)
    def test_a_run_whose_identity_is_disabled_cannot_start_in_any_mode(self, mode):
        user = make_superuser()
        package = active(with_recipients(nightly(on_error=mode)), actor=actor_of(user))
        type(user).objects.filter(pk=user.pk).update(is_active=False)
        run()
        found = last_run(package)
        assert (found.outcome, set(results_of(found))) == (Outcome.ERROR, {"Not Run"})
        assert f"“{user}”, as whom the entries run, is disabled" in found.message
        package = reloaded(package)
        assert (package.status, package.next_run_at) == (PackageStatus.ERROR, None)
        assert (package.last_outcome, package.last_run_at) == (Outcome.ERROR, TONIGHT)
        assert set(mails()) == {"ann", "cas", "dee"}
        assert run(TOMORROW) == 0


class TestOverrun:
    def test_it_is_told_once_and_ends_nothing(self):
        package = with_recipients(
            nightly(
                failing=(10,), max_duration_minutes=30, on_error=OnError.CONTINUE,
                entry_values={10: {"max_attempts": 1, "rerun_delay_seconds": 3600}},
            ),
            [("oona", "package_overrun")],
        )  # fmt: skip
        active(package)
        run()
        run(TONIGHT + 30 * MINUTE)
        assert mails() == {"oona": [("package_overrun",)]}
        assert last_run(package).is_open
        assert last_run(package).overrun_at == TONIGHT + 30 * MINUTE
        run(TONIGHT + 2 * HOUR)
        assert (last_run(package).is_open, len(mails()["oona"])) == (False, 1)

    def test_a_run_that_ends_in_time_takes_its_watch_along(self):
        active(nightly(max_duration_minutes=30))
        run()
        assert not ScheduledTask.objects.filter(main_routine="packages.overrun").exists()


class TestStandingStill:
    """The reconciler advances runs nobody moves on."""

    def test_an_end_that_was_never_reported_is_taken_from_the_ledger(self):
        package = noting(10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        entry = entries_of(package)[0]
        ScheduledTask.objects.filter(pk=entry.system_task_id).delete()
        Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, error_message="Stopped by an update.")
        look_round(now=TONIGHT + HOUR)
        found = last_run(package)
        assert (results_of(found), found.outcome) == (["Error", "Skipped"], Outcome.ERROR)
        assert found.lines.first().error_message == "Stopped by an update."

    def test_a_line_set_to_error_by_a_person_has_failed(self):
        package = noting(10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        entry = entries_of(package)[0]
        row = make_log_entry(entry, status=LogStatus.IN_PROCESS, due_at=entry.due_at)
        Entry.objects.filter(pk=entry.pk).update(status=Status.IN_PROCESS)
        entries.mark_log_as_error(row, actor=boss_of(package), now=TONIGHT + MINUTE)
        look_round(now=TONIGHT + HOUR)
        found = last_run(package)
        assert (results_of(found), found.is_open) == (["Error", "Skipped"], False)

    def test_an_entry_that_lost_its_task_is_started_again(self):
        package = noting(10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        ScheduledTask.objects.all().delete()
        look_round(now=TONIGHT)
        run()
        assert (effects(), last_run(package).outcome) == (["10", "20"], Outcome.SUCCESS)

    def test_an_active_package_that_lost_its_task_gets_another(self):
        package = active(nightly())
        ScheduledTask.objects.all().delete()
        look_round(now=TONIGHT - HOUR)
        run()
        assert last_run(package).outcome == Outcome.SUCCESS

    def test_a_run_that_goes_on_as_it_should_is_left_alone(self):
        package = noting(10, 20)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        look_round(now=TONIGHT)
        run()
        assert effects() == ["10", "20"]

    def test_the_watch_of_the_job_queue_calls_it(self):
        housekeeping.ensure_watch(TONIGHT)
        step(TONIGHT)
        assert ScheduledTask.objects.filter(main_routine="packages.reconcile").exists()

    def test_an_attempt_nobody_waits_for_changes_nothing(self):
        package = noting(10)
        lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
        run()
        entry = entries_of(package)[0]
        row = LogEntry.objects.get()
        finished_owned.send(sender=Entry, entry=entry, log_entry=row, succeeded=False, final=True)
        assert last_run(package).outcome == Outcome.SUCCESS


def test_old_runs_are_deleted_and_open_ones_never():
    package = nightly()
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT)
    run()
    lifecycle.run_now(package, actor=boss_of(package), now=TONIGHT + MINUTE)
    assert delete_old_runs(now=TONIGHT + timedelta(days=89)) == 0
    assert delete_old_runs(now=TONIGHT + timedelta(days=91)) == 1
    assert Run.objects.get().is_open


def test_recovery_is_told_with_the_success_after_a_failure():
    package = with_recipients(
        nightly(failing=(20,), on_error=OnError.CONTINUE), [("rita", "package_recovery")]
    )
    active(package)
    run()
    assert mails() == {}
    Entry.objects.filter(pk=entries_of(package)[1].pk).update(object_id=jobs.SUCCESS)
    run(TOMORROW)
    assert mails() == {"rita": [("package_recovery",)]}
    run(TOMORROW + DAY)
    assert len(mails()["rita"]) == 1


def hold_while(package, description):
    def hold(*, entry, **_):
        if entry.description == description:
            lifecycle.set_on_hold(package, actor=boss_of(package), now=TONIGHT + HOUR)

    with receiving(before_execute, hold):
        run(max(TONIGHT, reloaded(package).next_run_at or TONIGHT))


def cancelled_entry(package, description):
    """The line's run ends as cancelled by the boss, as the scheduler would end it."""

    def cancel(*, entry, **_):
        if entry.description == description:
            entries.cancel_run(entry, actor=boss_of(package), reason="by hand", now=TONIGHT)
            raise SessionCancelled("by hand")

    with receiving(before_execute, cancel):
        run()
