"""The refresh pass: registration phase, then restore phase, one transaction per job.

Source: *Refresher reference, The refresh pass*.
"""

from refresher.passing.refresh import refresh_as_runner, refresh_in_login_mode, simulate_pass
from refresher.passing.requests import refresh_now
from refresher.passing.results import Changes, Outcome, PassResult, Registered

__all__ = [
    "Changes",
    "Outcome",
    "PassResult",
    "Registered",
    "refresh_as_runner",
    "refresh_in_login_mode",
    "refresh_now",
    "simulate_pass",
]
