"""The message that carries a claim through django-q2's queue, and what a worker does with it."""

from typing import Any
from uuid import UUID

from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.sql import plan_anew
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.worker import worker


def run_message(
    task_id: str, claim_number: int, routine: str, is_failure: bool, timeout_seconds: int
) -> None:
    """Executes a delivered claim in this worker process, as its next session."""
    claim = ClaimedTask(
        id=UUID(task_id),
        claim_number=claim_number,
        routine=routine,
        is_failure=is_failure,
        timeout_seconds=timeout_seconds,
        worker_id=worker.worker_id,
        session_number=worker.session_number,
    )
    plan_anew()
    execute(claim, slot=worker)


def message(claim: ClaimedTask) -> dict[str, Any]:
    """The django-q2 task of a claim: no result is stored, nothing acknowledged, and its timer stays off.

    Timeout -1 because django-q2's alarm and our time limit would share the process's one timer.
    """
    task_id = claim.id.hex
    return {
        "id": task_id,
        "name": claim.routine,
        "func": run_message,
        "args": (task_id, claim.claim_number, claim.routine, claim.is_failure, claim.timeout_seconds),
        "kwargs": {},
        "timeout": -1,
        "save": False,
        "ack_failure": True,
    }
