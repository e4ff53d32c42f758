"""Changing and deleting monitored jobs, and who looks after them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from refresher.models import MonitoredJob, Runner


def change_monitored_job(
    job: MonitoredJob, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> MonitoredJob:
    """Changes the template; the entry follows at the next pass.

    Fields as for ``create_from_scratch``. A protected job that is not customisable keeps all but its description,
    category, priority, first run, expiration, auto-reschedule and heartbeat URL. Raises ``Invalid``, ``LockedField``.
    """
    raise NotImplementedError


def delete_monitored_job(job: MonitoredJob, *, actor: Actor) -> None:
    """Deletes the monitored job and the flag; the entry keeps running unmonitored. Protected jobs reappear."""
    raise NotImplementedError


def assign_runner(job: MonitoredJob, runner: Runner | None, *, actor: Actor) -> MonitoredJob:
    """Assigns the runner, or with None the default one; ``NotOperational`` says everything against a runner."""
    raise NotImplementedError
