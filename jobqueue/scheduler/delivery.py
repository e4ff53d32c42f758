"""The message that carries claims through django-q2's queue, and what a worker does with it."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from jobqueue.scheduler.execute import execute
from jobqueue.scheduler.line import Line
from jobqueue.scheduler.session import Slot
from jobqueue.scheduler.sql import plan_anew
from jobqueue.scheduler.tasks import ClaimedTask
from jobqueue.scheduler.worker import worker

MOST_TOGETHER = 16
SHORT_SECONDS = 0.025
TOGETHER_SECONDS = 0.1
"""Claims travel together only while tasks are shorter than the first, and for no longer than the second: far less than
the time after which a waiting claim is given back."""

Carried = tuple[str, int, str, bool, int]


def run_message(*carried: Carried) -> None:
    """Executes the delivered claims in this worker process, each as its next session."""
    plan_anew()
    execute_in_turn([_claim(one, place) for place, one in enumerate(carried, start=1)], slot=worker)


def execute_in_turn(claims: Sequence[ClaimedTask], *, slot: Slot) -> None:
    """Executes claims one after the other, until this process is to stop."""
    line = Line(claims, slot=slot)
    line.prepare()
    while (claim := line.pop()) is not None:
        slot.open_session(claim.session_number)
        execute(claim, slot=slot)


def message(*claims: ClaimedTask) -> dict[str, Any]:
    """The django-q2 task of some claims: no result is stored, nothing acknowledged, and its timer stays off.

    Timeout -1 because django-q2's alarm and our time limit would share the process's one timer.
    """
    return {
        "id": claims[0].id.hex,
        "name": claims[0].routine,
        "func": run_message,
        "args": tuple(
            (claim.id.hex, claim.claim_number, claim.routine, claim.is_failure, claim.timeout_seconds)
            for claim in claims
        ),
        "kwargs": {},
        "timeout": -1,
        "save": False,
        "ack_failure": True,
    }


def together(
    claims: Sequence[ClaimedTask], *, workers: int, pace_seconds: float
) -> Iterator[Sequence[ClaimedTask]]:
    """Divides claims into messages: evenly among the workers while tasks are short, else one each.

    ``pace_seconds`` is the recent average duration of a task, 0 if unknown.
    """
    size = 1
    if 0 < pace_seconds < SHORT_SECONDS:
        even = -(-len(claims) // max(1, workers))
        size = max(1, min(MOST_TOGETHER, even, int(TOGETHER_SECONDS / pace_seconds)))
    return (claims[first : first + size] for first in range(0, len(claims), size))


def _claim(carried: Carried, place: int) -> ClaimedTask:
    task_id, claim_number, routine, is_failure, timeout_seconds = carried
    return ClaimedTask(
        id=UUID(task_id),
        claim_number=claim_number,
        routine=routine,
        is_failure=is_failure,
        timeout_seconds=timeout_seconds,
        worker_id=worker.worker_id,
        session_number=worker.session_number + place,
    )
