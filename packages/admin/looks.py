"""Statuses, outcomes and results of packages as people see them: an icon, a word and a colour."""

from django.utils.safestring import SafeString

from jobqueue.admin import badges
from packages.models import Package, Run, RunLine
from packages.states import Outcome, PackageStatus, Result

STATUS_LOOKS = {
    PackageStatus.ON_HOLD: ("pause", "held"),
    PackageStatus.ACTIVE: ("clock", "done"),
    PackageStatus.ERROR: ("square", "error"),
    PackageStatus.FINISHED: ("tick", "ready"),
}
OUTCOME_LOOKS = {
    Outcome.SUCCESS: ("tick", "done"),
    Outcome.WITH_ERRORS: ("cross", "late"),
    Outcome.ERROR: ("square", "error"),
    Outcome.STOPPED: ("stop", "cancelled"),
    Outcome.MISSED: ("dashed", "skipped"),
    Outcome.SKIPPED: ("dashed", "skipped"),
}
RESULT_LOOKS = {
    Result.PENDING: ("circle", "ready"),
    Result.WAITING: ("hourglass", "waiting"),
    Result.IN_PROCESS: ("ring", "running"),
    Result.SUCCESS: ("tick", "done"),
    Result.ERROR: ("square", "error"),
    Result.INTERRUPTED: ("link-off", "error"),
    Result.SKIPPED: ("dashed", "skipped"),
    Result.NOT_RUN: ("dashed", "skipped"),
    Result.DISABLED: ("dash", "ready"),
    Result.LEFT_OUT: ("dash", "ready"),
    Result.TAKEN_OVER: ("tick", "ready"),
}


def status_badge(package: Package, *, is_running: bool) -> SafeString:
    """The status; while a run is open it says so, which is a display and not a status of its own."""
    status = PackageStatus(package.status)
    if is_running:
        return badges.badge(f"{status.label} – running", look="running", drawing="ring")
    drawing, look = STATUS_LOOKS[status]
    return badges.badge(status.label, look=look, drawing=drawing)


def outcome_badge(outcome: str, *, is_open: bool = False) -> SafeString:
    """The verdict of a run; one that goes on has none yet."""
    if is_open or not outcome:
        return badges.badge("Running", look="running", drawing="ring")
    drawing, look = OUTCOME_LOOKS[Outcome(outcome)]
    return badges.badge(Outcome(outcome).label, look=look, drawing=drawing)


def run_badge(run: Run) -> SafeString:
    return outcome_badge(run.outcome, is_open=run.is_open)


def result_badge(line: RunLine) -> SafeString:
    """What happened to a line in a run."""
    drawing, look = RESULT_LOOKS[Result(line.result)]
    return badges.badge(Result(line.result).label, look=look, drawing=drawing)
