"""Strangers: routines this code does not know, because another version of the code created their tasks.

While two versions work on one database, one of them may not know what the other registers. Such a task is no failure:
it is given back at once, for a cluster that knows it, and this claimant leaves tasks of that routine alone from then on
(what its code registers does not change while it lives, so there is nothing to try again).
"""

import logging
import os
from collections.abc import Iterable

from jobqueue.scheduler import session_events
from jobqueue.scheduler.code_version import code_version
from jobqueue.scheduler.routines import is_registered
from jobqueue.scheduler.sql import TASK_TABLE, fetch, wake_clusters
from jobqueue.scheduler.tasks import ClaimedTask

logger = logging.getLogger("jobqueue.scheduler")


class Strangers:
    """The routines one claimant has met and does not know."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The routines to leave alone."""
        return frozenset(name for name in self._names if not is_registered(name))

    def sort_out(self, claims: Iterable[ClaimedTask], *, cluster_id: int | None) -> list[ClaimedTask]:
        """The claims this code can execute; the others are given back, and the first of a routine is reported."""
        known = []
        for claim in claims:
            if is_registered(claim.routine):
                known.append(claim)
                continue
            is_new = claim.routine not in self._names
            self._names.add(claim.routine)
            give_back(claim)
            if is_new:
                _report(claim, cluster_id=cluster_id)
        return known


def give_back(claim: ClaimedTask) -> None:
    """Frees a claimed task that was not started, for whoever knows its routine; a stale claim changes nothing."""
    given_back = fetch(
        f"UPDATE {TASK_TABLE} SET state = 0, claim_number = claim_number + 1, cluster_id = NULL, claimed_at = NULL"
        " WHERE id = %(task_id)s AND claim_number = %(claim_number)s AND state = 1 RETURNING id",
        claim.parameters(),
    )
    if given_back:
        wake_clusters()


def advice(name: str) -> str:
    """What a person can do about a routine that this code does not know."""
    return (
        f"Start a worker whose code registers “{name}” (the newer version, or one with the app that brings it), "
        "or delete the entry that needs it."
    )


def _report(claim: ClaimedTask, *, cluster_id: int | None) -> None:
    comment = (
        f"The routine “{claim.routine}” is not known to this worker's code (version {code_version()}). "
        f"Its tasks are left to workers that know it. {advice(claim.routine)}"
    )
    logger.warning("Task %s was given back. %s", claim.id, comment)
    session_events.unknown_routine(claim, cluster_id=cluster_id, pid=os.getpid(), comment=comment)
