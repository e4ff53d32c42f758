"""Two code versions on one database: a task only the other one knows is left to it, and is no failure."""

import pytest
from django.db import transaction

from jobqueue.doctor import work
from jobqueue.doctor.registry import State
from jobqueue.models import Cluster
from jobqueue.scheduler import create_task, lease
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.code_version import code_version
from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.scheduler.models import ScheduledTask
from jobqueue.scheduler.session_events import SessionEvent
from jobqueue.scheduler.strangers import Strangers
from tests.jobqueue.scheduler.real_worker import wait_for

NEWER = "test.newer"


def create_newer(**options):
    """A task as the other version would create it."""
    with transaction.atomic():  # or a worker takes it while it has the name it knows
        task_id = create_task("test.note", **options)
        ScheduledTask.objects.filter(pk=task_id).update(main_routine=NEWER)
    return ScheduledTask.objects.get(pk=task_id)


@pytest.mark.django_db
def test_it_is_given_back_and_reported_once():
    cluster = lease.register_cluster(name="", workers=1, version=code_version())
    tasks, strangers = [create_newer() for _ in range(3)], Strangers()
    known = create_task("test.note")
    left = strangers.sort_out(claim(10, cluster_id=cluster), cluster_id=cluster)
    assert [one.id for one in left] == [known]
    for task in tasks:
        task.refresh_from_db()
        assert (task.state, task.error_kind, task.attempt, task.cluster_id) == (0, "", 0, None)
    assert strangers.names == {NEWER}
    event = SessionEvent.objects.get(kind="unknown")
    assert (event.cluster_id, event.host) == (cluster, Cluster.objects.get(pk=cluster).host)
    assert f"“{NEWER}” is not known to this worker's code (version {code_version()})" in event.comment
    assert "Start a worker whose code registers" in event.comment


@pytest.mark.django_db
def test_an_unknown_failure_routine_waits_for_who_knows_it_too():
    task_id = create_task("test.note", failure_routine="test.record_failure")
    ScheduledTask.objects.filter(pk=task_id).update(failure_routine=NEWER, error_kind="exception")
    assert run_due_tasks(until_idle=True) == 0
    assert ScheduledTask.objects.get(pk=task_id).error_kind == "exception"


@pytest.mark.django_db
def test_running_inline_does_not_spin_on_it(notes):
    create_newer()
    create_task("test.note", context="known")
    assert run_due_tasks(until_idle=True) == 1
    assert len(notes("ran")) == 1
    assert ScheduledTask.objects.get().claim_number == 2


@pytest.mark.django_db
def test_a_message_of_it_is_given_back_as_well():
    task = create_newer()
    [claimed] = claim(1, cluster_id=None)
    execute(claimed)
    task.refresh_from_db()
    assert (task.state, task.error_kind) == (0, "")


@pytest.mark.django_db
def test_the_doctor_names_routine_version_and_next_step():
    cluster = lease.register_cluster(name="", workers=1, version="9.9.9")
    assert [result.state for result in work.unknown_routines()] == [State.OK]
    create_newer()
    [found] = work.unknown_routines()
    assert found.state is State.WARNING
    assert NEWER in found.sentence
    assert code_version() in found.sentence
    assert "9.9.9" in found.sentence
    assert NEWER in found.fix
    Cluster.objects.filter(pk=cluster).delete()
    assert "no worker is alive" in next(iter(work.unknown_routines())).sentence


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_cluster_that_knows_it_runs_it_beside_one_that_does_not(start_worker, notes, monkeypatch):
    start_worker()
    tasks = [create_newer(context=number) for number in range(5)]
    wait_for(lambda: SessionEvent.objects.filter(kind="unknown").exists())
    for number in range(10):
        create_task("test.note", context=number)
    wait_for(lambda: len(notes("ran")) == 10)
    looks = [number for _, number in _claim_numbers(tasks)]
    wait_for(lambda: not ScheduledTask.objects.filter(state=1).exists())
    assert max(looks) <= 2, "claimed once and left alone from then on"
    monkeypatch.setenv("SCHEDULER_TEST_NEWER", "yes")
    start_worker()
    wait_for(lambda: len(notes("newer")) == 5)
    wait_for(lambda: not ScheduledTask.objects.filter(main_routine=NEWER).exists())
    assert sorted(int(line[3]) for line in notes("newer")) == list(range(5))
    assert SessionEvent.objects.filter(kind="unknown").count() == 1


def _claim_numbers(tasks):
    return ScheduledTask.objects.filter(pk__in=[task.pk for task in tasks]).values_list("pk", "claim_number")
