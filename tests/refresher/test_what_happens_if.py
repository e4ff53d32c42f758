"""The table *What happens if…* of the refresher reference, row by row; overridden rows as the decisions have them.

Overridden by the decisions on the refresher and its choices: rows 3, 5, 6, 9, 10, 17, 31, 38 and 39.
"""

from datetime import datetime, time, timedelta

import pytest
from django.contrib.auth.signals import user_logged_in

from jobqueue import events as queue_events
from jobqueue import lifecycle
from jobqueue.errors import NotAllowed, Refused
from jobqueue.models import Entry, ScheduledTask
from jobqueue.schedule import load_zone, to_local
from jobqueue.states import Anchor, HoldKind, LogStatus, ObjectType, OutputType, Status
from notifications.models import Message
from refresher import events, monitoring, runners, setting_up
from refresher.asking import is_managed, last_refreshed, setup_of
from refresher.entra.models import EntraApplication, EntraTenant
from refresher.errors import NotOperational, PassFailed
from refresher.models import ManagedByApp, MonitoredJob, RefreshLog
from refresher.passing import refresh_as_runner, refresh_now
from refresher.sign_in import refresh_after_sign_in
from refresher.states import Action, PassState, RefreshStatus, Trigger, Why
from tests.builders import (
    FAILING_OBJECT,
    NOW,
    actor_of,
    default_company,
    make_company,
    make_log_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects.jobs import LISTING, PROTECTED
from tests.jobqueue.driving import connected, outcomes_of, reload, run, task_of
from tests.refresher.situations import (
    entry_of,
    external_mode,
    line_of,
    login_mode,
    lose_task,
    make_runner,
    outcome,
    ready_job,
    refresh,
    stored,
)

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def force(entry: Entry, **fields) -> Entry:
    """Writes past all verbs, as an accident would."""
    fields.setdefault("revision", Entry.objects.get(pk=entry.pk).revision + 1)
    Entry.objects.filter(pk=entry.pk).update(**fields)
    return Entry.objects.get(pk=entry.pk)


def left_alone(entry: Entry) -> tuple:
    """What must not change when an entry is left alone."""
    row = Entry.objects.get(pk=entry.pk)
    return row.revision, row.status, row.system_task_id, row.earliest_start_at, row.user_id, row.attempts


def test_row_1_an_entry_in_error_is_restarted_at_its_next_due_time():
    login_mode()
    entry, job = ready_job()
    make_log_entry(entry, due_at=NOW - 30 * MINUTE, ended_at=NOW - 20 * MINUTE)
    lose_task(entry)
    force(entry, status=Status.ERROR, attempts=3, error_message="No paper.", system_task_id=None)
    assert (outcome().why, outcome().why) == (Why.IN_ERROR, Why.SCHEDULED)
    after = entry_of(job)
    assert (after.status, after.attempts, after.error_message) == (Status.READY, 0, "")
    assert after.earliest_start_at == NOW + 40 * MINUTE  # an hour after the last success ended
    assert task_of(after) is not None
    assert stored(job).last_refresh_status == RefreshStatus.SUCCESS


def test_row_1_at_fixed_times_the_next_due_time_is_the_next_of_the_grid():
    login_mode()
    entry, job = ready_job(recurrence_anchor=Anchor.FIXED, starting_time=time(0, 15), earliest_start_at=None)
    lose_task(entry)
    force(entry, status=Status.ERROR, attempts=3, system_task_id=None)
    refresh()
    assert entry_of(job).earliest_start_at == datetime(2026, 3, 2, 9, 15, tzinfo=NOW.tzinfo)


def test_the_start_of_a_first_restore_becomes_the_first_run_of_a_template_without_one():
    login_mode()
    entry, job = ready_job()
    type(job).objects.filter(pk=job.pk).update(earliest_start_at=None)
    for started, minutes in ((NOW, 60), (NOW + HOUR, 120)):
        make_log_entry(entry, due_at=started, ended_at=started)
        lose_task(entry)
        force(entry, status=Status.ERROR, system_task_id=None)
        refresh(now=started + MINUTE)
        assert entry_of(job).earliest_start_at == NOW + minutes * MINUTE
        assert stored(job).earliest_start_at == NOW + HOUR, "entered once, then left as it is"


def test_row_2_a_hold_of_a_program_is_ended():
    login_mode()
    entry, job = ready_job()
    lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()), kind=HoldKind.PROGRAM, now=NOW)
    assert outcome().why == Why.PROGRAM_HOLD
    assert (entry_of(job).status, entry_of(job).hold_kind) == (Status.READY, "")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (HoldKind.MANUAL, Why.MANUAL_HOLD),
        (HoldKind.DRAFT, Why.DRAFT_HOLD),
        (HoldKind.POISON, Why.POISON_HOLD),
        (HoldKind.COPY, Why.COPY_HOLD),
        (HoldKind.OWNER, Why.OWNER_HOLD),
    ],
)
def test_row_3_every_other_hold_is_left_alone_completely(kind, why):
    login_mode()
    entry, job = ready_job()
    lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()), kind=kind, reason="Stock-taking.", now=NOW)
    force(entry, description="Changed by hand", max_attempts=9)
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, why)
    assert left_alone(entry) == before
    assert entry_of(job).description == "Changed by hand"
    assert stored(job).last_refresh_status == RefreshStatus.SUCCESS
    assert stored(job).last_reason


