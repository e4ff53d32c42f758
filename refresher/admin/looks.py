"""Conditions, actions, passes and runners as people see them: an icon, a word and a colour."""

from django.utils.safestring import SafeString

from jobqueue.admin import badges
from refresher.models import MonitoredJob, RefreshLog, RefreshLogLine, Runner
from refresher.models.runner import FAILURE_LIMIT
from refresher.standing import CONDITION_WORDS, Condition
from refresher.states import ACTION_WORDS, PASS_WORDS, Action, PassState, RefreshStatus

CONDITION_LOOKS = {
    Condition.OK: ("tick", "done"),
    Condition.DRIFTED: ("cross", "late"),
    Condition.MISSING: ("dashed", "error"),
    Condition.STOPPED: ("square", "error"),
    Condition.HELD: ("pause", "held"),
    Condition.LATE: ("clock", "late"),
}
CONDITION_TITLES = {
    Condition.OK: "As expected.",
    Condition.DRIFTED: "The entry differs from what is expected.",
    Condition.MISSING: "The entry does not exist.",
    Condition.STOPPED: "The entry is in Error, finished, held by a program, or has no task.",
    Condition.HELD: "A person holds the entry; no pass touches it.",
    Condition.LATE: "Its start has passed and nothing has taken it yet.",
}
ACTION_LOOKS = {
    Action.LEFT_ALONE: ("dash", "ready"),
    Action.CORRECTED: ("tick", "waiting"),
    Action.RESTARTED: ("clock", "running"),
    Action.RECREATED: ("circle", "running"),
    Action.ADOPTED: ("circle", "running"),
    Action.FAILED: ("square", "error"),
}
PASS_LOOKS = {
    PassState.QUEUED: ("clock", "ready"),
    PassState.RUNNING: ("ring", "running"),
    PassState.DONE: ("tick", "done"),
    PassState.PARTIAL: ("tick", "ready"),
    PassState.FAILED: ("square", "error"),
}


def condition_badge(condition: Condition) -> SafeString:
    drawing, look = CONDITION_LOOKS[condition]
    return badges.badge(
        CONDITION_WORDS[condition], look=look, drawing=drawing, title=CONDITION_TITLES[condition]
    )


def action_badge(action: str) -> SafeString:
    """What a pass did to a job, or would do."""
    drawing, look = ACTION_LOOKS[Action(action)]
    return badges.badge(ACTION_WORDS[Action(action)], look=look, drawing=drawing)


def line_badge(line: RefreshLogLine) -> SafeString:
    return action_badge(line.action)


def pass_badge(log: RefreshLog) -> SafeString:
    state = PassState(log.state)
    drawing, look = PASS_LOOKS[state]
    if state is PassState.DONE and (log.failed or log.registration_errors):
        drawing, look = "cross", "late"
        return badges.badge("Done, with errors", look=look, drawing=drawing)
    return badges.badge(PASS_WORDS[state], look=look, drawing=drawing)


def refresh_badge(job: MonitoredJob) -> SafeString:
    """The last refresh of a job; it is a success too when the entry was left alone on purpose."""
    if job.last_refresh_status == RefreshStatus.ERROR:
        return badges.badge("Error", look="error", drawing="square")
    if job.last_refresh_status == RefreshStatus.SUCCESS:
        return badges.badge("Success", look="done", drawing="tick")
    return badges.badge("Not yet", look="skipped", drawing="dashed", title="No pass has looked at it yet.")


def runner_badge(runner: Runner, *, may_act: bool = True) -> SafeString:
    """The light of a runner; ``may_act``: whether its user holds the permission set and may enter the company."""
    if not runner.is_enabled:
        return badges.badge("Disabled", look="cancelled", drawing="stop")
    if not runner.user.is_active:
        return badges.badge("User disabled", look="error", drawing="stop")
    if runner.is_inactive:
        return badges.badge(
            "Inactive", look="error", drawing="square", title=f"{runner.failed_attempts} failures in a row"
        )
    if not may_act:
        return badges.badge("Not permitted", look="error", drawing="link-off")
    if runner.failed_attempts:
        return badges.badge(
            f"Failing {runner.failed_attempts} of {FAILURE_LIMIT}", look="late", drawing="cross"
        )
    return badges.badge("OK", look="done", drawing="tick")
