"""Rows of the refresher, one topic a module."""

from refresher.entra.models import EntraApplication, EntraTenant
from refresher.models.ending import CredentialWarning
from refresher.models.log import RefreshLog, RefreshLogLine
from refresher.models.monitored_job import ManagedByApp, MonitoredJob
from refresher.models.runner import Runner
from refresher.models.setup import RefreshSetup

__all__ = [
    "CredentialWarning",
    "EntraApplication",
    "EntraTenant",
    "ManagedByApp",
    "MonitoredJob",
    "RefreshLog",
    "RefreshLogLine",
    "RefreshSetup",
    "Runner",
]
