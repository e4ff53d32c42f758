"""Rows of the job queue, one topic a module.

Verbs live in ``jobqueue.lifecycle``, sets of rows in ``jobqueue.querysets``.
"""

from jobqueue.models.api_token import ApiToken
from jobqueue.models.category import Category
from jobqueue.models.company import Company, CompanyMember
from jobqueue.models.credential import Credential
from jobqueue.models.entry import Entry
from jobqueue.models.history import EntryChange
from jobqueue.models.idempotency import IdempotencyKey
from jobqueue.models.log import LogEntry, LogLine
from jobqueue.models.messages import ErrorMessage, ErrorMessageRegister
from jobqueue.models.report import ReportDocument
from jobqueue.scheduler.installation import Installation
from jobqueue.scheduler.models import Cluster, ScheduledTask, WorkerSession
from jobqueue.scheduler.session_events import SessionEvent

__all__ = [
    "ApiToken",
    "Category",
    "Cluster",
    "Company",
    "CompanyMember",
    "Credential",
    "Entry",
    "EntryChange",
    "ErrorMessage",
    "ErrorMessageRegister",
    "IdempotencyKey",
    "Installation",
    "LogEntry",
    "LogLine",
    "ReportDocument",
    "ScheduledTask",
    "SessionEvent",
    "WorkerSession",
]
