"""Status values, modes and outcomes of packages and their runs, with the words people see.

Source: *Packages reference, Status and run are two separate things*, *On Error modes* and *Log*.
"""

from django.db import models

OWNER_KIND = "package"
"""``Entry.owner_kind`` of package-owned entries; ``Entry.owner_reference`` is the package's name."""

LIST_OWNER_KIND = "package"
"""Owner kind of a package's private notification list; the reference is the package's ``uuid``."""


class PackageStatus(models.TextChoices):
    """Whether the schedule is on. A run being open is another matter."""

    ON_HOLD = "on_hold", "On Hold"
    ACTIVE = "active", "Active"
    ERROR = "error", "Error"
    FINISHED = "finished", "Finished"


class OnError(models.TextChoices):
    """What a line that failed for good does to the rest of the run and to the package."""

    STOP = "stop", "Stop"
    FINISH = "finish", "Finish Run, then Stop"
    CONTINUE = "continue", "Continue"


STOPS_THE_PACKAGE = frozenset({OnError.STOP, OnError.FINISH})


class MissedRun(models.TextChoices):
    """What becomes of due times that could not start in time."""

    RUN_LATE = "run_late", "Run Late"
    SKIP = "skip", "Skip"


class Trigger(models.TextChoices):
    """Why a run came to be."""

    SCHEDULED = "scheduled", "Scheduled"
    LATE = "late", "Late"
    MANUAL = "manual", "Manual"


class Outcome(models.TextChoices):
    """The verdict of a run; empty while it is open."""

    SUCCESS = "success", "Success"
    WITH_ERRORS = "with_errors", "Completed with Errors"
    ERROR = "error", "Error"
    STOPPED = "stopped", "Stopped"
    MISSED = "missed", "Missed"
    SKIPPED = "skipped", "Skipped"


RECORDS_ONLY = frozenset({Outcome.MISSED, Outcome.SKIPPED})
"""Outcomes of rows that stand for due times without a run; they touch neither Last Run nor Last Outcome."""

RESUMABLE = frozenset({Outcome.ERROR, Outcome.STOPPED})


class Result(models.TextChoices):
    """What happened to one line in one run."""

    PENDING = "pending", "Pending"
    WAITING = "waiting", "Waiting"
    IN_PROCESS = "in_process", "In Process"
    SUCCESS = "success", "Success"
    ERROR = "error", "Error"
    INTERRUPTED = "interrupted", "Interrupted"
    SKIPPED = "skipped", "Skipped"
    NOT_RUN = "not_run", "Not Run"
    DISABLED = "disabled", "Disabled"
    LEFT_OUT = "left_out", "Left Out"
    TAKEN_OVER = "taken_over", "Taken Over"


FAILED = frozenset({Result.ERROR, Result.INTERRUPTED})
GOING = frozenset({Result.WAITING, Result.IN_PROCESS})
SUCCEEDED = frozenset({Result.SUCCESS, Result.TAKEN_OVER})
NOT_EXECUTED = frozenset({Result.SKIPPED, Result.NOT_RUN})
COUNTS_FOR_NOTHING = frozenset({Result.DISABLED, Result.LEFT_OUT})
