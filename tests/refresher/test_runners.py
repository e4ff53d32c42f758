"""Runner users: registering, what keeps one from working, counters, distribution by load, and who may do what."""

from datetime import timedelta
from uuid import uuid4

import pytest

from jobqueue.errors import Invalid, JobQueueError, NotAllowed, NotFound, Refused
from jobqueue.models import CompanyMember, EntryChange
from notifications.models import Message
from refresher import monitoring, runners, setting_up
from refresher.asking import setup_of
from refresher.distributing import distribute_runners, load_of
from refresher.entra.models import EntraApplication, EntraTenant
from refresher.errors import NotOperational
from refresher.models import MonitoredJob, Runner
from refresher.passing import refresh_as_runner, refresh_now, simulate_pass
from refresher.passing.requests import serving_runners
from refresher.setup import RUNNER_GROUP
from refresher.states import PassState, Why
from tests.builders import (
    NOW,
    actor_of,
    default_company,
    make_company,
    make_log_entry,
    make_recurring_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects.jobs import PROTECTED, SUCCESS
from tests.jobqueue.driving import run
from tests.refresher.situations import (
    external_mode,
    login_mode,
    make_runner,
    monitored,
    ready_job,
    refresh,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return actor_of(make_superuser("anna"))


def test_a_user_with_the_permission_set_is_registered_once(admin):
    user = make_user("jq-runner", groups=[RUNNER_GROUP])
    runner = runners.register_runner(user, actor=admin, now=NOW)
    assert (runner.name, runner.created_by, runner.created_at) == ("jq-runner", admin.user, NOW)
    runners.record_failure(runner, "expired", now=NOW)
    again = runners.register_runner(user, actor=admin, now=NOW)
    assert (again.pk, again.failed_attempts, again.last_error) == (runner.pk, 0, "")
    assert Runner.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "permission_set_missing"),
        ({"groups": [RUNNER_GROUP], "is_active": False}, "disabled"),
        ({"groups": [RUNNER_GROUP], "is_superuser": True}, "superuser"),
    ],
)
def test_others_are_refused_with_what_to_do(admin, fields, code):
    with pytest.raises(Invalid) as refusal:
        runners.register_runner(make_user(**fields), actor=admin)
    assert [problem.code for problem in refusal.value.problems] == [code]
    assert not Runner.objects.exists()


def test_everything_that_stands_against_a_runner_is_named_together():
    runner = make_runner("robot", is_enabled=False, failed_attempts=16)
    runner.user.groups.clear()
    CompanyMember.objects.create(company=make_company("other"), user=runner.user)
    words = " ".join(runners.operational_problems(runner, company=default_company()))
    for part in ("not enabled", "permission set", "16 times in a row", "may not work in the company"):
        assert part in words


def test_unknown_names_say_who_is_registered():
    make_runner("robot")
    with pytest.raises(NotFound, match="Registered are: robot"):
        runners.get_runner("ghost")


def test_a_runner_with_an_entra_application_is_not_removed(admin):
    runner = make_runner("robot")
    tenant = EntraTenant.objects.create(name="Contoso", tenant_id=uuid4(), client_id=uuid4())
    EntraApplication.objects.create(runner=runner, tenant=tenant, display_name="robot", client_id=uuid4())
    with pytest.raises(Refused, match="has an Entra application"):
        runners.remove_runner(runner, actor=admin)
    assert EntraApplication.objects.get().runner == runner


def test_resetting_makes_a_runner_work_again(admin):
    runner = make_runner(failed_attempts=15, last_error="expired")
    assert runners.reset_runners([runner, make_runner()], actor=admin) == 1
    assert runners.operational_problems(runner) == []


def test_the_workers_own_call_forgets_failures_and_refresh_now_does_not():
    setup = external_mode()
    runner = setup.default_runner
    runners.record_failure(runner, "timeout", now=NOW)
    ready_job()
    refresh_now(default_company(), actor=actor_of(make_superuser()), now=NOW)
    run(NOW + timedelta(seconds=1))
    runner.refresh_from_db()
    assert runner.failed_attempts == 1
    refresh()
    runner.refresh_from_db()
    assert (runner.failed_attempts, runner.last_error, runner.last_success_at) == (0, "", NOW)


# --- set-up


