"""Deletion of old ledger rows: in batches that hold nobody up, and that an interruption leaves in order."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from jobqueue import retention
from jobqueue.lifecycle import set_ready
from jobqueue.models import ErrorMessageRegister, LogEntry, LogLine
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus
from tests.builders import NOW, actor_of, default_company, make_entry, make_log_entry, make_superuser
from tests.jobqueue.driving import run_once

DAY = timedelta(days=1)
PATIENCE_SECONDS = 30


def old_rows(count: int, **fields) -> None:
    entry = make_entry()
    for number in range(count):
        row = make_log_entry(entry, due_at=NOW - timedelta(days=10, minutes=number), **fields)
        LogLine.objects.create(log_entry=row, at=NOW, text="done")


def delete(**options) -> list[int]:
    return list(retention.delete_log_entries(default_company(), ended_before=NOW - DAY, **options))


def in_another_connection(act) -> list[BaseException]:
    """Runs ``act`` in a thread, with a database connection of its own; returns what it raised."""
    raised: list[BaseException] = []

    def body() -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "It waits for the deletion."
    return raised


def run_an_entry() -> None:
    """Ready, claimed, started, run, recorded: everything a worker does to the tables."""
    boss = actor_of(make_superuser())
    entry = set_ready(make_entry(user=boss.user), actor=boss)
    run_once(database_now() + timedelta(seconds=2))
    assert LogEntry.objects.get(entry_id=entry.id).status == LogStatus.SUCCESS


@pytest.mark.django_db
def test_what_an_interruption_left_is_deleted_by_the_next_run():
    old_rows(5)

    class Interrupted(BaseException):
        pass

    def stop_at_the_second(batch) -> None:
        if LogEntry.objects.count() < 5:
            raise Interrupted

    with pytest.raises(Interrupted), transaction.atomic():
        delete(limit=2, before_batch=stop_at_the_second)
    assert sum(delete(limit=2)) >= 3
    assert (LogEntry.objects.count(), LogLine.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_rows_that_brought_no_run_go_after_those_that_ended():
    old_rows(2)
    old_rows(1, status=LogStatus.MISSED, ended_at=None)
    old_rows(1, status=LogStatus.IN_PROCESS)
    assert delete(limit=10) == [2, 1]
    assert LogEntry.objects.get().status == LogStatus.IN_PROCESS


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_between_two_batches():
    """On SQLite too: its one writer is free for a worker, which here runs a whole entry after every batch."""
    old_rows(4)
    for _ in retention.delete_log_entries(default_company(), ended_before=NOW - DAY, limit=2):
        assert not connection.in_atomic_block
        assert in_another_connection(run_an_entry) == []
    assert LogEntry.objects.filter(due_at__lt=NOW - DAY).count() == 0
    assert LogEntry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer; batches are short instead"
)
def test_a_batch_that_takes_long_keeps_no_worker_from_its_work():
    register = ErrorMessageRegister.objects.create(company=default_company(), created_at=NOW, message="x")
    old_rows(3, status=LogStatus.ERROR, error_register=register)
    with transaction.atomic():
        assert delete(limit=2)[0] == 2  # deleted, not committed: every lock of the batch is held
        assert in_another_connection(run_an_entry) == []
        assert in_another_connection(lambda: delete(limit=2)) == []  # another deletion goes round it
    assert not LogEntry.objects.filter(due_at__lt=NOW - DAY).exists()
