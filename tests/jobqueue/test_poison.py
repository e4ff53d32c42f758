"""The poison guard: three killed workers within 72 hours, and the entry is held."""

from datetime import timedelta

import pytest

from jobqueue import events
from jobqueue.models import Cluster, Entry, LogEntry, ScheduledTask, WorkerSession
from jobqueue.scheduler import fixed_clock
from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.outcome import TaskError, fail_task
from jobqueue.states import HoldKind, LogStatus, Status
from tests.builders import NOW, make_log_entry
from tests.jobobjects import jobs
from tests.jobqueue.driving import SECOND, connected, ready_entry, reload, rows_of, run

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def crash(
    kind: str = "killed", *, earlier: list[timedelta], worker: WorkerSession | None = None, **fields
) -> Entry:
    """An entry whose run ends with this kind of error, after runs killed that long before."""
    entry = ready_entry(object_id=jobs.SUCCESS, max_attempts=10, **fields)
    for number, ago in enumerate(earlier):
        moment = NOW - ago
        make_log_entry(
            entry,
            status=LogStatus.ERROR,
            due_at=moment,
            attempt=number,
            error_kind=kind,
            ended_at=moment,
            worker_id=worker.pk if worker is not None else None,
        )
    with fixed_clock(NOW + SECOND):
        claimed = claim(1, cluster_id=None)[0]
        with connected(events.before_execute, lambda **_: fail_task(claimed, TaskError(kind, "gone"))):
            execute(claimed)
    run(NOW + SECOND)
    return reload(entry)


@pytest.mark.parametrize("recurring", [False, True])
def test_the_third_kill_within_72_hours_holds_the_entry_and_says_why(recurring):
    told = []
    with connected(events.failed_for_good, lambda entry, **_: told.append(entry.pk)):
        entry = crash(earlier=[71 * HOUR, HOUR], recurring=recurring)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.POISON)
    assert "killed their worker process 3 times within 72 hours" in entry.hold_reason
    assert entry.error_message.startswith("The worker process was killed")
    assert entry.system_task_id is None
    assert not ScheduledTask.objects.exists()
    last = rows_of(entry)[-1]
    assert (last.status, last.is_final, last.error_kind) == (LogStatus.ERROR, True, "killed")
    assert told == [entry.pk]


def test_two_kills_or_an_old_third_are_retried():
    assert crash(earlier=[HOUR]).status == Status.READY
    assert crash(earlier=[73 * HOUR, HOUR]).status == Status.READY


@pytest.mark.parametrize("kind", ["exception", "timeout", "lost"])
def test_only_killed_workers_count(kind):
    assert crash(kind, earlier=[2 * HOUR, HOUR]).hold_kind == ""


@pytest.mark.parametrize(("end_reason", "status"), [("died", Status.ON_HOLD), ("stopped", Status.READY)])
def test_workers_that_were_stopped_do_not_count(end_reason, status):
    cluster = Cluster.objects.create(
        host="here", machine="m", pid=1, process_start=1, lease_until=NOW, workers=1
    )
    worker = WorkerSession.objects.create(
        cluster=cluster, host="here", pid=2, process_start=1, ended_at=NOW, end_reason=end_reason
    )
    assert crash(earlier=[2 * HOUR, HOUR], worker=worker).status == status


def test_kills_of_other_entries_do_not_count():
    other = ready_entry(object_id=jobs.SUCCESS, now=NOW + 10 * HOUR)
    for hours in (1, 2, 3):
        make_log_entry(
            other, status=LogStatus.ERROR, due_at=NOW - hours * HOUR, error_kind="killed", ended_at=NOW
        )
    assert crash(earlier=[]).status == Status.READY
    assert LogEntry.objects.filter(error_kind="killed").count() == 4
