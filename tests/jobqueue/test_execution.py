"""The start routine: what a job may do to its process, transactions, lines and time; on real commits."""

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone, translation

from jobqueue import lifecycle
from jobqueue.conf import settings as jobqueue_settings
from jobqueue.dispatch import execution
from jobqueue.models import LogEntry, LogLine
from jobqueue.objects import Run, codeunit, registry
from jobqueue.states import LogStatus, Status
from tests.builders import NOW, actor_of
from tests.jobobjects import jobs
from tests.jobobjects.models import Effect
from tests.jobqueue.driving import SECOND, outcomes_of, ready_entry, reload, rows_of, run, run_once, status_of

pytestmark = pytest.mark.django_db(transaction=True)

on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'")


@pytest.fixture
def job():
    """Registers a codeunit for one test: ``job(function, atomic=True)`` returns its id."""
    with registry.isolated(empty=False):

        def register(function, **options):
            codeunit(91000, "A job of one test", **options)(function)
            return 91000

        yield register


def test_an_atomic_jobs_effect_and_its_ledger_row_commit_together():
    entry = ready_entry(object_id=jobs.ATOMIC_EFFECT)
    run()
    assert Effect.objects.count() == 1
    assert outcomes_of(entry) == [("Success", True)]
    assert LogLine.objects.get().text == "One effect was written."


def test_an_atomic_job_that_fails_leaves_its_lines_and_nothing_else():
    entry = ready_entry(object_id=jobs.ATOMIC_FAILURE)
    run()
    assert not Effect.objects.exists()
    assert outcomes_of(entry) == [("Error", True)]
    assert LogLine.objects.get().text == "About to fail."


def test_an_atomic_effect_is_undone_when_the_end_cannot_be_recorded(monkeypatch):
    entry = ready_entry(object_id=jobs.ATOMIC_EFFECT, recurring=True)
    monkeypatch.setattr("jobqueue.dispatch.hotpath.finish", lambda *_, **__: 1 / 0)
    run_once()
    assert not Effect.objects.exists()
    monkeypatch.undo()
    run_once()
    assert outcomes_of(entry) == [("Error", True)]


def test_an_atomic_entry_held_while_it_ran_keeps_effect_and_hold(job):
    def hold_itself(run: Run) -> None:
        jobs.leave_effect(run, "done")
        lifecycle.set_on_hold(entry, actor=actor_of(entry.user), now=NOW + SECOND)

    entry = ready_entry(object_id=job(hold_itself, atomic=True, timeout_seconds=5))
    run()
    assert (status_of(entry), Effect.objects.count()) == (Status.ON_HOLD, 1)
    assert outcomes_of(entry) == [("Success", True)]


def test_work_left_uncommitted_is_committed_with_the_success():
    entry = ready_entry(object_id=jobs.OPEN_TRANSACTION)
    run()
    assert connection.get_autocommit()
    assert Effect.objects.get().note == "left open"
    assert outcomes_of(entry) == [("Success", True)]


@on_postgresql
def test_a_broken_transaction_is_the_failure_of_its_job():
    entry = ready_entry(object_id=jobs.BROKEN_TRANSACTION)
    run()
    assert "broken transaction" in rows_of(entry)[0].error_message
    assert connection.get_autocommit()


def test_a_closed_connection_is_the_failure_of_its_job():
    entry = ready_entry(object_id=jobs.BROKEN_CONNECTION)
    run()
    assert "closed or lost the database connection" in rows_of(entry)[0].error_message


def test_a_transaction_begun_and_not_ended_is_the_failure_of_its_job(job):
    def begin(run: Run) -> None:
        transaction.atomic().__enter__()
        jobs.leave_effect(run, "half done")

    entry = ready_entry(object_id=job(begin))
    run()
    assert "transaction open" in rows_of(entry)[0].error_message
    assert not connection.in_atomic_block
    assert not Effect.objects.exists()


def test_closing_the_connection_through_django_is_fine(job):
    entry = ready_entry(object_id=job(lambda run: connection.close()))
    run()
    assert outcomes_of(entry) == [("Success", True)]