def test_row_3_the_reason_of_a_manual_hold_names_person_and_words():
    login_mode()
    entry, job = ready_job()
    person = make_superuser("anna")
    lifecycle.set_on_hold(entry, actor=actor_of(person), reason="Stock-taking.", now=NOW)
    refresh()
    assert line_of(job).reason == "Held by a person (“anna”): Stock-taking."


def running(entry: Entry) -> Entry:
    """The entry as it is while its task runs."""
    task = Entry.objects.get(pk=entry.pk).system_task_id
    ScheduledTask.objects.filter(pk=task).update(state=ScheduledTask.State.RUNNING, started_at=NOW)
    make_log_entry(entry, status=LogStatus.IN_PROCESS, system_task_id=task, due_at=NOW)
    return force(entry, status=Status.IN_PROCESS)


def test_row_4_a_run_in_process_is_left_alone():
    external_mode()
    entry, job = ready_job()
    running(entry)
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, Why.RUNNING)
    assert left_alone(entry) == before


def test_row_5_a_lost_run_is_left_to_the_scheduler():
    login_mode()
    entry, job = ready_job()
    running(entry)
    lose_task(entry)
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, Why.LOST_RUN)
    assert left_alone(entry) == before


def test_row_6_values_of_a_running_entry_are_corrected_without_touching_its_run():
    external_mode()
    entry, job = ready_job()
    running(entry)
    force(entry, minutes_between_runs=5, description="Changed by hand")
    found = outcome()
    after = entry_of(job)
    assert (found.action, found.why) == (Action.CORRECTED, Why.RUNNING)
    assert (after.minutes_between_runs, after.description) == (60, job.description)
    assert (after.status, after.user, after.system_task_id) == (
        Status.IN_PROCESS,
        entry.user,
        entry.system_task_id,
    )
    assert ScheduledTask.objects.get(pk=after.system_task_id).state == ScheduledTask.State.RUNNING


def test_row_7_what_is_scheduled_correctly_is_left_alone():
    login_mode()
    entry, job = ready_job()
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, Why.SCHEDULED)
    assert left_alone(entry) == before
    assert line_of(job).reason == "Scheduled as it should be."


def test_row_8_a_lost_task_is_made_anew():
    login_mode()
    entry, job = ready_job()
    lose_task(entry)
    assert outcome().why == Why.LOST_TASK
    after = entry_of(job)
    assert (after.status, after.earliest_start_at) == (Status.READY, NOW + HOUR)
    assert task_of(after).not_before == NOW + HOUR


def test_row_9_a_retry_in_its_back_off_is_left_alone():
    external_mode()
    entry, job = ready_job(
        object_id=FAILING_OBJECT, max_attempts=3, rerun_delay_seconds=600, earliest_start_at=None
    )
    run(NOW + timedelta(seconds=1))
    assert reload(entry).attempts == 1
    before = left_alone(entry)
    assert (outcome(now=NOW + MINUTE).action, outcome(now=NOW + MINUTE).why) == (
        Action.LEFT_ALONE,
        Why.RETRY,
    )
    assert left_alone(entry) == before


