"""What a power failure takes back on SQLite: nothing of the web server's, and of a worker's no start or end of a run.

What is on the disk is what was committed at the latest flush; these tests look at the database at each of them.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from django.db.backends.signals import connection_created

from jobqueue.scheduler import sqlite
from tests.jobobjects import jobs
from tests.jobobjects.models import Effect
from tests.jobqueue.driving import outcomes_of, ready_entry, rows_of, run
from tests.jobqueue.test_tasks_together import claimed, execute_all

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL waits for its disk by itself"),
]

NORMAL, FULL = 1, 2
State = tuple[list[str], int]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[State]]:
    """This process flushes by hand, as a worker does: words for the ledger's rows, and number of effects, at each."""
    states: list[State] = []
    real = os.fdatasync

    def fdatasync(descriptor: int) -> None:
        assert os.readlink(f"/proc/self/fd/{descriptor}") == f"{connection.settings_dict['NAME']}-wal"
        states.append(committed())
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    monkeypatch.setattr(sqlite, "_by_hand", False)
    connection.close()
    sqlite.flush_by_hand()
    try:
        yield states
    finally:
        connection_created.disconnect(dispatch_uid="jobqueue.sqlite.flush")
        connection.close()


def committed() -> State:
    """What another connection sees."""
    other = sqlite3.connect(connection.settings_dict["NAME"])
    try:
        rows = other.execute("SELECT status FROM jobqueue_logentry ORDER BY entry_no").fetchall()
        (effects,) = other.execute(f"SELECT count(*) FROM {Effect._meta.db_table}").fetchone()
    finally:
        other.close()
    return [{0: "Success", 1: "In Process", 2: "Error"}[status] for (status,) in rows], effects


def how_synchronous() -> int:
    connection.ensure_connection()
    return int(connection.connection.execute("PRAGMA synchronous").fetchone()[0])


def test_usually_every_commit_waits_for_the_disk() -> None:
    assert how_synchronous() == FULL


def test_the_commits_of_a_worker_do_not(on_disk: list[State]) -> None:
    assert how_synchronous() == NORMAL
    assert connection.connection.execute("PRAGMA cache_size").fetchone()[0] == -sqlite.WORKER_CACHE_KIB


def test_a_run_has_begun_on_the_disk_before_its_job_does_anything_and_ends_there(
    on_disk: list[State],
) -> None:
    entry = ready_entry(object_id=jobs.EFFECT)
    run()
    assert on_disk == [(["In Process"], 0), (["Success"], 1)]
    assert outcomes_of(entry) == [("Success", True)]


def test_where_one_statement_ends_a_run_and_starts_the_next_one_flush_does(on_disk: list[State]) -> None:
    for _ in range(3):
        ready_entry(object_id=jobs.EFFECT)
    execute_all(claimed(3))
    assert on_disk == [
        (["In Process"], 0),
        (["Success", "In Process"], 1),
        (["Success", "Success", "In Process"], 2),
        (["Success", "Success", "Success"], 3),
    ]


def test_an_atomic_run_and_its_effect_are_on_the_disk_together(on_disk: list[State]) -> None:
    ready_entry(object_id=jobs.ATOMIC_EFFECT)
    run()
    assert on_disk == [(["In Process"], 0), (["Success"], 1)]


def test_a_run_in_a_category_is_flushed_like_any_other(on_disk: list[State]) -> None:
    ready_entry(object_id=jobs.EFFECT, category_code="MONTHEND")
    run()
    assert on_disk == [(["In Process"], 0), (["Success"], 1)]


def test_inside_a_transaction_there_is_nothing_to_flush_yet(on_disk: list[State]) -> None:
    with transaction.atomic():
        sqlite.flush_log()
    assert on_disk == []


def test_a_disk_that_fails_keeps_a_run_from_beginning_and_says_why(
    on_disk: list[State], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ready_entry(object_id=jobs.EFFECT)
    monkeypatch.setattr(os, "fdatasync", fails)
    run()
    assert Effect.objects.count() == 0
    assert outcomes_of(entry) == [("Error", True)]
    assert "Check the disk" in rows_of(entry)[0].error_message


def test_a_disk_that_fails_at_the_end_is_told_and_changes_nothing_of_the_run(
    on_disk: list[State], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entry = ready_entry(object_id=jobs.EFFECT)
    flush = iter([lambda descriptor: None, fails])
    monkeypatch.setattr(os, "fdatasync", lambda descriptor: next(flush)(descriptor))
    run()
    assert outcomes_of(entry) == [("Success", True)]
    assert "Check the disk" in caplog.text


def fails(descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_without_a_write_ahead_log_commits_go_on_waiting(
    on_disk: list[State], monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    other = connection.copy()
    options = {**other.settings_dict["OPTIONS"], "init_command": "PRAGMA journal_mode=DELETE"}
    monkeypatch.setitem(other.settings_dict, "OPTIONS", options)
    monkeypatch.setitem(other.settings_dict, "NAME", str(tmp_path / "other.sqlite3"))
    try:
        other.connect()
        assert other.connection.execute("PRAGMA synchronous").fetchone()[0] == FULL
    finally:
        other.close()