def test_enabling_stamps_the_moment_and_disabling_clears_it(admin):
    company = default_company()
    setup = setting_up.enable_external(company, actor=admin, now=NOW)
    assert (setup.use_external, setup.external_enabled_at, setup.default_time_zone) == (
        True,
        NOW,
        company.time_zone,
    )
    with pytest.raises(Refused, match="already"):
        setting_up.enable_external(company, actor=admin, now=NOW)
    setup = setting_up.disable_external(company, actor=admin)
    assert (setup.use_external, setup.external_enabled_at) == (False, None)


def test_external_only_switches_enabled_on_with_the_external_refresher(admin):
    login_mode(enabled=False, external_only=True)
    assert setting_up.enable_external(default_company(), actor=admin, now=NOW).enabled


def test_external_only_switches_enabled_on_where_nothing_else_would_refresh(admin):
    external_mode(enabled=False)
    assert setting_up.change_setup(default_company(), {"external_only": True}, actor=admin).enabled
    chosen = setting_up.change_setup(
        default_company(), {"external_only": False, "enabled": False}, actor=admin
    )
    assert not chosen.enabled
    both = {"external_only": True, "enabled": False}
    assert not setting_up.change_setup(default_company(), both, actor=admin).enabled
    login_mode(enabled=False, external_only=False)
    assert not setting_up.change_setup(default_company(), {"external_only": True}, actor=admin).enabled


def test_a_new_company_is_external_only_if_a_sibling_is():
    assert not setup_of(default_company()).external_only
    external_mode(external_only=True)
    assert setup_of(make_company("sister")).external_only


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"default_time_zone": "Mars/Base"}, "unknown_time_zone"),
        ({"default_time_zone": ""}, "unknown_time_zone"),
        ({"use_external": True}, "unknown_field"),
        ({"enabled": "perhaps"}, "invalid"),
        ({"default_runner": "robot"}, "invalid"),
    ],
)
def test_bad_settings_are_refused_and_nothing_changes(admin, values, code):
    external_mode()
    before = setup_of(default_company())
    with pytest.raises(Invalid) as refusal:
        setting_up.change_setup(
            default_company(), {**values, "create_missing_custom_jobs": True}, actor=admin
        )
    assert [problem.code for problem in refusal.value.problems] == [code]
    after = setup_of(default_company())
    assert (after.default_time_zone, after.create_missing_custom_jobs, after.enabled) == (
        before.default_time_zone,
        False,
        True,
    )


def test_a_default_runner_that_does_not_work_is_refused(admin):
    with pytest.raises(Invalid, match="15 times"):
        setting_up.change_setup(
            default_company(), {"default_runner": make_runner(failed_attempts=15)}, actor=admin
        )


# --- Refresh Now


def test_refresh_now_queues_one_pass_per_runner_and_names_who_is_left_out():
    setup = external_mode()
    other, tired = make_runner(), make_runner("tired", failed_attempts=15)
    for runner in (None, other, tired):
        ready_job(runner=runner)
    requested = refresh_now(default_company(), actor=actor_of(make_superuser()), now=NOW)
    assert {log.runner for log in requested.queued} == {setup.default_runner, other}
    assert len(requested.unserved) == 1
    assert "tired" in requested.unserved[0]
    again = refresh_now(default_company(), actor=actor_of(make_superuser()), now=NOW)
    assert {log.pk for log in again.queued} == {log.pk for log in requested.queued}
    run(NOW + timedelta(seconds=1))
    for log in requested.queued:
        log.refresh_from_db()
        assert (log.state, log.jobs) == (PassState.DONE, 1)


def test_refresh_now_in_login_mode_queues_the_one_pass():
    login_mode()
    _, job = ready_job()
    refresh_now(default_company(), actor=actor_of(make_user(groups=["Operator"])), now=NOW)
    run(NOW + timedelta(seconds=1))
    assert stored(job).last_refresh_status == "success"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"enabled": False}, "not_enabled"),
        ({"default_runner": None}, "nobody_serves"),
    ],
)
def test_refresh_now_says_why_nothing_can_be_refreshed(fields, code):
    external_mode(**fields)
    with pytest.raises(Refused) as refusal:
        refresh_now(default_company(), actor=actor_of(make_superuser()), now=NOW)
    assert refusal.value.code == code


def test_a_queued_pass_whose_runner_was_disabled_meanwhile_says_so():
    setup = external_mode()
    ready_job()
    (log,) = refresh_now(default_company(), actor=actor_of(make_superuser()), now=NOW).queued
    Runner.objects.filter(pk=setup.default_runner.pk).update(is_enabled=False)
    run(NOW + timedelta(seconds=1))
    log.refresh_from_db()
    assert log.state == PassState.FAILED
    assert "not enabled" in log.message