def test_row_9_a_start_somebody_moved_goes_back_to_the_due_time():
    login_mode()
    entry, job = ready_job(earliest_start_at=NOW + 5 * HOUR)
    make_log_entry(entry, due_at=NOW - MINUTE, ended_at=NOW - MINUTE)
    assert outcome().why == Why.MOVED
    after = entry_of(job)
    assert after.earliest_start_at == NOW + 59 * MINUTE
    assert task_of(after).not_before == NOW + 59 * MINUTE


def test_row_9_also_a_start_beyond_the_expiration():
    login_mode()
    entry, job = ready_job(expires_at=NOW + 3 * HOUR)
    make_log_entry(entry, due_at=NOW - MINUTE, ended_at=NOW - MINUTE)
    force(entry, earliest_start_at=NOW + 5 * HOUR)
    assert outcome().action == Action.RESTARTED
    assert entry_of(job).earliest_start_at == NOW + 59 * MINUTE


@pytest.mark.parametrize(
    ("status", "why"), [(Status.WAITING, Why.WAITING), (Status.INACTIVITY, Why.SLEEPING)]
)
def test_row_10_waiting_and_sleeping_entries_with_a_task_are_left_alone(status, why):
    external_mode()
    entry, job = ready_job()
    force(entry, status=status)
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, why)
    assert left_alone(entry) == before


@pytest.mark.parametrize("status", [Status.WAITING, Status.INACTIVITY, Status.FINISHED])
def test_row_10_those_without_a_task_are_restarted(status):
    login_mode()
    entry, job = ready_job()
    lose_task(entry)
    force(entry, status=status, system_task_id=None)
    assert outcome().action == Action.RESTARTED
    assert entry_of(job).status == Status.READY
    assert task_of(entry_of(job)) is not None


def test_row_11_the_entry_of_a_protected_job_is_created_again():
    external_mode()
    entry, job = ready_job(is_protected=True)
    entry.delete()
    found = outcome()
    after = entry_of(job)
    assert found.action == Action.RECREATED
    assert after.id != entry.id
    assert (after.description, after.status, after.user) == (
        entry.description,
        Status.READY,
        setup_of(default_company()).default_runner.user,
    )
    assert not ManagedByApp.objects.exists()


def test_row_12_a_deleted_custom_entry_is_an_error_while_creating_is_off():
    external_mode()
    entry, job = ready_job()
    lifecycle.set_on_hold(entry, actor=actor_of(make_superuser()))
    lifecycle.delete_entry(entry, actor=actor_of(make_superuser()))
    assert outcome().why == Why.RECREATION_OFF
    after = stored(job)
    assert (after.last_refresh_status, after.entry_id) == (RefreshStatus.ERROR, entry.id)
    assert "does not exist any more" in after.last_error
    assert not Entry.objects.filter(is_system=False).exists()


def allow(job, **named):
    return True


def allow_all(company, **named):
    return True


@pytest.mark.parametrize("how", ["setting", "event for the job", "event for all"])
def test_row_13_it_is_created_again_where_that_is_allowed(how):
    external_mode(create_missing_custom_jobs=how == "setting")
    entry, job = ready_job()
    entry.delete()
    signal, receiver = (
        (events.may_create_missing_job, allow)
        if how == "event for the job"
        else (events.may_create_missing_jobs, allow_all)
    )
    if how == "setting":
        refresh()
    else:
        with connected(signal, receiver):
            refresh()
    after = entry_of(job)
    assert after.id != entry.id
    assert ManagedByApp.objects.get(entry_id=after.id).managed
    assert stored(job).last_refresh_status == RefreshStatus.SUCCESS


