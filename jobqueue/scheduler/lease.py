"""Cluster rows: registering, heartbeats, and noticing clusters that no longer beat.

The lease of every task is its cluster's, so one update per heartbeat keeps them all.
"""

import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from jobqueue.conf import settings
from jobqueue.scheduler import rescue, session_events
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.outcome import TaskError
from jobqueue.scheduler.patience import SUPERVISOR_SECONDS, patience
from jobqueue.scheduler.processes import is_running, machine, process_start
from jobqueue.scheduler.session_events import Kind

KINDS = ScheduledTask.ErrorKind


def register_cluster(*, name: str, workers: int, version: str) -> int:
    """Inserts the row of a cluster supervised by this process; returns its id."""
    with patience(SUPERVISOR_SECONDS), transaction.atomic():
        now = database_now()
        cluster = Cluster.objects.create(
            name=name,
            host=socket.gethostname(),
            machine=machine(),
            pid=os.getpid(),
            process_start=process_start(os.getpid()),
            heartbeat_at=now,
            lease_until=now + timedelta(seconds=settings().lease_seconds),
            workers=workers,
            version=version,
        )
        session_events.cluster_event(Kind.START, cluster, at=now)
    return cluster.pk


def mark_draining(cluster_id: int) -> None:
    """Shows that the cluster claims nothing more."""
    Cluster.objects.filter(pk=cluster_id, state=Cluster.State.LIVE).update(state=Cluster.State.DRAINING)


def beat(cluster_ids: Collection[int], *, worker_ids: Collection[int]) -> set[int]:
    """Renews the leases of this process's clusters; returns those that are still theirs.

    One that is missing was declared lost meanwhile: its tasks belong to others now.
    """
    now = database_now()
    ours = Cluster.objects.filter(pk__in=cluster_ids, state__in=rescue.OPEN_STATES)
    ours.update(heartbeat_at=now, lease_until=now + timedelta(seconds=settings().lease_seconds))
    WorkerSession.objects.filter(pk__in=worker_ids).update(seen_at=now)
    return set(ours.values_list("pk", flat=True))


class LossWatch:
    """Declares clusters lost: an expired lease, or a supervisor of this machine whose process is gone.

    After an outage of the database every lease may have run out. So nobody is declared dead by lease before this
    watcher's own heartbeats have succeeded for a full heartbeat period again: the living have renewed theirs by then.
    """

    def __init__(self) -> None:
        self._steady_since: float | None = None

    def database_failed(self) -> None:
        """A statement failed: leases prove nothing for a while."""
        self._steady_since = None

    def look(self, *, except_clusters: Collection[int]) -> list[int]:
        """Ends lost clusters and settles orphaned tasks; returns the ids of the clusters declared lost."""
        now = time.monotonic()
        if self._steady_since is None:
            self._steady_since = now
        trust_leases = now - self._steady_since > settings().heartbeat_seconds
        lost = [
            cluster
            for cluster in Cluster.objects.filter(state__in=rescue.OPEN_STATES).exclude(
                pk__in=except_clusters
            )
            if _supervisor_gone(cluster) or (trust_leases and cluster.lease_until < database_now())
        ]
        for cluster in lost:
            self._end(cluster)
        rescue.settle_orphans()
        return [cluster.pk for cluster in lost]

    def _end(self, cluster: Cluster) -> None:
        # Guarded by the lease we saw: a cluster that renews it in this moment lives on.
        now = database_now()
        end = _how_it_ended(cluster)
        with transaction.atomic():
            moved = Cluster.objects.filter(
                pk=cluster.pk, state__in=rescue.OPEN_STATES, lease_until=cluster.lease_until
            ).update(state=end.state, ended_at=now, end_reason=end.reason)
            if moved:
                session_events.cluster_event(end.event, cluster, at=now, comment=end.error.message)
        if moved:
            rescue.end_cluster(cluster.pk, state=end.state, reason=end.reason, error=end.error)


@dataclass(frozen=True, slots=True)
class _End:
    """How a cluster ended that cannot say so itself, and the error of what it ran."""

    state: str
    reason: str
    event: Kind
    error: TaskError


def _how_it_ended(cluster: Cluster) -> _End:
    """What is known: on this machine whether the supervisor's process is there, of another one only its silence."""
    silent_since = f"{cluster.heartbeat_at:%H:%M:%S} UTC"
    supervisor = f"The worker's supervisor (process {cluster.pid} on {cluster.host})"
    if _supervisor_gone(cluster):
        message = f"{supervisor} ended unexpectedly, and its worker processes were stopped with it."
        error = TaskError(KINDS.KILLED.value, message)
        return _End(Cluster.State.ENDED, "its supervisor ended unexpectedly", Kind.KILLED, error)
    if cluster.machine == machine():
        message = f"{supervisor} is there but has given no sign of life since {silent_since}."
    else:
        message = f"The worker's host {cluster.host} was lost: no heartbeat since {silent_since}."
    return _End(Cluster.State.LOST, "no heartbeat", Kind.LOST, TaskError(KINDS.LOST.value, message))


def _supervisor_gone(cluster: Cluster) -> bool:
    return cluster.machine == machine() and not is_running(cluster.pid, cluster.process_start)
