"""Fixtures of the scheduler's tests."""

import pytest

from tests.jobqueue.scheduler import sample_routines


@pytest.fixture(autouse=True)
def _notes_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SCHEDULER_TEST_NOTES", str(tmp_path / "notes"))


@pytest.fixture
def notes():
    """What the sample routines wrote down."""
    return sample_routines.notes