@pytest.mark.parametrize("is_allowed", [True, False])
def test_row_14_a_look_alike_is_adopted_only_where_creating_is_allowed(is_allowed):
    external_mode(create_missing_custom_jobs=is_allowed)
    entry, job = ready_job()
    entry.delete()
    twin = make_recurring_entry(status=Status.ERROR)
    found = outcome()
    if is_allowed:
        assert (found.action, entry_of(job).pk, entry_of(job).status) == (
            Action.ADOPTED,
            twin.pk,
            Status.READY,
        )
        assert entry_of(job).description == job.description
    else:
        assert found.why == Why.RECREATION_OFF
        assert (stored(job).entry_id, reload(twin).status) == (entry.id, Status.ERROR)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "Changed by hand"),
        ("minutes_between_runs", 5),
        ("run_on_sundays", False),
        ("max_attempts", 9),
        ("rerun_delay_seconds", 1234),
        ("parameter_string", "other=1"),
        ("category_code", "OTHER"),
        ("priority", 1),
        ("priority_within_category", 1000),
        ("timeout_seconds", 60),
        ("notify_on_success", True),
        ("time_zone", "Asia/Tokyo"),
        ("expires_at", NOW + timedelta(days=5)),
        ("inactivity_timeout_minutes", 77),
    ],
)
def test_row_15_an_edited_value_is_restored_and_the_entry_planned_anew(field, value):
    login_mode()
    entry, job = ready_job()
    expected = getattr(entry, field)
    force(entry, **{field: value})
    assert (outcome().action, outcome().action) == (Action.RESTARTED, Action.LEFT_ALONE)
    after = entry_of(job)
    assert getattr(after, field) == expected
    assert (after.status, after.earliest_start_at) == (Status.READY, NOW + HOUR)
    first = RefreshLog.objects.order_by("pk").first().lines.get()
    assert (first.why, len(first.changes)) == (Why.CHANGED, 1)


def test_row_15_the_window_of_the_template_is_restored():
    login_mode()
    entry, job = ready_job(starting_time=time(8), ending_time=time(17))
    force(entry, starting_time=time(20), ending_time=None)
    refresh()
    assert (entry_of(job).starting_time, entry_of(job).ending_time) == (time(8), time(17))


def test_row_15_a_date_formula_is_restored_and_clears_weekdays():
    login_mode()
    entry, job = ready_job(next_run_date_formula="1D", starting_time=time(8))
    force(entry, next_run_date_formula="", run_on_mondays=True, minutes_between_runs=15)
    refresh()
    after = entry_of(job)
    assert (after.next_run_date_formula, after.weekdays, after.minutes_between_runs) == (
        "1D",
        frozenset(),
        0,
    )


def test_row_16_a_starting_time_the_template_does_not_have_stays():
    login_mode()
    entry, job = ready_job()
    force(entry, starting_time=time(6))
    refresh()
    assert entry_of(job).starting_time == time(6)


def test_row_17_the_parameters_of_a_report_are_restored_where_the_template_has_them():
    login_mode()
    entry, job = ready_job(
        object_type=ObjectType.REPORT,
        object_id=LISTING,
        report_output_type=OutputType.CSV,
    )
    force(entry, report_output_type=OutputType.PDF)
    refresh()
    assert entry_of(job).report_output_type == OutputType.CSV


def test_row_18_a_job_that_would_run_as_a_person_is_restarted_as_its_runner():
    setup = external_mode()
    entry, job = ready_job(user=make_superuser("anna"))
    found = outcome()
    assert (found.why, found.reason) == (Why.OTHER_USER, "It would have run as “anna”.")
    after = entry_of(job)
    assert (after.user, after.earliest_start_at) == (setup.default_runner.user, NOW + HOUR)
    assert task_of(after).user == setup.default_runner.user


def test_row_19_in_login_mode_the_running_user_stays():
    login_mode()
    anna = make_superuser("anna")
    entry, job = ready_job(user=anna)
    refresh()
    force(entry, status=Status.ERROR, system_task_id=None)
    refresh()
    assert (entry_of(job).user, entry_of(job).status) == (anna, Status.READY)


def registering(**values):
    """A receiver that registers one job."""

    def register(registrar, **named):
        registrar.recurring(90001, key="posting", minutes=60, description="Posting", **values)

    return register


def test_row_20_a_protected_job_that_was_deleted_reappears_and_takes_its_entry_back():
    external_mode()
    with connected(events.register_jobs, registering()):
        refresh()
        first = MonitoredJob.objects.get()
        first.runner = make_runner()
        first.save()
        entry = entry_of(first)
        monitoring.delete_monitored_job(first, actor=actor_of(make_superuser()))
        refresh()
    again = MonitoredJob.objects.get()
    assert again.pk != first.pk
    assert (again.entry_id, again.runner, again.is_protected) == (entry.id, None, True)
    assert Entry.objects.filter(is_system=False).count() == 1


