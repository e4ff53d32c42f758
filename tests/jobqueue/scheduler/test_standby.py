"""The stand-by: duties are done while every worker is busy and something waits, and only then."""

import os
import signal
import time
from datetime import timedelta

import pytest

from jobqueue.scheduler import create_task, database_now, standby
from tests.jobqueue.scheduler.real_worker import children, exists, wait_for

LONG = timedelta(hours=1)


@pytest.fixture
def duties(monkeypatch):
    """Only the duties of the test."""
    monkeypatch.setattr(standby, "_duties", {})
    return standby.duty


@pytest.mark.django_db
class TestDuties:
    def test_they_are_done_by_rank_and_one_that_fails_stops_no_other(self, duties):
        done = []

        @duties("last", rank=9)
        def last(now):
            done.append("last")

        @duties("broken", rank=5)
        def broken(now):
            done.append("broken")
            raise ValueError("broken")

        @duties("first", rank=1)
        def first(now):
            done.append(now.tzinfo is not None)

        create_task("test.note", not_before=database_now() - LONG)
        assert standby.perform(overdue_seconds=60)
        assert done == [True, "broken", "last"]

    @pytest.mark.parametrize(
        "ago", [None, timedelta(seconds=30), -LONG], ids=["nothing", "just due", "future"]
    )
    def test_nothing_is_done_while_the_workers_keep_up(self, duties, ago):
        @duties("never", rank=1)
        def never(now):
            raise AssertionError("called")

        if ago is not None:
            create_task("test.note", not_before=database_now() - ago)
        assert not standby.perform(overdue_seconds=60)

    def test_those_of_packages_come_before_the_messages_they_write_are_sent(self):
        ranks = {name: rank for name, (rank, _) in standby._duties.items()}
        assert ranks["packages"] < ranks["messages"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestRealWorker:
    def test_it_works_beside_busy_workers_and_ends(self, start_worker, notes):
        worker = start_worker(workers=1, standby_seconds=1)
        create_task("test.sleep", context={"seconds": 60})
        wait_for(lambda: notes("start"))
        create_task("test.note", not_before=database_now() - LONG)
        line = wait_for(lambda: notes("standby"), seconds=40)[0]
        assert int(line[3].split()[0]) == worker.pid
        wait_for(lambda: not exists(int(line[2])))
        first = len(notes("standby"))
        wait_for(lambda: len(notes("standby")) > first, seconds=40)
        assert len(worker.clusters()) == 1
        assert worker.process.poll() is None

    def test_an_idle_worker_needs_none(self, start_worker, notes):
        start_worker(workers=2, standby_seconds=1)
        create_task("test.sleep", context={"seconds": 6})
        wait_for(lambda: notes("start"))
        create_task("test.note", not_before=database_now() - LONG)
        wait_for(lambda: notes("ran"))
        had = len(notes("standby"))
        time.sleep(3)
        assert len(notes("standby")) == had

    def test_it_does_not_outlive_its_supervisor(self, start_worker, notes, monkeypatch):
        monkeypatch.setenv("STANDBY_HANGS", "1")
        worker = start_worker(workers=1, standby_seconds=1)
        create_task("test.sleep", context={"seconds": 60})
        wait_for(lambda: notes("start"))
        create_task("test.note", not_before=database_now() - LONG)
        pid = int(wait_for(lambda: notes("standby"), seconds=40)[0][2])
        assert pid in children(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        wait_for(lambda: not exists(pid))

    def test_a_stop_does_not_wait_for_it(self, start_worker, notes, monkeypatch):
        monkeypatch.setenv("STANDBY_HANGS", "1")
        worker = start_worker(workers=1, standby_seconds=1)
        create_task("test.sleep", context={"seconds": 4})
        wait_for(lambda: notes("start"))
        create_task("test.note", not_before=database_now() - LONG)
        pid = int(wait_for(lambda: notes("standby"), seconds=40)[0][2])
        assert worker.stop() < 25
        wait_for(lambda: not exists(pid))
