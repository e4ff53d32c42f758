"""The real ``jobworker`` with real processes: work is done once, and whatever is killed, nothing is lost."""

import os
import signal
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django_q.tasks import async_task

from jobqueue.scheduler import create_task, database_now, request_cancel
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from tests.builders import make_user
from tests.jobqueue.scheduler.real_worker import children, exists, wait_for
from tests.jobqueue.scheduler.sample_routines import release

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def create(routine, **options):
    return create_task(routine, failure_routine="test.record_failure", **options)


def ours():
    """The tasks of these tests: starting workers also starts tasks of the job queue."""
    return ScheduledTask.objects.filter(main_routine__startswith="test.")


def idle():
    return not ours().exists()


def test_a_new_task_wakes_a_worker_and_runs_once(start_worker, notes):
    """Long before the next poll. How soon in milliseconds, the benchmark says."""
    start_worker(poll_seconds=120)
    for number in range(20):
        create("test.note", context=number)
        wait_for(lambda number=number: len(notes("ran")) == number + 1)
    wait_for(idle)
    assert [int(line[3]) for line in notes("ran")] == list(range(20))


def test_many_tasks_on_two_clusters_run_once_each(start_worker, notes):
    start_worker()
    start_worker()
    with transaction.atomic():
        for number in range(300):
            create("test.note", context=number)
    wait_for(idle, seconds=40)
    assert sorted(int(line[3]) for line in notes("ran")) == list(range(300))
    assert len({line[2] for line in notes("ran")}) >= 2


def test_a_future_task_starts_when_it_is_due(start_worker, notes):
    start_worker(poll_seconds=120)
    due = database_now() + timedelta(seconds=1.2)
    create("test.note", not_before=due)
    wait_for(lambda: notes("ran"))
    assert float(notes("ran")[0][0]) > due.timestamp() - 0.01


def test_plain_async_task_works_on_the_same_cluster(start_worker, notes):
    start_worker()
    async_task("tests.jobqueue.scheduler.sample_routines.plain_function", "plain text")
    wait_for(lambda: notes("plain"))
    with transaction.atomic():
        async_task("tests.jobqueue.scheduler.sample_routines.plain_function", "never")
        transaction.set_rollback(True)
    create("test.note", context="after")
    wait_for(lambda: notes("ran"))
    assert [line[3] for line in notes("plain")] == ["plain text"]


def test_a_failed_routine_is_followed_by_its_failure_routine(start_worker, notes):
    start_worker()
    create("test.fail")
    wait_for(lambda: notes("recorded"))
    wait_for(idle)
    assert notes("recorded")[0][3].startswith("exception|")


def test_a_killed_busy_worker_is_noticed_within_two_seconds(start_worker, notes):
    worker = start_worker()
    create("test.sleep", context={"seconds": 60})
    wait_for(lambda: notes("start"))
    killed = int(notes("start")[0][2])
    began = time.time()
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: notes("recorded"))
    assert float(notes("recorded")[0][0]) - began < 2
    assert notes("recorded")[0][3].startswith("killed|")
    wait_for(idle)
    wait_for(lambda: len(worker.worker_pids()) == 2)
    assert WorkerSession.objects.get(pid=killed).end_reason == "died"


def test_a_job_that_kills_its_worker_fails_every_time(start_worker, notes):
    start_worker()
    for _ in range(3):
        create("test.kill_worker")
    wait_for(lambda: len(notes("recorded")) == 3)
    assert len(notes("start")) == 3


def test_a_killed_idle_worker_never_stops_the_work(start_worker, notes):
    worker = start_worker()
    for number in range(4):
        os.kill(worker.worker_pids()[0], signal.SIGKILL)
        create("test.note", context=number)
        wait_for(lambda number=number: len(notes("ran")) == number + 1, seconds=15)
        wait_for(lambda: len(worker.worker_pids()) == 2)
    wait_for(idle)