def test_row_21_the_entry_of_a_deleted_custom_job_runs_on_unmonitored():
    login_mode()
    entry, job = ready_job()
    monitoring.delete_monitored_job(job, actor=actor_of(make_superuser()))
    before = left_alone(entry)
    assert refresh().outcomes == []
    assert left_alone(entry) == before
    assert not is_managed(entry)


def test_row_22_an_edited_customisable_template_is_kept():
    external_mode()
    with connected(events.register_jobs, registering(customisable=True)):
        refresh()
        job = MonitoredJob.objects.get()
        monitoring.change_monitored_job(
            job, {"minutes_between_runs": 15}, actor=actor_of(make_superuser()), now=NOW
        )
        refresh()
    assert stored(job).minutes_between_runs == 15
    assert entry_of(job).minutes_between_runs == 15


def test_row_23_an_edited_category_of_another_protected_job_is_overwritten():
    external_mode()
    with connected(events.register_jobs, registering(category_code="POST")):
        refresh()
        job = MonitoredJob.objects.get()
        monitoring.change_monitored_job(
            job, {"priority_within_category": "high"}, actor=actor_of(make_superuser()), now=NOW
        )
        MonitoredJob.objects.update(category_code="OTHER")
        refresh()
    assert (stored(job).category_code, stored(job).priority_within_category) == ("POST", 2000)


def test_row_24_an_edited_description_is_kept_and_so_is_auto_reschedule():
    external_mode()
    with connected(events.register_jobs, registering()):
        refresh()
        job = MonitoredJob.objects.get()
        values = {"description": "Our posting", "auto_reschedule": True, "auto_reschedule_delay_seconds": 60}
        monitoring.change_monitored_job(job, values, actor=actor_of(make_superuser()), now=NOW)
        refresh()
    after = stored(job)
    assert (after.description, after.auto_reschedule, after.auto_reschedule_delay_seconds) == (
        "Our posting",
        True,
        60,
    )
    assert entry_of(job).description == "Our posting"


def test_row_25_a_job_that_cannot_be_restored_does_not_stop_the_others():
    login_mode()
    broken, broken_job = ready_job()
    fine, fine_job = ready_job()
    MonitoredJob.objects.filter(pk=broken_job.pk).update(parameters={"nonsense": 1})
    lose_task(fine)
    result = refresh()
    assert [one.action for one in result.outcomes] == [Action.FAILED, Action.RESTARTED]
    assert stored(broken_job).last_refresh_status == RefreshStatus.ERROR
    assert stored(broken_job).last_error
    assert stored(fine_job).last_refresh_status == RefreshStatus.SUCCESS
    assert (result.log.failed, result.log.restarted, result.log.state) == (1, 1, PassState.DONE)


def fail_to_register(registrar, **named):
    registrar.recurring(90002, key="never", minutes=5, description="Rolled back")
    raise ZeroDivisionError("no such company")


def test_row_26_a_registration_that_fails_does_not_stop_the_others():
    external_mode()
    good = registering()
    with connected(events.register_jobs, fail_to_register), connected(events.register_jobs, good):
        result = refresh()
    assert MonitoredJob.objects.get().description == "Posting"
    assert [one.error for one in result.registered] == ["no such company", ""]
    assert (result.log.registered, result.log.registration_errors) == (1, 1)
    assert "no such company" in Message.objects.get().facts["error"]


def test_row_27_without_a_default_time_zone_the_whole_pass_fails():
    external_mode(default_time_zone="")
    entry, job = ready_job()
    lose_task(entry)
    before = left_alone(entry)
    with pytest.raises(PassFailed, match="default job time zone"):
        refresh()
    assert left_alone(entry) == before
    assert stored(job).last_refresh_at is None
    assert last_refreshed(default_company()) is None
    assert RefreshLog.objects.get().state == PassState.FAILED


def test_row_28_jobs_without_a_runner_are_served_by_the_default_runner():
    setup = external_mode()
    other = make_runner()
    _, mine = ready_job()
    _, others = ready_job(runner=other)
    assert [one.job for one in refresh(runner=setup.default_runner).outcomes] == [mine]
    assert [one.job for one in refresh(runner=other).outcomes] == [others]
    assert entry_of(others).user == other.user


