"""A database that does not answer: bookkeeping gives the connection up, everything else is left alone."""

import signal
import threading
import time

import pytest
from django.db import connection

from jobqueue.scheduler.interruption import SoftTimeout, time_limit
from jobqueue.scheduler.outcome import until_recorded
from jobqueue.scheduler.patience import DatabaseSilent, patience, wait_briefly_for_sqlite


def hang(seconds: float = 5) -> None:
    time.sleep(seconds)


def test_a_step_without_an_answer_is_given_up():
    began = time.monotonic()
    with pytest.raises(DatabaseSilent, match="did not answer within"), patience(0.05):
        hang()
    assert time.monotonic() - began < 1
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_step_in_time_leaves_nothing_behind():
    handler = signal.getsignal(signal.SIGALRM)
    with patience(5):
        pass
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) == handler


def test_inside_a_routine_its_time_limit_counts():
    with pytest.raises(SoftTimeout), time_limit(0.1), patience(0.05):
        hang()


def test_other_threads_wait_without_a_limit():
    met = []
    thread = threading.Thread(target=lambda: met.append(_enter(patience(0.01))))
    thread.start()
    thread.join()
    assert met == [True]


def _enter(manager) -> bool:
    with manager:
        time.sleep(0.05)
    return True


def test_a_finish_without_an_answer_is_repeated_on_a_new_connection(monkeypatch):
    monkeypatch.setattr("jobqueue.scheduler.outcome.RECORD_SECONDS", 0.05)
    closed, tries = [], []
    monkeypatch.setattr(connection, "close", lambda: closed.append(True))

    def step() -> str:
        tries.append(True)
        if len(tries) == 1:
            hang()
        return "recorded"

    assert until_recorded(step) == "recorded"
    assert (len(tries), len(closed)) == (2, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("here", "milliseconds"), [(True, 2_000), (False, 20_000)])
def test_the_supervisor_waits_only_briefly_for_the_write_lock_of_sqlite(here, milliseconds):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no such lock")
    from django.db.backends.signals import connection_created

    wait_briefly_for_sqlite(is_here=lambda: here)
    try:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone()[0] == milliseconds
    finally:
        connection_created.disconnect(dispatch_uid="jobqueue.supervisor.lock")
        connection.close()