def test_a_long_job_survives_the_replacement_of_its_cluster(start_worker, notes):
    worker = start_worker()
    create("test.hold")
    wait_for(lambda: notes("start"))
    busy = int(notes("start")[0][2])
    [idle_pid] = [pid for pid in worker.worker_pids() if pid != busy]
    os.kill(idle_pid, signal.SIGKILL)
    create("test.note")
    wait_for(lambda: notes("ran"))
    release()
    wait_for(lambda: notes("end"))
    assert int(notes("end")[0][2]) == busy
    wait_for(idle)
    wait_for(lambda: not exists(busy))
    assert notes("recorded") == []


@pytest.mark.parametrize("victim", ["supervisor", "sentinel"])
def test_no_child_outlives_its_parent(start_worker, victim):
    worker = start_worker()
    # Supervisor, sentinel, two workers, monitor, broker process.
    before = wait_for(lambda: found if len(found := worker.everything()) == 6 else None)
    victims = before if victim == "supervisor" else [worker.sentinel(), *children(worker.sentinel())]
    began = time.monotonic()
    os.kill(victims[0], signal.SIGKILL)
    wait_for(lambda: not any(exists(pid) for pid in victims if pid != worker.pid), seconds=2)
    assert time.monotonic() - began < 2
    if victim == "sentinel":
        wait_for(lambda: len(worker.everything()) == 6)


def test_work_of_a_killed_supervisor_is_settled_by_the_next_one(start_worker, notes):
    first = start_worker()
    create("test.sleep", context={"seconds": 60})
    wait_for(lambda: notes("start"))
    os.kill(first.pid, signal.SIGKILL)
    first.process.wait()
    start_worker()
    wait_for(lambda: notes("recorded"))
    kind, _, words = notes("recorded")[0][3].partition("|")
    assert kind == "killed"
    assert f"supervisor (process {first.pid}" in words
    cluster = Cluster.objects.get(pid=first.pid)
    assert (cluster.state, cluster.end_reason) == ("ended", "its supervisor ended unexpectedly")
    wait_for(idle)


def test_a_killed_sentinel_is_no_fault_of_what_its_workers_ran(start_worker, notes):
    worker = start_worker()
    create("test.sleep", context={"seconds": 60})
    wait_for(lambda: notes("start"))
    session = WorkerSession.objects.get(pid=int(notes("start")[0][2]), ended_at=None)
    sentinel = worker.sentinel()
    os.kill(sentinel, signal.SIGKILL)
    wait_for(lambda: notes("recorded"))
    assert notes("recorded")[0][3].startswith("killed|")
    session.refresh_from_db()
    assert session.end_reason == f"its sentinel (process {sentinel}) ended unexpectedly"
    assert session.end_reason in notes("recorded")[0][3]
    wait_for(idle)


def test_a_stopped_sentinel_is_replaced(start_worker, notes):
    worker = start_worker()
    os.kill(worker.sentinel(), signal.SIGSTOP)
    wait_for(lambda: len(worker.clusters()) == 1 and Cluster.objects.filter(pid=worker.pid).count() == 2)
    create("test.note")
    wait_for(lambda: notes("ran"))


def test_term_lets_running_jobs_finish(start_worker, notes):
    worker = start_worker()
    create("test.hold")
    create("test.hold")
    wait_for(lambda: len(notes("start")) == 2)
    for _ in range(5):
        create("test.note")
    below = worker.everything()
    worker.process.send_signal(signal.SIGTERM)
    wait_for(lambda: Cluster.objects.get(pid=worker.pid).state == "draining")
    assert not ours().filter(state=1).exists()
    assert not notes("end")
    release()
    worker.process.wait(20)
    assert len(notes("end")) == 2
    assert worker.process.returncode == 0
    assert not any(exists(pid) for pid in below)
    assert ours().count() == 5
    assert not ours().exclude(state=0).exists()
    assert Cluster.objects.get(pid=worker.pid).state == "ended"
    assert not WorkerSession.objects.filter(ended_at=None).exists()


def test_an_idle_worker_stops_quickly(start_worker):
    assert start_worker().stop() < 5


def test_jobs_beyond_the_grace_period_are_killed_and_fail(start_worker, notes):
    worker = start_worker(stop_grace_seconds=1)
    create("test.sleep", context={"seconds": 60})
    wait_for(lambda: notes("start"))
    assert worker.stop() < 6
    task = ours().get()
    assert (task.state, task.error_kind) == (0, "killed")


