"""The refresh pass: registration phase, then restore phase, one transaction per job.

Source: *Refresher reference, The refresh pass*.
"""

from refresher.passing.refresh import refresh_as_runner, refresh_in_login_mode, refresh_job_now
from refresher.passing.requests import Requested, refresh_now
from refresher.passing.simulating import simulate_pass

__all__ = [
    "Requested",
    "refresh_as_runner",
    "refresh_in_login_mode",
    "refresh_job_now",
    "refresh_now",
    "simulate_pass",
]
