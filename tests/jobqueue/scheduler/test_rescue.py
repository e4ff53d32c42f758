"""Rescue: what becomes of tasks whose worker or cluster no longer stands behind them."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from jobqueue.scheduler import create_task, database_now, fixed_clock, rescue, retention
from jobqueue.scheduler.claim import claim, is_open
from jobqueue.scheduler.lease import LossWatch, beat, register_cluster
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.outcome import TaskError, start_task
from jobqueue.scheduler.rescue import (
    fail_abandoned_sessions,
    fail_worker_tasks,
    give_back_claims,
    requested_cancels,
    running_sessions,
    settle_orphans,
)
from jobqueue.scheduler.session_events import SessionEvent
from tests.builders import make_user

pytestmark = pytest.mark.django_db

KILLED = TaskError("killed", "The worker process ended.")


def make_cluster(**fields):
    key = register_cluster(name="test", workers=2, version="1")
    Cluster.objects.filter(pk=key).update(**fields)
    return Cluster.objects.get(pk=key)


def make_worker(cluster):
    return WorkerSession.objects.create(cluster=cluster, host=cluster.host, pid=1, process_start=1)


def running_task(cluster, worker, *, session=1):
    task_id = create_task("test.note", failure_routine="test.record_failure")
    [claimed] = claim(1, cluster_id=cluster and cluster.pk)
    start_task(replace(claimed, worker_id=worker and worker.pk, session_number=session))
    return task_id


def state_of(task_id):
    task = ScheduledTask.objects.get(pk=task_id)
    return task.state, task.error_kind


def test_claims_not_started_are_given_back_only_when_old_enough():
    cluster, other = make_cluster(), make_cluster()
    mine = create_task("test.note")
    claim(1, cluster_id=cluster.pk)
    theirs = create_task("test.note")
    claim(1, cluster_id=other.pk)
    assert give_back_claims(cluster.pk, older_than_seconds=60) == 0
    assert give_back_claims(cluster.pk) == 1
    assert state_of(mine) == (0, "")
    assert state_of(theirs) == (1, "")


def test_the_tasks_of_a_dead_worker_fail_and_those_of_others_do_not():
    cluster = make_cluster()
    dead, alive = make_worker(cluster), make_worker(cluster)
    lost, kept = running_task(cluster, dead), running_task(cluster, alive)
    assert fail_worker_tasks(dead.pk, error=KILLED) == 1
    assert state_of(lost) == (0, "killed")
    assert state_of(kept) == (2, "")


def test_a_session_killed_for_its_timeout_fails_with_that_reason():
    cluster = make_cluster()
    worker = make_worker(cluster)
    task_id = running_task(cluster, worker, session=7)
    fail_worker_tasks(worker.pk, error=KILLED, session=7, session_error=TaskError("timeout", "too long"))
    assert state_of(task_id) == (0, "timeout")


def test_a_session_that_ended_without_a_record_fails_a_current_one_does_not():
    cluster = make_cluster()
    worker = make_worker(cluster)
    gone, current = running_task(cluster, worker, session=1), running_task(cluster, worker, session=2)
    held = running_sessions(cluster.pk)
    assert fail_abandoned_sessions(cluster.pk, current=[(worker.pk, 2)], read_before=held) == 1
    assert state_of(gone) == (0, "lost")
    assert state_of(current) == (2, "")


def test_requested_cancels_name_the_session():
    cluster = make_cluster()
    worker = make_worker(cluster)
    task_id = running_task(cluster, worker, session=3)
    assert requested_cancels([cluster.pk]) == []
    ScheduledTask.objects.filter(pk=task_id).update(cancel_requested_at=database_now())
    [requested] = requested_cancels([cluster.pk])
    assert (requested.worker_id, requested.session_number) == (worker.pk, 3)


@pytest.mark.parametrize(("state", "found"), [("live", 1), ("draining", 1), ("lost", 0), ("ended", 0)])
@pytest.mark.parametrize("limits", [{}, {"USER_LIMIT": 5}, {"USER_LIMIT": 5, "SITE_LIMIT": 5}])
def test_a_cluster_that_was_declared_lost_claims_nothing_more(settings, state, found, limits):
    """Its broker process may live on while its supervisor stands still."""
    settings.JOBQUEUE = {**settings.JOBQUEUE, **limits}
    cluster = make_cluster(state=state)
    create_task("test.note")
    create_task("test.note", user=make_user("carla"))
    assert is_open(cluster.pk) is bool(found)
    assert len(claim(1, cluster_id=cluster.pk)) == found
    assert len(claim(2, cluster_id=make_cluster().pk)) == 2 - found


def test_a_cluster_without_heartbeat_is_lost_after_a_full_period_of_our_own(monkeypatch):
    cluster = make_cluster(machine="another host")
    task_id = running_task(cluster, make_worker(cluster))
    clock = [1000.0]
    monkeypatch.setattr("jobqueue.scheduler.lease.time.monotonic", lambda: clock[0])
    watch = LossWatch()
    with fixed_clock(database_now() + timedelta(seconds=31)):
        assert watch.look(except_clusters=[]) == []
        clock[0] += 4
        assert watch.look(except_clusters=[]) == []
        watch.database_failed()
        clock[0] += 4
        assert watch.look(except_clusters=[]) == []
        clock[0] += 6
        assert watch.look(except_clusters=[]) == [cluster.pk]
    assert state_of(task_id) == (0, "lost")
    cluster.refresh_from_db()
    assert (cluster.state, cluster.end_reason) == ("lost", "no heartbeat")
    assert not WorkerSession.objects.filter(ended_at=None).exists()


def test_a_dead_supervisor_of_this_machine_is_noticed_at_once():
    cluster = make_cluster(process_start=1)
    task_id = running_task(cluster, make_worker(cluster))
    assert LossWatch().look(except_clusters=[]) == [cluster.pk]
    assert state_of(task_id) == (0, "killed")
    cluster.refresh_from_db()
    assert (cluster.state, cluster.end_reason) == ("ended", "its supervisor ended unexpectedly")
    [worker] = WorkerSession.objects.all()
    assert worker.end_reason == cluster.end_reason
    message = ScheduledTask.objects.get(pk=task_id).error_message
    assert f"supervisor (process {cluster.pid} on {cluster.host}) ended unexpectedly" in message
    assert SessionEvent.objects.get(kind="killed", worker=None).comment == message


def test_a_silent_supervisor_that_is_there_is_not_called_a_lost_host():
    cluster = make_cluster()
    task_id = running_task(cluster, make_worker(cluster))
    watch = LossWatch()
    watch._steady_since = -1e9
    with fixed_clock(database_now() + timedelta(seconds=31)):
        assert watch.look(except_clusters=[]) == [cluster.pk]
    assert state_of(task_id) == (0, "lost")
    message = ScheduledTask.objects.get(pk=task_id).error_message
    assert "is there but has given no sign of life since" in message
    assert "host" not in message.replace(cluster.host, "")


def test_workers_are_closed_before_their_runs_fail(monkeypatch):
    """Another host may handle the failure within a moment, and must see that the worker was stopped."""
    cluster = make_cluster()
    running_task(cluster, make_worker(cluster))
    seen = []
    real = rescue.record_failure

    def record(*args):
        seen.append(list(WorkerSession.objects.values_list("end_reason", flat=True)))
        return real(*args)

    monkeypatch.setattr(rescue, "record_failure", record)
    rescue.end_cluster(cluster.pk, state="ended", reason="stopped", error=TaskError("killed", "ended"))
    assert seen == [["stopped"]]


def test_ended_workers_and_clusters_are_purged_in_small_batches(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    now = database_now()
    old, recent = now - timedelta(days=9), now - timedelta(days=1)
    for ended_at in (old, old, old, recent):
        cluster = make_cluster(state="ended", ended_at=ended_at)
        for _ in range(2):
            worker = make_worker(cluster)
            WorkerSession.objects.filter(pk=worker.pk).update(ended_at=ended_at)
    forgotten = make_worker(Cluster.objects.earliest("pk"))
    living = make_cluster()
    ended_in_it, alive = make_worker(living), make_worker(living)
    WorkerSession.objects.filter(pk=ended_in_it.pk).update(ended_at=old)
    assert retention.purge_ended(before=now - timedelta(days=6)) == 7 + 1 + 3
    assert retention.purge_ended(before=now - timedelta(days=6)) == 0
    assert not WorkerSession.objects.filter(pk__in=[forgotten.pk, ended_in_it.pk]).exists()
    assert WorkerSession.objects.filter(pk=alive.pk).exists()
    assert Cluster.objects.count() == 2


def test_a_living_cluster_is_left_alone():
    cluster = make_cluster()
    assert cluster.pid == os.getpid()
    task_id = running_task(cluster, make_worker(cluster))
    assert LossWatch().look(except_clusters=[]) == []
    assert state_of(task_id) == (2, "")


def test_a_heartbeat_tells_a_supervisor_which_clusters_were_declared_lost():
    kept, lost = make_cluster(), make_cluster(state="lost")
    before = kept.lease_until
    assert beat([kept.pk, lost.pk], worker_ids=[]) == {kept.pk}
    kept.refresh_from_db()
    assert kept.lease_until > before


def test_what_a_cluster_claims_in_the_moment_it_is_lost_is_given_back():
    """Its claim may commit after everything it was seen to hold was settled."""
    cluster = make_cluster()
    task_id = create_task("test.note")
    claim(1, cluster_id=cluster.pk)
    Cluster.objects.filter(pk=cluster.pk).update(state="lost")
    assert settle_orphans() == 1
    assert state_of(task_id) == (0, "")


def test_inline_runs_long_over_are_settled():
    claimed = create_task("test.note")
    claim(1, cluster_id=None)
    assert settle_orphans() == 0
    running = running_task(None, None)
    ScheduledTask.objects.filter(pk=running).update(timeout_seconds=90)
    with fixed_clock(database_now() + timedelta(seconds=61)):
        assert settle_orphans() == 1
    assert state_of(claimed) == (0, "")
    with fixed_clock(database_now() + timedelta(seconds=96)):
        assert settle_orphans() == 1
    assert state_of(running) == (0, "lost")


def test_the_message_of_a_cancel_names_who_and_why():
    cluster = make_cluster()
    worker = make_worker(cluster)
    task_id = running_task(cluster, worker)
    ScheduledTask.objects.filter(pk=task_id).update(
        cancel_requested_at=database_now(), cancel_requested_by=make_user("carla"), cancel_reason="wrong file"
    )
    fail_worker_tasks(worker.pk, error=TaskError("cancelled", "killed"))
    task = ScheduledTask.objects.get(pk=task_id)
    assert (task.error_kind, task.error_message) == ("cancelled", "Cancelled by carla: wrong file")