def test_row_29_without_a_default_runner_nobody_serves_them():
    external_mode(default_runner=None)
    runner = make_runner()
    entry, job = ready_job()
    lose_task(entry)
    assert refresh(runner=runner).outcomes == []
    assert stored(job).last_refresh_status == RefreshStatus.NONE


def test_row_30_the_jobs_of_a_runner_over_the_limit_are_not_refreshed_and_do_not_fall_back():
    setup = external_mode()
    tired = make_runner(failed_attempts=15)
    entry, job = ready_job(runner=tired)
    lose_task(entry)
    with pytest.raises(NotOperational, match="15 times in a row"):
        refresh(runner=tired)
    assert refresh(runner=setup.default_runner).outcomes == []
    assert stored(job).runner == tired


def test_row_31_a_runner_in_use_is_not_deregistered_and_a_disabled_one_keeps_its_jobs():
    setup = external_mode()
    runner = make_runner()
    _, job = ready_job(runner=runner)
    admin = actor_of(make_superuser())
    with pytest.raises(Refused, match="monitored jobs assigned to it: 1"):
        runners.remove_runner(runner, actor=admin)
    runners.set_runner_enabled(runner, False, actor=admin)
    assert refresh(runner=setup.default_runner).outcomes == []
    assert stored(job).runner == runner


@pytest.mark.parametrize("switch", ["use_external", "enabled"])
def test_row_32_a_call_while_it_is_off_touches_nothing_and_is_no_error(switch):
    setup = external_mode()
    setattr(setup, switch, False)
    setup.save()
    entry, job = ready_job()
    lose_task(entry)
    before = left_alone(entry)
    result = refresh(runner=setup.default_runner)
    assert result.state is None
    assert "not enabled" in result.message
    assert left_alone(entry) == before
    assert not RefreshLog.objects.exists()


def test_row_33_a_sign_in_does_nothing_while_the_external_refresher_is_on(rf):
    external_mode()
    ready_job()
    user_logged_in.send(sender=object, request=rf.get("/"), user=make_superuser())
    assert not RefreshLog.objects.exists()


def test_row_34_a_sign_in_brings_a_pass_only_more_than_an_hour_after_the_last():
    login_mode()
    _, job = ready_job()
    refresh()
    done = RefreshLog.objects.get()
    RefreshLog.objects.update(ended_at=NOW)
    user = make_superuser()
    assert refresh_after_sign_in(user, now=NOW + 59 * MINUTE) == []
    assert refresh_after_sign_in(user, now=NOW + 60 * MINUTE) == []
    (log,) = refresh_after_sign_in(user, now=NOW + 60 * MINUTE + timedelta(seconds=1))
    task = ScheduledTask.objects.get(main_routine="refresher.pass")
    assert (log.trigger, log.state, log.user) == (Trigger.SIGN_IN, PassState.QUEUED, user)
    assert task.not_before == NOW + 60 * MINUTE + timedelta(seconds=3)
    run(NOW + 61 * MINUTE)
    log.refresh_from_db()
    assert (log.state, log.pk != done.pk) == (PassState.DONE, True)
    assert line_of(job).log == log


def test_row_34_also_a_pass_of_a_sign_in_that_failed_holds_the_next_off_for_an_hour():
    login_mode()
    ready_job()
    user = make_superuser()
    (log,) = refresh_after_sign_in(user, now=NOW)
    user.is_active = False
    user.save()
    run(NOW + MINUTE)
    log.refresh_from_db()
    assert (log.state, "disabled" in log.message) == (PassState.FAILED, True)
    other = make_superuser()
    assert refresh_after_sign_in(other, now=NOW + 30 * MINUTE) == []
    assert len(refresh_after_sign_in(other, now=NOW + 62 * MINUTE)) == 1


def test_row_34_a_failed_pass_of_somebody_else_holds_no_sign_in_off():
    external_mode(default_time_zone="")
    ready_job()
    with pytest.raises(PassFailed):
        refresh()
    login_mode()
    assert len(refresh_after_sign_in(make_superuser(), now=NOW + MINUTE)) == 1


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Ext JQ Refresher"])
def test_row_35_the_sign_in_of_a_limited_user_does_nothing(group):
    login_mode()
    ready_job()
    assert refresh_after_sign_in(make_user(groups=[group]), now=NOW) == []


