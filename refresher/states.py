"""The words of the refresher: what triggered a pass, what it did to a job, and why."""

import enum


class Trigger(enum.StrEnum):
    """What a pass was started by."""

    SIGN_IN = "sign_in"
    WORKER = "worker"
    REFRESH_NOW = "refresh_now"
    COMMAND = "command"


class PassState(enum.StrEnum):
    """How far a pass is. *Failed*: before any job was touched. *Partial*: for one job alone."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"


class RefreshStatus(enum.StrEnum):
    """Outcome of the last refresh of a monitored job; empty before the first one.

    *Success* means the refresh completed, also when it left the entry alone on purpose.
    """

    NONE = ""
    SUCCESS = "success"
    ERROR = "error"


class Action(enum.StrEnum):
    """What a pass did, or would do, to the entry of a monitored job."""

    LEFT_ALONE = "left_alone"
    CORRECTED = "corrected"
    RESTARTED = "restarted"
    RECREATED = "recreated"
    ADOPTED = "adopted"
    FAILED = "failed"


class Why(enum.StrEnum):
    """The reason of an action, stable for programs; the sentence beside it is for people."""

    # left alone
    SCHEDULED = "scheduled"
    DUE = "due"
    RUNNING = "running"
    LOST_RUN = "lost_run"
    RETRY = "retry"
    RESCHEDULED = "rescheduled"
    WAITING = "waiting"
    SLEEPING = "sleeping"
    MANUAL_HOLD = "manual_hold"
    DRAFT_HOLD = "draft_hold"
    POISON_HOLD = "poison_hold"
    COPY_HOLD = "copy_hold"
    OWNER_HOLD = "owner_hold"
    TIMED_HOLD = "timed_hold"
    RUNNING_UNDER_HOLD = "running_under_hold"
    EXPIRED = "expired"
    OWNED = "owned"
    HANDLED = "handled"
    BUSY = "busy"
    UNSERVED = "unserved"
    # restarted, corrected, recreated
    IN_ERROR = "in_error"
    PROGRAM_HOLD = "program_hold"
    FINISHED = "finished"
    LOST_TASK = "lost_task"
    MOVED = "moved"
    CHANGED = "changed"
    OTHER_USER = "other_user"
    MISSING = "missing"
    # failed
    RECREATION_OFF = "recreation_off"
    OTHER_OBJECT = "other_object"
    NOT_PERMITTED = "not_permitted"
    INVALID = "invalid"
    REFUSED = "refused"
    BROKEN = "broken"


ACTION_WORDS = {
    Action.LEFT_ALONE: "Left alone",
    Action.CORRECTED: "Corrected",
    Action.RESTARTED: "Restarted",
    Action.RECREATED: "Recreated",
    Action.ADOPTED: "Adopted",
    Action.FAILED: "Failed",
}
TRIGGER_WORDS = {
    Trigger.SIGN_IN: "Sign-in",
    Trigger.WORKER: "Outside worker",
    Trigger.REFRESH_NOW: "Refresh Now",
    Trigger.COMMAND: "Command line",
}
PASS_WORDS = {
    PassState.QUEUED: "Queued",
    PassState.RUNNING: "Running",
    PassState.DONE: "Done",
    PassState.PARTIAL: "One job",
    PassState.FAILED: "Failed",
}
