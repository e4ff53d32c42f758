"""*Explain*: the header sentence, the gates, when it will start, and that it agrees with the dispatcher."""

from datetime import UTC, datetime, time, timedelta

import pytest

from jobqueue import lifecycle
from jobqueue.explain import explain
from jobqueue.gates import GateName, Opener
from jobqueue.models import Category, Cluster, Entry, ScheduledTask
from jobqueue.states import LogStatus, Status
from tests.builders import (
    NOW,
    actor_of,
    make_category,
    make_company,
    make_entry,
    make_log_entry,
    make_superuser,
    make_user,
)
from tests.jobobjects import jobs
from tests.jobqueue.driving import HOUR, SECOND, ready_entry, reload, run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_live_worker():
    Cluster.objects.create(
        host="here", machine="m", pid=1, process_start=1, lease_until=NOW + timedelta(days=9), workers=2
    )


def test_an_entry_that_is_not_due_yet_says_when_it_will_start():
    entry = ready_entry(earliest_start_at=NOW + HOUR, description="Bank import")
    found = explain(entry, now=NOW)
    assert found.sentence == "“Bank import” is Ready and will start at 2026-03-02 10:00:00 UTC."
    assert found.starts_at == NOW + HOUR
    assert found.first_closed.name == GateName.DUE


def test_an_entry_that_is_due_starts_at_any_moment():
    entry = ready_entry(description="Bank import")
    found = explain(entry, now=NOW + SECOND)
    assert found.sentence == "“Bank import” is Ready and starts at any moment."
    assert found.first_closed is None


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"USER_LIMIT": 1}, "the limit of one run at a time as one user is reached by “anna”"),
        ({"SITE_LIMIT": 1}, "the limit of one run at a time is reached"),
        ({"SITE_LIMIT": 2, "USER_LIMIT": 2}, ""),
    ],
    ids=["of a user", "of the site", "none reached"],
)
def test_a_limit_that_is_reached_is_named(settings, limits, said):
    settings.JOBQUEUE = {**settings.JOBQUEUE, **limits}
    anna = make_superuser("anna")
    claimed, entry = (ready_entry(user=anna, description="Bank import") for _ in range(2))
    ScheduledTask.objects.filter(pk=claimed.system_task_id).update(state=ScheduledTask.State.CLAIMED)
    found = explain(entry, now=NOW + SECOND)
    waits = f" and starts when another run has ended: {said}." if said else " and starts at any moment."
    assert found.sentence == f"“Bank import” is Ready{waits}"
    assert said[4:] in found.gates[-1].reason
    assert found.first_closed is None


def test_a_hold_names_who_why_and_the_verb_that_ends_it():
    entry = ready_entry(description="Bank import")
    entry = lifecycle.set_on_hold(entry, actor=actor_of(entry.user), reason="Audit", now=NOW)
    found = explain(entry, now=NOW)
    assert found.first_closed.verb == "set-ready"
    assert found.sentence.startswith("“Bank import” is On Hold. Set by a person")
    assert "Audit" in found.sentence


def test_a_failed_entry_shows_its_error_and_its_latest_row():
    entry = ready_entry(object_id=jobs.FAILURE, description="Bank import")
    run()
    found = explain(reload(entry), now=NOW + HOUR)
    assert "out of paper" in found.sentence
    assert (found.latest.status, found.first_closed.verb) == (LogStatus.ERROR, "restart")


def test_a_waiting_entry_names_what_it_waits_for():
    make_category("BANK")
    first = ready_entry(category_code="BANK", description="Statement fetch")
    second = make_entry(
        category_code="BANK",
        description="Bank import",
        status=Status.WAITING,
        system_task_id=first.system_task_id,
    )
    make_log_entry(
        first,
        status=LogStatus.IN_PROCESS,
        started_at=NOW,
        system_task_id=first.system_task_id,
        category_code="BANK",
    )
    found = explain(second, now=NOW + 2 * SECOND)
    assert "taken by “Statement fetch” since 2026-03-02 09:00:00 UTC" in found.sentence
    assert found.first_closed.name == GateName.CATEGORY


def test_outside_the_window_the_opening_is_the_start():
    entry = ready_entry(recurring=True, starting_time=time(8), ending_time=time(17))
    late = datetime(2026, 3, 2, 20, tzinfo=UTC)
    found = explain(entry, now=late)
    assert found.starts_at == datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_without_a_living_worker_nothing_starts():
    Cluster.objects.update(lease_until=NOW - HOUR)
    found = explain(ready_entry(), now=NOW + SECOND)
    assert found.first_closed.name == GateName.WORKER
    assert found.starts_at is None


def test_an_entry_whose_task_is_lost_says_so():
    entry = make_entry(status=Status.READY)
    assert "No task is scheduled" in explain(entry, now=NOW).first_closed.reason
    assert explain(entry, now=NOW).first_closed.verb == "restart"


def test_a_sleeping_entry_without_an_alarm_says_that_something_must_wake_it():
    entry = make_entry(status=Status.INACTIVITY, recurring=True, inactivity_timeout_minutes=0)
    assert "sleeps until something wakes it" in explain(entry, now=NOW).sentence


def test_a_disabled_user_an_unknown_object_and_wrong_parameters_are_seen_before_the_run():
    entry = ready_entry()
    entry.user.is_active = False
    entry.user.save()
    assert explain(reload(entry), now=NOW).gates[11].open is False
    Entry.objects.filter(pk=entry.pk).update(object_id=77777)
    assert [gate.name for gate in explain(reload(entry), now=NOW + SECOND).gates if not gate.open] == [
        GateName.USER_ACTIVE,
        GateName.OBJECT,
    ]


def test_a_user_who_may_not_work_in_the_company_is_seen_before_the_run():
    user = make_user(groups=["Operator"])
    entry = ready_entry(user=user)
    make_company("elsewhere", members=[user])
    closed = explain(reload(entry), now=NOW + SECOND).first_closed
    assert (closed.name, closed.opener) == (GateName.USER_COMPANY, Opener.ADMINISTRATOR)


def test_what_explain_calls_open_the_dispatcher_starts():
    for fields in ({}, {"recurring": True}, {"category_code": "BANK"}, {"expires_at": NOW + HOUR}):
        entry = ready_entry(**fields)
        assert explain(entry, now=NOW + SECOND).first_closed is None
        assert run() >= 1
        assert explain(entry, now=NOW + SECOND).latest.status == LogStatus.SUCCESS
    assert Category.objects.filter(code="BANK").exists()