def test_row_36_two_who_sign_in_together_bring_one_pass():
    login_mode()
    ready_job()
    assert len(refresh_after_sign_in(make_superuser(), now=NOW)) == 1
    assert refresh_after_sign_in(make_superuser(), now=NOW) == []
    assert ScheduledTask.objects.filter(main_routine="refresher.pass").count() == 1


def test_row_37_refresh_now_is_refused_for_a_minute_after_enabling():
    external_mode()
    company, admin = default_company(), actor_of(make_superuser())
    setting_up.disable_external(company, actor=admin)
    setting_up.enable_external(company, actor=admin, now=NOW)
    with pytest.raises(Refused, match="Wait a minute"):
        refresh_now(company, actor=admin, now=NOW + timedelta(seconds=30))
    assert len(refresh_now(company, actor=admin, now=NOW + MINUTE).queued) == 1


@pytest.mark.parametrize("expires_at", [NOW - MINUTE, NOW + MINUTE])
def test_row_38_a_template_that_expires_before_its_first_run_is_left_alone(expires_at):
    login_mode(create_missing_custom_jobs=True)
    entry, job = ready_job()
    MonitoredJob.objects.update(expires_at=expires_at)
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, Why.EXPIRED)
    assert left_alone(entry) == before
    entry.delete()
    assert (outcome().action, outcome().why) == (Action.LEFT_ALONE, Why.EXPIRED)
    assert stored(job).last_refresh_status == RefreshStatus.SUCCESS
    assert not Entry.objects.filter(is_system=False).exists()


def test_row_39_a_clock_change_moves_nothing_because_every_entry_has_its_own_zone():
    login_mode()
    saturday = datetime(2026, 3, 28, 12, 0, tzinfo=NOW.tzinfo)
    entry, job = ready_job(
        now=saturday,
        time_zone="Europe/Copenhagen",
        recurrence_anchor=Anchor.FIXED,
        minutes_between_runs=1440,
        starting_time=time(8),
        earliest_start_at=None,
    )
    refresh(now=saturday)
    after_change = datetime(2026, 3, 29, 5, 30, tzinfo=NOW.tzinfo)
    before = left_alone(entry)
    assert outcome(now=after_change).action == Action.LEFT_ALONE
    assert left_alone(entry) == before
    start = entry_of(job).earliest_start_at
    assert to_local(start, zone=load_zone(job.time_zone)).time() == time(8)


def test_row_40_a_copied_company_is_switched_off():
    external_mode()
    copy = external_mode(make_company("copy"))
    setting_up.switch_off_in_copy(copy.company)
    copy.refresh_from_db()
    assert (copy.enabled, copy.use_external, copy.external_enabled_at) == (False, False, None)
    assert setup_of(default_company()).use_external


def test_row_40_an_adopted_copy_of_the_database_is_switched_off_everywhere():
    external_mode()
    queue_events.announce(
        queue_events.after_adopt, actor=actor_of(make_superuser()), keep_ready=False, now=NOW
    )
    setup = setup_of(default_company())
    assert (setup.enabled, setup.use_external) == (False, False)


def test_row_41_a_runner_with_jobs_cannot_be_removed():
    setup = external_mode()
    with pytest.raises(Refused, match="as their default: 1"):
        runners.remove_runner(setup.default_runner, actor=actor_of(make_superuser()))


def test_row_41_nor_one_that_still_has_an_entra_application():
    login_mode()
    runner = make_runner()
    tenant = EntraTenant.objects.create(
        name="Contoso",
        tenant_id="7d0f6a0e-3f5e-4a53-8f37-0f3c5f3a9a11",
        client_id="1b8f7a52-95c4-4b5a-9a57-3f64d7f7a5c2",
    )
    EntraApplication.objects.create(
        runner=runner, tenant=tenant, display_name="Night", client_id="8f1c1b52-0b5e-4d8e-9d8e-0f6f0a2f9d11"
    )
    with pytest.raises(Refused, match="has an Entra application"):
        runners.remove_runner(runner, actor=actor_of(make_superuser()))
    assert EntraApplication.objects.exists()