# --- simulation of what nobody serves


def test_a_simulation_shows_jobs_nobody_serves():
    external_mode(default_runner=None)
    runner = make_runner()
    tired = make_runner(failed_attempts=15)
    jobs = [ready_job(runner=one)[1] for one in (None, runner, tired)]
    results = simulate_pass(default_company(), actor=actor_of(make_user(groups=["Viewer"])), now=NOW)
    why = {outcome.job.pk: outcome.why for result in results for outcome in result.outcomes}
    assert (why[jobs[0].pk], why[jobs[2].pk]) == (Why.UNSERVED, Why.UNSERVED)
    assert why[jobs[1].pk] == Why.OTHER_USER
    assert serving_runners(default_company()) == [runner]


# --- distribution


def test_jobs_are_spread_evenly_by_load(admin):
    external_mode(default_runner=None)
    two = [make_runner(), make_runner()]
    jobs = []
    for seconds in (40, 30, 20, 10, 10, 10):
        entry = make_recurring_entry(minutes_between_runs=60)
        make_log_entry(entry, due_at=NOW, ended_at=NOW + timedelta(seconds=seconds))
        jobs.append(monitored(entry))
    preview = distribute_runners(default_company(), actor=admin, preview=True, now=NOW)
    assert len(preview) == len(jobs)
    assert not MonitoredJob.objects.exclude(runner=None).exists()
    distribute_runners(default_company(), actor=admin, now=NOW)
    carried = {
        runner.pk: sum(load_of(job, now=NOW) for job in MonitoredJob.objects.filter(runner=runner))
        for runner in two
    }
    assert sorted(carried.values()) == [60 * 24, 60 * 24]
    assert distribute_runners(default_company(), actor=admin, now=NOW) == []
    assert EntryChange.objects.filter(action="assign-runner", user=admin.user).count() == len(jobs)


def test_only_runners_that_may_run_a_job_get_it(admin):
    external_mode(default_runner=None)
    make_runner()
    able = make_runner(permissions=("auth.delete_group",))
    job = monitored(make_recurring_entry(object_id=PROTECTED))
    distribute_runners(default_company(), actor=admin, now=NOW)
    assert stored(job).runner == able


def test_without_a_working_runner_nothing_is_distributed(admin):
    make_runner(failed_attempts=15)
    with pytest.raises(NotOperational, match="Register one"):
        distribute_runners(default_company(), actor=admin, now=NOW)


# --- permissions

EVERYBODY = ("Viewer", "Operator", "Scheduler", "Administrator", "Integrator", RUNNER_GROUP)
VERBS = {
    "simulate": (
        lambda actor, job: simulate_pass(job.company, actor=actor, now=NOW),
        {"Viewer", "Operator", "Scheduler", "Administrator", "Integrator"},
    ),
    "what recreating loses": (
        lambda actor, job: monitoring.what_recreating_loses(job.company, actor=actor),
        {"Viewer", "Operator", "Scheduler", "Administrator", "Integrator"},
    ),
    "refresh now": (
        lambda actor, job: refresh_now(job.company, actor=actor, now=NOW),
        {"Operator", "Scheduler", "Administrator", "Integrator"},
    ),
    "change a monitored job": (
        lambda actor, job: monitoring.change_monitored_job(job, {"max_attempts": 2}, actor=actor, now=NOW),
        {"Scheduler", "Administrator", "Integrator"},
    ),
    "delete a monitored job": (
        lambda actor, job: monitoring.delete_monitored_job(job, actor=actor),
        {"Scheduler", "Administrator", "Integrator"},
    ),
    "monitor an entry": (
        lambda actor, job: monitoring.set_managed_by_app(make_recurring_entry(), True, actor=actor, now=NOW),
        {"Scheduler", "Administrator", "Integrator"},
    ),
    "assign a runner": (
        lambda actor, job: monitoring.assign_runner(job, None, actor=actor),
        {"Administrator"},
    ),
    "recreate": (
        lambda actor, job: monitoring.recreate_monitored_jobs(job.company, actor=actor, now=NOW),
        {"Administrator"},
    ),
    "distribute": (
        lambda actor, job: distribute_runners(job.company, actor=actor, now=NOW),
        {"Administrator"},
    ),
    "change the set-up": (
        lambda actor, job: setting_up.change_setup(job.company, {"enabled": True}, actor=actor),
        {"Administrator"},
    ),
    "disable the external refresher": (
        lambda actor, job: setting_up.disable_external(job.company, actor=actor),
        {"Administrator"},
    ),
    "reset a runner": (
        lambda actor, job: runners.reset_runner(setup_of(job.company).default_runner, actor=actor),
        {"Administrator"},
    ),
    "register a runner": (
        lambda actor, job: runners.register_runner(make_user(groups=[RUNNER_GROUP]), actor=actor),
        {"Administrator"},
    ),
    "disable a runner": (
        lambda actor, job: runners.set_runner_enabled(
            setup_of(job.company).default_runner, False, actor=actor
        ),
        {"Administrator"},
    ),
    "remove a runner": (
        lambda actor, job: runners.remove_runner(make_runner("spare"), actor=actor),
        {"Administrator"},
    ),
    "refresh as a runner": (lambda actor, job: refresh_as_runner(job.company, actor=actor, now=NOW), set()),
}