def test_a_job_runs_in_the_language_and_zone_of_its_entry(job):
    seen = []
    entry = ready_entry(
        object_id=job(
            lambda run: seen.append((translation.get_language(), str(timezone.get_current_timezone())))
        ),
        user_language="da",
        time_zone="Europe/Copenhagen",
    )
    run()
    assert seen == [("da", "Europe/Copenhagen")]
    assert entry.pk
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_run_longer_than_its_timeout_is_interrupted():
    entry = ready_entry(object_id=jobs.SLEEP, parameters={"seconds": "30"}, timeout_seconds=1)
    run()
    row = rows_of(entry)[0]
    assert (row.error_kind, row.error_message) == (
        "timeout",
        "The run took longer than its timeout of 1 second.",
    )


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_on_sqlite_an_atomic_job_may_not_hold_the_writer(job, settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "SQLITE_ATOMIC_LIMIT_SECONDS": 1}
    assert jobqueue_settings().sqlite_atomic_limit_seconds == 1

    def work_long(run: Run) -> None:
        import time

        time.sleep(5)

    entry = ready_entry(object_id=job(work_long, atomic=True, timeout_seconds=60))
    run()
    assert "held the SQLite database for 1 seconds" in rows_of(entry)[0].error_message


def test_lines_of_a_long_job_are_seen_while_it_runs(job, monkeypatch):
    monkeypatch.setattr("jobqueue.dispatch.sink.FLUSH_SECONDS", 0)
    seen = []

    def tell(run: Run) -> None:
        run.log("First.")
        run.progress(1, 2)
        seen.append((LogLine.objects.count(), LogEntry.objects.get().progress_done))

    ready_entry(object_id=job(tell))
    run()
    assert seen == [(1, 1)]


@on_postgresql
def test_on_postgresql_lines_of_an_atomic_job_are_seen_by_others_while_it_runs(job, monkeypatch):
    monkeypatch.setattr("jobqueue.dispatch.sink.FLUSH_SECONDS", 0)
    seen = []

    def tell(run: Run) -> None:
        run.log("First.")
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM jobqueue_logline")
            seen.append(cursor.fetchone()[0])
        other.close()
        raise ValueError("No.")

    entry = ready_entry(object_id=job(tell, atomic=True, timeout_seconds=5))
    run()
    assert seen == [1]
    assert [line.text for line in rows_of(entry)[0].lines.all()] == ["First."]


def test_a_job_that_writes_without_end_keeps_a_bounded_memory(job, monkeypatch):
    monkeypatch.setattr("jobqueue.dispatch.sink.MOST_WAITING", 10)

    def tell(run: Run) -> None:
        for number in range(25):
            run.log(number)

    entry = ready_entry(object_id=job(tell))
    run()
    texts = [line.text for line in rows_of(entry)[0].lines.order_by("id")]
    assert (len(texts), texts[-1]) == (11, "… 15 more lines were not kept.")


def test_an_owner_that_objects_at_first_is_asked_again(job, monkeypatch):
    from jobqueue import events

    monkeypatch.setattr("time.sleep", lambda _: None)
    entry = ready_entry(object_id=jobs.EFFECT)
    type(entry).objects.filter(pk=entry.pk).update(owner_kind="package line", owner_reference="7")
    from jobqueue.models import ScheduledTask

    ScheduledTask.objects.update(owner_context='{"owner_run":"r1"}')
    asked = []

    def object_twice(**_):
        asked.append(1)
        if len(asked) < 3:
            raise ValueError("Not yet.")

    events.finished_owned.connect(object_twice)
    try:
        run()
    finally:
        events.finished_owned.disconnect(object_twice)
    assert (len(asked), Effect.objects.count()) == (3, 1)
    assert outcomes_of(entry) == [("Success", True)]


def test_the_stopwatch_follows_the_start_and_never_runs_back():
    watch = execution.Stopwatch(datetime(2026, 3, 2, tzinfo=UTC))
    assert watch.started_at <= watch.now() <= watch.end()


def test_a_restarted_database_loses_no_record_of_a_finished_job(job):
    """The job's work is done; its end is recorded on a new connection."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server to lose.")

    def lose_connection_unnoticed(run: Run) -> None:
        killer = connection.copy()
        with killer.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        killer.close()

    entry = ready_entry(object_id=job(lose_connection_unnoticed))
    run()
    assert outcomes_of(entry) == [("Success", True)]
    assert LogEntry.objects.get().status == LogStatus.SUCCESS
    assert reload(entry) is None
