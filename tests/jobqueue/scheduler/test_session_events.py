"""Session events: one row for everything that is not in the ledger, and none on the way of a run that goes well."""

from datetime import timedelta

import pytest

from jobqueue.scheduler import create_task, database_now, lease, rescue, session_events
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.outcome import TaskError, record_failure
from jobqueue.scheduler.session_events import Kind, SessionEvent
from tests import builders

pytestmark = pytest.mark.django_db


def kinds() -> list[str]:
    return list(SessionEvent.objects.order_by("id").values_list("kind", flat=True))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.objects.get(pk=lease.register_cluster(name="", workers=2, version=""))


@pytest.fixture
def worker(cluster) -> WorkerSession:
    return WorkerSession.objects.create(cluster=cluster, host="host", pid=4711, process_start=1)


def running_task(worker: WorkerSession) -> ScheduledTask:
    entry = builders.make_entry()
    key = create_task(
        "test.note",
        failure_routine="test.record_failure",
        company=entry.company,
        user=entry.user,
        record=entry.id,
    )
    ScheduledTask.objects.filter(pk=key).update(
        state=2, claim_number=1, cluster=worker.cluster_id, worker=worker, session_number=7
    )
    return ScheduledTask.objects.get(pk=key)


def test_a_cluster_starts_and_stops(cluster, worker):
    error = TaskError("killed", "ended")
    rescue.end_cluster(cluster.pk, state="ended", reason="stopped", error=error)
    assert kinds() == ["start", "logoff", "stop"]
    rescue.end_cluster(cluster.pk, state="ended", reason="stopped", error=error)
    assert kinds() == ["start", "logoff", "stop"], "called again, nothing more is said"


def test_a_worker_that_died_says_so(worker):
    rescue.end_worker(worker.pk, reason="died", comment="The worker process 4711 died.")
    rescue.end_worker(worker.pk, reason="died", comment="The worker process 4711 died.")
    event = SessionEvent.objects.get(kind=Kind.LOGOFF)
    assert (event.worker_id, event.host, event.pid) == (worker.pk, "host", 4711)
    assert event.comment == "The worker process 4711 died."


@pytest.mark.parametrize("kind", ["killed", "lost", "timeout", "cancelled"])
def test_a_session_ended_from_outside_leaves_its_error(worker, kind):
    task = running_task(worker)
    record_failure(task.pk, 1, TaskError(kind, "It was ended."))
    event = SessionEvent.objects.get(kind=kind)
    assert (event.task_id, event.record, event.session_number) == (task.pk, task.record, 7)
    assert (event.worker_id, event.pid, event.user_id) == (worker.pk, 4711, task.user_id)
    assert event.comment.startswith(("It was ended.", "Cancelled by"))


def test_a_routine_that_raised_is_in_the_ledger_only(worker):
    task = running_task(worker)
    record_failure(task.pk, 1, TaskError("exception", "broken"))
    assert kinds() == ["start"]


def test_a_run_that_goes_well_leaves_no_event():
    create_task("test.note")
    assert run_due_tasks() == 1
    assert kinds() == []


def test_a_lost_cluster_is_lost_with_its_workers_and_sessions(cluster, worker):
    running_task(worker)
    past = database_now() - timedelta(minutes=5)
    Cluster.objects.update(lease_until=past, heartbeat_at=past, machine="another")
    watch = lease.LossWatch()
    watch._steady_since = -1e9
    assert watch.look(except_clusters=[]) == [cluster.pk]
    assert kinds() == ["start", "lost", "logoff", "lost"]
    assert "no heartbeat since" in SessionEvent.objects.filter(kind="lost").first().comment


def test_old_events_are_purged_in_small_batches(monkeypatch):
    monkeypatch.setattr(session_events, "PURGE_BATCH", 3)
    now = database_now()
    for days in (1, 4, 6, 7, 8, 9, 10):
        SessionEvent.objects.create(kind=Kind.LOGON, at=now - timedelta(days=days))
    assert session_events.purge(before=now - timedelta(days=5)) == 5
    assert session_events.purge(before=now - timedelta(days=5)) == 0
    assert SessionEvent.objects.count() == 2