@pytest.mark.parametrize("group", EVERYBODY)
@pytest.mark.parametrize("verb", VERBS)
def test_each_group_may_do_what_its_level_says_and_no_more(verb, group):
    external_mode()
    _, job = ready_job()
    act, allowed = VERBS[verb]
    actor = actor_of(make_user(groups=[group]))
    if group in allowed:
        act(actor, job)
    else:
        with pytest.raises(NotAllowed):
            act(actor, job)


class TestWhoAnswersForAJob:
    """Who changes what reaches a job, or as whom it runs, must be allowed to."""

    def test_who_runs_a_job_is_for_administrators_on_every_way_in(self):
        _, job = ready_job()
        scheduler = actor_of(make_user(groups=["Scheduler"]))
        values = {"object_id": SUCCESS, "run_on_mondays": True, "runner": make_runner("robot")}
        with pytest.raises(NotAllowed):
            monitoring.change_monitored_job(job, {"runner": values["runner"]}, actor=scheduler, now=NOW)
        with pytest.raises(NotAllowed):
            monitoring.create_from_scratch(default_company(), values, actor=scheduler, now=NOW)
        assert MonitoredJob.objects.get().runner is None
        administrator = actor_of(make_user(groups=["Administrator"]))
        monitoring.change_monitored_job(job, {"runner": values["runner"]}, actor=administrator, now=NOW)
        assert MonitoredJob.objects.get().runner == values["runner"]

    def test_parameters_of_a_job_with_a_runner_of_its_own_are_for_administrators(self):
        _, job = ready_job(runner=make_runner("robot"))
        scheduler = actor_of(make_user(groups=["Scheduler"]))
        with pytest.raises(
            NotAllowed, match="runs as the runner user “robot”; Parameter string can be changed only"
        ):
            monitoring.change_monitored_job(job, {"parameter_string": "all"}, actor=scheduler, now=NOW)
        monitoring.change_monitored_job(job, {"description": "Nightly"}, actor=scheduler, now=NOW)
        administrator = actor_of(make_user(groups=["Administrator"]))
        monitoring.change_monitored_job(job, {"parameter_string": "all"}, actor=administrator, now=NOW)
        job.refresh_from_db()
        assert (job.parameter_string, job.description) == ("all", "Nightly")

    def test_nobody_shapes_a_job_whose_object_they_may_not_run(self):
        _, job = ready_job(object_id=PROTECTED)
        scheduler = actor_of(make_user(groups=["Scheduler"]))
        with pytest.raises(NotAllowed):
            monitoring.change_monitored_job(job, {"parameter_string": "all"}, actor=scheduler, now=NOW)


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_reaches_into_a_company_that_is_closed_to_them(verb):
    external_mode()
    _, job = ready_job()
    act, allowed = VERBS[verb]
    user = make_user(groups=["Administrator"])
    make_company("own", members=[user])
    with pytest.raises(JobQueueError) as refusal:
        act(actor_of(user), job)
    assert refusal.value.code == "not_allowed"


def test_a_failing_runner_tells_the_one_who_registered_it_before_it_is_inactive():
    runner = make_runner("robot", created_by=make_superuser("anna"))
    for _ in range(5):
        runners.record_failure(runner, "secret expired", now=NOW)
    message = Message.objects.get()
    assert (message.user.username, message.scenario) == ("anna", "runner_failing")
    assert "10 more failures" in message.facts["meaning"]
