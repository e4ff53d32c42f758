"""The doctor: checks an installation from database to mail, and says for each finding what to do about it."""

from jobqueue.doctor import clock, copies, credentials, database, engine, leftovers, mail, work
from jobqueue.doctor.registry import Result, State, check, examine, failure, ok, summary, warning, worst

__all__ = [
    "Result",
    "State",
    "check",
    "clock",
    "copies",
    "credentials",
    "database",
    "engine",
    "examine",
    "failure",
    "leftovers",
    "mail",
    "ok",
    "summary",
    "warning",
    "work",
    "worst",
]
