"""Job objects: what entries run. Write yours in an installed app's ``jobs.py`` with the names exported here."""

from jobqueue.objects import registry
from jobqueue.objects.decorators import codeunit, report
from jobqueue.objects.documents import Document
from jobqueue.objects.entry_view import EntryView
from jobqueue.objects.errors import BadJobObject, CollectedErrors, RunFailure, RunMessage
from jobqueue.objects.failures import failure_routine
from jobqueue.objects.job_object import JobObject
from jobqueue.objects.rehearsal import make_run, rehearse
from jobqueue.objects.run import Run
from jobqueue.objects.sink import MemorySink, RunSink
from jobqueue.objects.tables import Column, Table
from jobqueue.states import OutputType

__all__ = [
    "BadJobObject",
    "CollectedErrors",
    "Column",
    "Document",
    "EntryView",
    "JobObject",
    "MemorySink",
    "OutputType",
    "Run",
    "RunFailure",
    "RunMessage",
    "RunSink",
    "Table",
    "codeunit",
    "failure_routine",
    "make_run",
    "registry",
    "rehearse",
    "report",
]
