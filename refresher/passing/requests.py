"""*Refresh Now*: the same pass per runner, in the background."""

from dataclasses import dataclass, field
from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.models import Company
from refresher.models import RefreshLog


@dataclass(frozen=True, slots=True)
class Requested:
    """What Refresh Now queued: a log row per pass, and sentences about what stays unserved."""

    queued: list[RefreshLog]
    unserved: list[str] = field(default_factory=list)


def refresh_now(company: Company, *, actor: Actor, now: datetime | None = None) -> Requested:
    """Queues the pass of every operational runner that has jobs, or the one pass of login mode.

    For everybody who may operate entries. Refused within 60 seconds of enabling the external refresher, and when
    *Enabled* is off. A pass that waits already is not queued twice.
    """
    raise NotImplementedError
