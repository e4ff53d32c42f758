"""Fixtures of the scheduler's tests."""

import os

import pytest

from tests.jobqueue.scheduler import sample_routines
from tests.jobqueue.scheduler.real_worker import RealWorker


@pytest.fixture(autouse=True)
def _notes_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHEDULER_TEST_NOTES", str(tmp_path / "notes"))


@pytest.fixture
def notes():
    """What the sample routines wrote down."""
    return sample_routines.notes


@pytest.fixture
def start_worker(child_environment, tmp_path):
    """Starts real job workers on the test's database; they are gone after the test."""
    started = []

    def start(**options) -> RealWorker:
        worker = RealWorker(dict(os.environ) | child_environment, log=tmp_path / "worker.log", **options)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.clean_up()
    print((tmp_path / "worker.log").read_text() if started else "")  # noqa: T201
