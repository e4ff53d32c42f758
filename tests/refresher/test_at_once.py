"""Several passes and people at once: no job is refreshed twice at the same time, nobody is left with a second task."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from jobqueue import lifecycle
from jobqueue.models import Entry, EntryChange, LogEntry, ScheduledTask
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import HoldKind, LogStatus, Priority, Status
from refresher import events
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine
from refresher.passing import refresh_as_runner, refresh_now
from refresher.sign_in import refresh_after_sign_in
from refresher.states import Action, PassState
from tests.at_once import at_once
from tests.builders import NOW, actor_of, default_company, make_superuser
from tests.jobqueue.driving import connected
from tests.refresher.situations import external_mode, login_mode, lose_task, ready_job

pytestmark = pytest.mark.django_db(transaction=True)


def passes(number: int) -> list[Callable[[], object]]:
    setup = external_mode()
    actor = actor_of(setup.default_runner.user)
    return [lambda: refresh_as_runner(default_company(), actor=actor, now=NOW)] * number


def test_passes_at_once_restart_a_stopped_job_once():
    acts = passes(3)
    jobs = [ready_job() for _ in range(4)]
    for entry, _ in jobs:
        lose_task(entry)
    Entry.objects.update(status=Status.ERROR, system_task_id=None)
    assert at_once(*acts) == ["", "", ""]
    assert EntryChange.objects.filter(action="restart").count() == len(jobs)
    assert set(ScheduledTask.objects.values_list("pk", flat=True)) == set(
        Entry.objects.values_list("system_task_id", flat=True)
    )
    assert RefreshLogLine.objects.filter(action=Action.RESTARTED).count() == len(jobs)
    assert RefreshLog.objects.filter(state=PassState.DONE, jobs=len(jobs)).count() == 3


def test_passes_at_once_create_a_missing_entry_once():
    acts = passes(3)
    entry, job = ready_job(is_protected=True)
    lifecycle.delete_entry(entry, actor=actor_of(make_superuser()), now=NOW)
    assert at_once(*acts) == ["", "", ""]
    assert Entry.objects.get().id == MonitoredJob.objects.get(pk=job.pk).entry_id
    assert ScheduledTask.objects.count() == 1


def register_posting(registrar, **named):
    registrar.recurring(90001, key="posting", minutes=60, description="Posting")


def register_without_key(registrar, **named):
    registrar.recurring(90001, minutes=60, description="Posting")


@pytest.mark.parametrize("receiver", [register_posting, register_without_key])
def test_passes_at_once_register_a_job_once(receiver):
    acts = passes(3)
    with connected(events.register_jobs, receiver):
        assert at_once(*acts) == ["", "", ""]
    assert MonitoredJob.objects.count() == 1
    assert not RefreshLog.objects.filter(registration_errors__gt=0).exists()
    assert Entry.objects.count() == 1


def test_a_person_who_holds_an_entry_during_a_pass_has_the_last_word():
    acts = passes(1)
    entry, _ = ready_job()
    lose_task(entry)
    person = actor_of(make_superuser())
    answers = at_once(*acts, lambda: lifecycle.set_on_hold(entry, actor=person, reason="Stop", now=NOW))
    assert answers == ["", ""]
    after = Entry.objects.get()
    assert (after.status, after.hold_kind) == (Status.ON_HOLD, HoldKind.MANUAL)
    assert after.system_task_id is None
    assert not ScheduledTask.objects.exists()


def test_passes_beside_a_dispatcher_leave_every_entry_with_one_task():
    """Three passes correct what somebody keeps changing, while every entry is due all the time."""
    acts_of = external_mode()
    actor = actor_of(acts_of.default_runner.user)
    for _ in range(4):
        ready_job(minutes_between_runs=1, earliest_start_at=None)
    clock = iter(range(1, 1000))
    rounds = 12

    def work() -> None:
        for _ in range(rounds):
            run_due_tasks(now=NOW + timedelta(minutes=2 * next(clock)))

    def passes_with_drift() -> None:
        for _ in range(rounds):
            Entry.objects.filter(status=Status.READY).update(
                priority=Priority.LOW, revision=F("revision") + 1
            )
            at = NOW + timedelta(minutes=2 * next(clock))
            result = refresh_as_runner(default_company(), actor=actor, now=at)
            assert not result.count(Action.FAILED), result.outcomes

    assert at_once(work, work, passes_with_drift, passes_with_drift) == [""] * 4
    ready = Entry.objects.filter(status=Status.READY)
    assert ready.count() == 4
    tasks = set(ScheduledTask.objects.filter(record__in=ready.values("id")).values_list("pk", flat=True))
    assert tasks == set(ready.values_list("system_task_id", flat=True))
    assert not LogEntry.objects.filter(status=LogStatus.ERROR).exists()


def test_two_who_sign_in_at_once_bring_one_pass():
    login_mode()
    ready_job()
    people = [make_superuser(), make_superuser()]
    assert at_once(*[lambda one=one: refresh_after_sign_in(one, now=NOW) for one in people]) == ["", ""]
    assert ScheduledTask.objects.filter(main_routine="refresher.pass").count() == 1


def test_refresh_now_asked_twice_at_once_queues_one_pass():
    external_mode()
    ready_job()
    actor = actor_of(make_superuser())
    later = NOW + timedelta(minutes=5)
    act = lambda: refresh_now(default_company(), actor=actor, now=later)  # noqa: E731
    assert at_once(act, act) == ["", ""]
    assert ScheduledTask.objects.filter(main_routine="refresher.pass").count() == 1
