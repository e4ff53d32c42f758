"""Rows of the refresher, one topic a module."""

from refresher.models.log import RefreshLog, RefreshLogLine
from refresher.models.monitored_job import ManagedByApp, MonitoredJob
from refresher.models.runner import Runner
from refresher.models.setup import RefreshSetup

__all__ = [
    "ManagedByApp",
    "MonitoredJob",
    "RefreshLog",
    "RefreshLogLine",
    "RefreshSetup",
    "Runner",
]
