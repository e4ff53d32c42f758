"""What a supervisor does in the database for tasks whose worker or cluster no longer stands behind them.

Every step is fenced by the claim number, so a step that comes late or twice changes nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from jobqueue.conf import settings
from jobqueue.scheduler import session_events
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.models import CLAIMED, RUNNING, Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.outcome import Outcome, TaskError, record_failure
from jobqueue.scheduler.session_events import Kind
from jobqueue.scheduler.sql import TASK_TABLE, wake_clusters
from jobqueue.scheduler.values import db_moment

OPEN_STATES = (Cluster.State.LIVE, Cluster.State.DRAINING)
INLINE_CLAIM_SECONDS = 60
"""A task claimed inline and not started after this time: its process is gone."""

HeldSessions = list[tuple[UUID, int, int | None, int | None]]
"""Task, claim number, worker and session number of running tasks."""

LOST = ScheduledTask.ErrorKind.LOST.value


@dataclass(frozen=True, slots=True)
class RequestedCancel:
    """A running session somebody wants ended."""

    worker_id: int
    session_number: int


def give_back_claims(cluster_id: int, *, older_than_seconds: float = 0) -> int:
    """Frees what a cluster has claimed and not started for that long, unconditionally; returns how many.

    Whether their messages still exist does not matter: a message of an old claim does nothing.
    """
    before = database_now() - timedelta(seconds=older_than_seconds)
    waiting = ScheduledTask.objects.filter(
        state__gt=0, state=CLAIMED, cluster_id=cluster_id, claimed_at__lte=before
    )
    if not waiting.exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {TASK_TABLE} SET state = 0, claim_number = claim_number + 1, cluster_id = NULL, claimed_at = NULL
                 WHERE state > 0 AND state = 1 AND cluster_id = %s AND claimed_at <= %s""",
            [cluster_id, db_moment(before)],
        )
        given_back = cursor.rowcount
    if given_back:
        wake_clusters()
    return given_back


def fail_worker_tasks(
    worker_id: int, *, error: TaskError, session: int = 0, session_error: TaskError | None = None
) -> int:
    """Sends the running tasks of a dead worker down the failure path; returns how many.

    ``session_error`` is the error of the one session the supervisor itself has killed, ``error`` of any other.
    """
    rows = ScheduledTask.objects.filter(state__gt=0, state=RUNNING, worker_id=worker_id).values_list(
        "pk", "claim_number", "session_number"
    )
    return _fail(
        (key, number, session_error if session_error is not None and at == session else error)
        for key, number, at in rows
    )


def end_worker(worker_id: int, *, reason: str, comment: str = "") -> None:
    """Closes a worker's row; ``comment`` is the error, if it did not end in order."""
    _close_workers(WorkerSession.objects.filter(pk=worker_id), reason=reason, comment=comment)


def end_cluster(
    cluster_id: int, *, state: str, reason: str, error: TaskError, event: Kind = Kind.STOP, comment: str = ""
) -> None:
    """Settles everything a cluster whose processes are gone still holds, and closes its rows.

    ``event`` and ``comment`` tell the session events how it ended. Its workers are closed first: what their runs
    failed of must be known to whoever handles the failures, which may be another host within a moment.
    """
    _close_workers(WorkerSession.objects.filter(cluster_id=cluster_id), reason=reason, comment=comment)
    _settle_held(ScheduledTask.objects.filter(state__gt=0, cluster_id=cluster_id), error)
    now = database_now()
    with transaction.atomic():
        closed = Cluster.objects.filter(pk=cluster_id, state__in=OPEN_STATES).update(
            state=state, ended_at=now, end_reason=reason[:250]
        )
        if closed:
            cluster = Cluster.objects.get(pk=cluster_id)
            session_events.cluster_event(event, cluster, at=now, comment=comment)


def _close_workers(workers: QuerySet[WorkerSession], *, reason: str, comment: str) -> None:
    """Closes the open rows among these, each with its Logoff."""
    with transaction.atomic():
        now = database_now()
        leaving = list(workers.filter(ended_at=None).select_for_update())
        if leaving:
            workers.filter(pk__in=[worker.pk for worker in leaving]).update(
                ended_at=now, end_reason=reason[:250]
            )
            session_events.worker_events(Kind.LOGOFF, leaving, at=now, comment=comment)


def fail_abandoned_sessions(
    cluster_id: int, *, current: Iterable[tuple[int, int]], read_before: HeldSessions
) -> int:
    """Fails tasks marked running in sessions that are over: their end was never recorded.

    ``read_before`` was read from the database *before* ``current``, the (worker, session) pairs executing by the
    board: a session in the first and not in the second has ended, and had its end been recorded, the fence would hold.
    """
    alive = set(current)
    error = TaskError(LOST, "The session ended without reporting a result.")
    return _fail(
        (key, number, error)
        for key, number, worker_id, session in read_before
        if (worker_id, session) not in alive
    )


def running_sessions(cluster_id: int) -> HeldSessions:
    """Task, claim number, worker and session number of what a cluster is said to run."""
    return list(
        ScheduledTask.objects.filter(state__gt=0, state=RUNNING, cluster_id=cluster_id).values_list(
            "pk", "claim_number", "worker_id", "session_number"
        )
    )


def requested_cancels(cluster_ids: Collection[int]) -> list[RequestedCancel]:
    """Sessions of these clusters that are to be cancelled."""
    rows = ScheduledTask.objects.filter(
        state__gt=0,
        state=RUNNING,
        error_kind="",
        cluster_id__in=cluster_ids,
        cancel_requested_at__isnull=False,
    )
    sessions = rows.values_list("worker_id", "session_number")
    return [RequestedCancel(worker, number) for worker, number in sessions if worker and number]


def settle_orphans() -> int:
    """Settles what nobody stands behind: tasks held by clusters that are ended or lost, and by inline runs long over.

    Also what a cluster claimed after it had been declared lost. Returns how many tasks were settled.
    """
    now = database_now()
    closed = ~Q(cluster__state__in=OPEN_STATES)
    held = ScheduledTask.objects.filter(state__gt=0)
    orphans = held.filter(closed, cluster__isnull=False)
    settled = _settle_held(orphans, TaskError(LOST, "The worker's cluster was lost."))
    inline = held.filter(cluster=None, claimed_at__lt=now - timedelta(seconds=INLINE_CLAIM_SECONDS))
    grace = settings().hard_kill_grace_seconds
    over = [
        task.pk
        for task in inline
        if task.state == CLAIMED
        or (task.started_at or now) + timedelta(seconds=task.timeout_seconds + grace) < now
    ]
    return settled + _settle_held(
        inline.filter(pk__in=over), TaskError(LOST, "The inline run ended without a result.")
    )


def _settle_held(held, error: TaskError) -> int:
    return _fail((key, number, error) for key, number in held.values_list("pk", "claim_number"))


def _fail(rows: Iterable[tuple[UUID, int, TaskError]]) -> int:
    return sum(record_failure(key, number, error) is not Outcome.STALE for key, number, error in list(rows))