def test_a_soft_timeout_is_recorded_and_the_worker_lives_on(start_worker, notes):
    worker = start_worker()
    before = set(worker.worker_pids())
    create("test.sleep", timeout_seconds=1, context={"seconds": 60})
    wait_for(lambda: notes("recorded"))
    assert notes("recorded")[0][3].startswith("timeout|")
    assert set(worker.worker_pids()) == before


def test_a_routine_that_ignores_its_timeout_is_killed(start_worker, notes):
    start_worker()
    create("test.swallow", timeout_seconds=1, context={"seconds": 60})
    wait_for(lambda: notes("start"))
    began = time.monotonic()
    wait_for(lambda: notes("recorded"))
    assert time.monotonic() - began < 5
    assert notes("swallowed")
    assert notes("recorded")[0][3].startswith("timeout|")


def test_the_server_query_of_a_timed_out_routine_ends(start_worker, notes):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    start_worker()
    create("test.query", timeout_seconds=1, context={"seconds": 60})
    wait_for(lambda: notes("recorded"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep%%'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        assert cursor.fetchone()[0] == 0


@pytest.mark.parametrize("routine", ["test.sleep", "test.swallow"])
def test_a_cancel_ends_a_running_routine_and_says_who_and_why(start_worker, notes, routine):
    start_worker()
    user = make_user("carla")
    task_id = create(routine, context={"seconds": 60})
    wait_for(lambda: notes("start"))
    assert wait_for(lambda: request_cancel(task_id, user=user, reason="wrong file"))
    wait_for(lambda: notes("recorded"))
    assert notes("recorded")[0][3].startswith("cancelled|")
    assert notes("recorded")[0][3].endswith("|Cancelled by carla: wrong file")


def test_what_a_job_has_started_dies_with_its_worker(start_worker, notes):
    start_worker()
    create("test.subprocess")
    wait_for(lambda: notes("start"))
    started = int(notes("start")[0][3])
    os.kill(int(notes("start")[0][2]), signal.SIGKILL)
    wait_for(lambda: notes("recorded"))
    assert not exists(started)


def test_short_tasks_do_not_wait_behind_a_long_one(start_worker, notes):
    start_worker()
    create("test.hold")
    wait_for(lambda: notes("start"))
    for number in range(20):
        create("test.note", context=number)
    wait_for(lambda: len(notes("ran")) == 20)
    assert not notes("end")


def test_a_lost_connection_costs_no_task(start_worker, notes):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    start_worker()
    create("test.note")
    wait_for(lambda: notes("ran"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for number in range(10):
        create("test.note", context=number)
    wait_for(lambda: len(notes("ran")) == 11)
    wait_for(idle)
    assert notes("recorded") == []


def test_a_worker_stopped_for_longer_than_its_lease_is_lost(start_worker, notes):
    worker = start_worker(lease_seconds=2)
    create("test.sleep", context={"seconds": 60})
    wait_for(lambda: notes("start"))
    stopped = int(notes("start")[0][2])
    os.kill(stopped, signal.SIGSTOP)
    wait_for(lambda: notes("recorded"))
    assert notes("recorded")[0][3].startswith("lost|")
    wait_for(lambda: not exists(stopped))
    wait_for(lambda: len(worker.worker_pids()) == 2)


def test_who_comes_back_from_the_dead_records_nothing(start_worker, notes):
    """A supervisor stopped beyond its lease, while its worker goes on: the claim number of that run is stale."""
    first = start_worker()
    create("test.hold")
    wait_for(lambda: notes("start"))
    os.kill(first.pid, signal.SIGSTOP)
    second = start_worker()
    wait_for(lambda: notes("recorded"))
    assert notes("recorded")[0][3].startswith("lost|")
    release()
    wait_for(lambda: "reported late" in first.log.read_text())
    os.kill(first.pid, signal.SIGCONT)
    wait_for(lambda: "declared lost meanwhile" in first.log.read_text())
    wait_for(lambda: len(first.sessions()) == 2)
    second.stop()
    create("test.note")
    wait_for(lambda: notes("ran"))
    assert len(notes("recorded")) == len(notes("start")) == 1
