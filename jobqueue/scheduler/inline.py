"""Running due tasks in the present process, without django-q2, through the same claim and execution."""

import itertools
from dataclasses import replace
from datetime import datetime

from jobqueue.scheduler.claim import claim
from jobqueue.scheduler.clock import fixed_clock
from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.strangers import Strangers

_session_numbers = itertools.count(1)

ENDLESS = 10_000


def run_due_tasks(*, now: datetime | None = None, limit: int | None = None, until_idle: bool = False) -> int:
    """Claims and executes due tasks here, one after the other; returns how many were executed.

    ``now`` (aware) stops the clock for claim and routines. One pass takes the tasks due at its beginning;
    ``until_idle`` goes on with those they made due, up to 10,000 unless ``limit`` says otherwise.
    """
    executed = 0
    strangers = Strangers()
    limit = ENDLESS if limit is None else limit
    with fixed_clock(now):
        while executed < limit:
            wanted = limit - executed if not until_idle else 1
            found = claim(wanted, cluster_id=None, strangers=strangers.names)
            claims = strangers.sort_out(found, cluster_id=None)
            for claimed in claims:
                execute(replace(claimed, session_number=next(_session_numbers)))
            executed += len(claims)
            if not found or not until_idle:
                break
    return executed
