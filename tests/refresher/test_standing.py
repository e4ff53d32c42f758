"""How monitored jobs stand in lists, repairing one of them, and accepting what its entry is now."""

from datetime import timedelta

import pytest

from jobqueue import lifecycle
from jobqueue.errors import LockedField, NotFound, Refused
from jobqueue.models import CompanyMember, Entry
from jobqueue.states import HoldKind, Status
from refresher import monitoring
from refresher.asking import companies_served_by, last_refreshed
from refresher.errors import NotOperational
from refresher.models import MonitoredJob, RefreshLog
from refresher.passing import refresh_job_now
from refresher.standing import Condition, standings
from refresher.states import Action, PassState
from tests.builders import NOW, actor_of, default_company, make_company, make_superuser
from tests.refresher.situations import (
    entry_of,
    external_mode,
    login_mode,
    lose_task,
    make_runner,
    ready_job,
    refresh,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin():
    return actor_of(make_superuser())


def condition_of(job: MonitoredJob, *, now=NOW) -> Condition:
    (found,) = standings([stored(job)], now=now)
    return found.condition


def test_each_condition_is_told(admin):
    login_mode()
    entry, job = ready_job()
    assert condition_of(job) == Condition.OK
    assert condition_of(job, now=NOW + timedelta(hours=2)) == Condition.LATE
    Entry.objects.filter(pk=entry.pk).update(description="Changed by hand")
    assert condition_of(job) == Condition.DRIFTED
    lifecycle.set_on_hold(entry, actor=admin, now=NOW)
    assert condition_of(job) == Condition.HELD
    Entry.objects.filter(pk=entry.pk).update(hold_kind=HoldKind.PROGRAM)
    assert condition_of(job) == Condition.STOPPED
    entry.delete()
    assert condition_of(job) == Condition.MISSING


def test_a_lost_task_and_an_error_count_as_stopped():
    entry, job = ready_job()
    lose_task(entry)
    assert condition_of(job) == Condition.STOPPED
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR)
    assert condition_of(job) == Condition.STOPPED


def test_drift_is_shown_as_actual_and_expected():
    entry, job = ready_job(description="Bank import")
    Entry.objects.filter(pk=entry.pk).update(description="Bank inport", minutes_between_runs=5)
    (found,) = standings([job], now=NOW)
    assert found.changes == {
        "Description": ["Bank inport", "Bank import"],
        "No. of minutes between runs": ["5", "60"],
    }


def test_a_list_costs_two_queries_however_long(django_assert_num_queries):
    for _ in range(5):
        ready_job()
    jobs = list(MonitoredJob.objects.select_related("company"))
    with django_assert_num_queries(2):
        standings(jobs, now=NOW)


def test_one_job_is_repaired_alone(admin):
    setup = external_mode()
    jobs = [ready_job() for _ in range(2)]
    for entry, _ in jobs:
        lose_task(entry)
    result = refresh_job_now(jobs[0][1], actor=admin, now=NOW)
    assert [one.action for one in result.outcomes] == [Action.RESTARTED]
    assert entry_of(jobs[0][1]).user == setup.default_runner.user
    assert stored(jobs[1][1]).last_refresh_at is None
    assert RefreshLog.objects.get().state == PassState.PARTIAL
    assert last_refreshed(default_company()) is None


def test_repairing_needs_somebody_who_serves_the_job(admin):
    external_mode(default_runner=None)
    _, job = ready_job()
    with pytest.raises(Refused, match="Nobody serves"):
        refresh_job_now(job, actor=admin, now=NOW)
    _, tired = ready_job(runner=make_runner(failed_attempts=15))
    with pytest.raises(NotOperational):
        refresh_job_now(tired, actor=admin, now=NOW)


def test_what_the_entry_is_now_can_become_the_expectation(admin):
    login_mode()
    entry, job = ready_job()
    Entry.objects.filter(pk=entry.pk).update(minutes_between_runs=5)
    assert monitoring.accept_entry(job, actor=admin, now=NOW).minutes_between_runs == 5
    refresh()
    assert entry_of(job).minutes_between_runs == 5


def test_a_protected_job_accepts_nothing_that_comes_from_code(admin):
    entry, job = ready_job(is_protected=True)
    Entry.objects.filter(pk=entry.pk).update(minutes_between_runs=5)
    with pytest.raises(LockedField):
        monitoring.accept_entry(job, actor=admin, now=NOW)
    entry.delete()
    with pytest.raises(NotFound):
        monitoring.accept_entry(job, actor=admin, now=NOW)


def test_the_worker_is_told_the_companies_that_count_on_a_runner():
    runner = make_runner()
    first = external_mode(make_company("first"), default_runner=runner)
    second = external_mode(make_company("second"), default_runner=None)
    ready_job(company=second.company, runner=runner)
    external_mode(make_company("third"))
    login_mode(make_company("fourth"), default_runner=runner)
    closed = external_mode(make_company("closed"), default_runner=runner)
    assert companies_served_by(runner) == [closed.company, first.company, second.company]
    for company in (first.company, second.company):
        CompanyMember.objects.create(company=company, user=runner.user)
    assert companies_served_by(runner) == [first.company, second.company]
