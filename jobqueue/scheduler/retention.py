"""Retention of the rows of clusters and workers that have ended."""

from datetime import datetime

from django.db import connection, transaction

from jobqueue.scheduler.models import Cluster, WorkerSession
from jobqueue.scheduler.values import db_moment

BATCH = 500

CLUSTER_TABLE = Cluster._meta.db_table
WORKER_TABLE = WorkerSession._meta.db_table

# A worker whose own end was never recorded ended with its cluster at the latest.
_WORKERS = f"""
DELETE FROM {WORKER_TABLE} WHERE id IN (
    SELECT w.id FROM {WORKER_TABLE} w JOIN {CLUSTER_TABLE} c ON c.id = w.cluster_id
     WHERE COALESCE(w.ended_at, c.ended_at) < %s ORDER BY w.id LIMIT %s)"""

_CLUSTERS = f"""
DELETE FROM {CLUSTER_TABLE} WHERE id IN (
    SELECT c.id FROM {CLUSTER_TABLE} c
     WHERE c.ended_at < %s AND NOT EXISTS (SELECT 1 FROM {WORKER_TABLE} w WHERE w.cluster_id = c.id)
     ORDER BY c.id LIMIT %s)"""


def purge_ended(*, before: datetime) -> int:
    """Deletes worker sessions and clusters that ended before that moment; returns how many rows.

    In small batches, each a transaction of its own, and in plain SQL: tasks, events and the ledger keep their numbers
    without being looked through for them.
    """
    return sum(_in_batches(statement, before=before) for statement in (_WORKERS, _CLUSTERS))


def _in_batches(statement: str, *, before: datetime) -> int:
    deleted = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [db_moment(before), BATCH])
            found = cursor.rowcount
        deleted += found
        if found < BATCH:
            return deleted