def test_row_42_calls_that_fail_make_a_runner_inactive_at_the_fifteenth():
    admin = make_superuser()
    external_mode()
    runner = setup_of(default_company()).default_runner
    runner.created_by = admin
    runner.save()
    for _ in range(14):
        runners.record_failure(runner, "AADSTS65001: consent is missing", now=NOW)
    assert not runner.is_inactive
    runners.record_failure(runner, "AADSTS65001: consent is missing", now=NOW)
    assert (runner.is_inactive, runner.last_error) == (True, "AADSTS65001: consent is missing")
    subjects = [message.facts["subject"] for message in Message.objects.order_by("pk")]
    assert len(subjects) == 3  # at 5, at 10, and when it is inactive
    assert "inactive" in subjects[-1]
    runners.record_success(runner, now=NOW)
    assert (runner.failed_attempts, runner.last_error, runner.last_success_at) == (0, "", NOW)


def veto(entry, **named):
    return True


def test_row_43_where_nothing_can_be_scheduled_values_are_restored_and_nothing_is_started():
    login_mode()
    entry, job = ready_job()
    lose_task(entry)
    force(entry, status=Status.ERROR, system_task_id=None, max_attempts=9)
    with connected(queue_events.schedule_veto, veto):
        found = outcome()
    after = entry_of(job)
    assert (found.action, found.why) == (Action.CORRECTED, Why.HANDLED)
    assert (after.status, after.max_attempts, after.system_task_id) == (Status.ERROR, 0, None)
    assert stored(job).last_refresh_status == RefreshStatus.SUCCESS


def test_row_44_with_protection_skipped_nothing_is_registered_and_protected_jobs_are_custom():
    external_mode()
    entry, job = ready_job(is_protected=True)
    with connected(events.skip_protection, allow_all), connected(events.register_jobs, registering()):
        refresh()
        assert MonitoredJob.objects.count() == 1
        assert ManagedByApp.objects.get().entry_id == entry.id
        Entry.objects.all().delete()
        assert outcome().why == Why.RECREATION_OFF


def test_row_45_a_runner_that_may_not_run_the_object_is_an_error_of_the_job():
    external_mode()
    entry, job = ready_job(object_id=PROTECTED, user=make_superuser("anna"))
    before = left_alone(entry)
    assert (outcome().action, outcome().why) == (Action.FAILED, Why.NOT_PERMITTED)
    assert "auth.delete_group" in stored(job).last_error
    assert left_alone(entry) == before


def test_row_45_a_user_without_the_permission_set_refreshes_nothing():
    external_mode()
    runner = make_runner()
    runner.user.groups.clear()
    with pytest.raises(NotAllowed, match="permission set"):
        refresh(runner=runner)
    with pytest.raises(NotAllowed, match="no registered runner"):
        refresh_as_runner(default_company(), actor=actor_of(make_superuser()), now=NOW)


def test_row_46_recreating_loses_a_custom_template_whose_entry_is_gone():
    login_mode()
    kept, _ = ready_job()
    gone, lost = ready_job()
    gone.delete()
    admin = actor_of(make_superuser())
    losses = monitoring.what_recreating_loses(default_company(), actor=admin)
    assert losses.lost_for_good == [lost]
    recreated = monitoring.recreate_monitored_jobs(default_company(), actor=admin, now=NOW)
    assert [job.entry_id for job in recreated.from_entries] == [kept.id]
    assert MonitoredJob.objects.get().entry_id == kept.id


def test_row_47_auto_reschedule_follows_the_message_and_the_refresher_finds_it_ready():
    login_mode()
    told = []

    def tell(entry, **named):
        told.append(Status(Entry.objects.get(pk=entry.pk).status))

    entry, job = ready_job(object_id=FAILING_OBJECT, earliest_start_at=None)
    MonitoredJob.objects.update(auto_reschedule=True, auto_reschedule_delay_seconds=300)
    failed_at = NOW + timedelta(seconds=1)
    with connected(queue_events.failed_for_good, tell):
        run(failed_at)
    after = entry_of(job)
    assert outcomes_of(entry) == [("Error", True)]
    assert told == [Status.ERROR]
    assert (after.status, after.attempts) == (Status.READY, 0)
    assert after.earliest_start_at == failed_at + timedelta(seconds=300)
    assert (outcome(now=failed_at + MINUTE).action, stored(job).last_reason) == (
        Action.LEFT_ALONE,
        "It failed for good and starts again after its auto-reschedule delay.",
    )
