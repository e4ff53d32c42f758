"""Passes: as a runner, in login mode, or only simulated."""

from datetime import datetime

from jobqueue.actors import Actor
from jobqueue.models import Company
from refresher.models import Runner
from refresher.passing.results import PassResult
from refresher.states import Trigger


def refresh_as_runner(
    company: Company, *, actor: Actor, trigger: Trigger = Trigger.WORKER, now: datetime | None = None
) -> PassResult:
    """One pass under the identity of ``actor.user``, who must be an operational runner: the worker's call.

    With the external refresher or *Enabled* off, nothing is touched and ``state`` is None: a normal answer, no error.
    Raises ``NotAllowed`` for a user who is no runner, ``NotOperational``, ``PassFailed`` when the default job time
    zone is missing or the copy guard holds the database. A failing job never stops the others.
    """
    raise NotImplementedError


def refresh_in_login_mode(
    company: Company, *, actor: Actor, trigger: Trigger = Trigger.SIGN_IN, now: datetime | None = None
) -> PassResult:
    """One pass over all monitored jobs of the company; running users stay as they are."""
    raise NotImplementedError


def simulate_pass(
    company: Company, *, actor: Actor, runner: Runner | None = None, now: datetime | None = None
) -> list[PassResult]:
    """What a pass would do now, as outcomes with their differences; nothing is written.

    In external mode one result per runner with jobs (or for ``runner`` alone), and one without a runner for jobs
    nobody serves; in login mode one result.
    """
    raise NotImplementedError
