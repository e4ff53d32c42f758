"""The one timer of a process: kept by a worker, put back by everybody else."""

import signal
import time

import pytest

from jobqueue.scheduler import alarm
from jobqueue.scheduler.interruption import SoftTimeout, time_limit
from jobqueue.scheduler.patience import DatabaseSilent, patience


@pytest.fixture
def shared(monkeypatch):
    """This process as a worker."""
    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(alarm, "_shared", False)
    alarm.share()
    yield
    signal.signal(signal.SIGALRM, before)


def overrun(seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.005)


def handler():
    return signal.getsignal(signal.SIGALRM)


def foreign(_signal, _frame) -> None:
    raise AssertionError("Not this one.")


def test_outside_a_worker_the_handler_that_was_there_comes_back():
    before = signal.signal(signal.SIGALRM, foreign)
    try:
        with pytest.raises(DatabaseSilent), patience(0.02):
            overrun()
        assert handler() is foreign
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_worker_keeps_one_handler_for_every_limit(shared):
    kept = handler()
    with pytest.raises(DatabaseSilent), patience(0.02):
        overrun()
    with pytest.raises(SoftTimeout), time_limit(0.02):
        overrun()
    with pytest.raises(DatabaseSilent), patience(0.02):
        overrun()
    assert handler() is kept
    assert not alarm.is_armed()


def test_a_job_that_installs_a_handler_of_its_own_takes_no_limit_away_from_the_next(shared):
    with time_limit(10):
        signal.signal(signal.SIGALRM, foreign)
    with pytest.raises(SoftTimeout), time_limit(0.02):
        overrun()


def test_an_alarm_that_is_late_does_nothing(shared):
    with time_limit(10):
        pass
    signal.raise_signal(signal.SIGALRM)
    with patience(10):
        pass
    signal.raise_signal(signal.SIGALRM)
