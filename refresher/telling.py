"""Telling people: failed refreshes, runners that fail, and a company nobody refreshes."""

from collections.abc import Sequence

from refresher.models import RefreshLog
from refresher.results import Outcome


def pass_failed(log: RefreshLog) -> None:
    """A whole pass failed before any job was touched."""


def jobs_failed(log: RefreshLog, outcomes: Sequence[Outcome]) -> None:
    """These jobs could not be refreshed, and could at the pass before."""
