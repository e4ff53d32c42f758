"""Job objects of the fault suite. Each writes down when its body began, that it is alive, and when it ended."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from chaos.models import Effect
from chaos.notes import note
from jobqueue.objects import Run, codeunit

WORK = 91001
FAIL_ONCE = 91002
FAIL = 91003
ATOMIC = 91004
CRASH = 91005
NOTHING = 91006
STEP = 0.02


class Refused(Exception):
    """The error of a job that fails."""


@dataclass(frozen=True)
class WorkFor:
    seconds: Decimal = field(
        default=Decimal("0.03"), metadata={"label": "Seconds", "help": "How long it works."}
    )


@contextmanager
def noted(run: Run) -> Iterator[None]:
    """Notes the beginning and the end of a body."""
    facts = {
        "entry": run.entry.id.hex,
        "due": run.entry.due_at.isoformat(),
        "attempt": run.entry.attempt,
        "category": run.entry.category_code,
        "label": run.entry.description,
        "company": run.entry.company_id.hex,
    }
    note("start", **facts)
    try:
        yield
    finally:
        note("end", **facts)


def work_for(run: Run, seconds: float) -> None:
    """Sleeps in small steps; every tenth is noted, so that a killed run has a last moment."""
    until, step = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        time.sleep(STEP)
        step += 1
        if step % 10 == 0:
            note("alive", entry=run.entry.id.hex)


@codeunit(WORK, "Work a little", parameters=WorkFor)
def work(run: Run) -> None:
    """Works for some seconds."""
    with noted(run):
        work_for(run, float(run.parameters.seconds))


@codeunit(FAIL_ONCE, "Fail at first")
def fail_once(run: Run) -> None:
    """Its first attempt fails, every other succeeds."""
    with noted(run):
        if run.entry.attempt == 0:
            raise Refused("The first attempt always fails.")


@codeunit(FAIL, "Fail always")
def fail(run: Run) -> None:
    """Fails."""
    with noted(run):
        raise Refused("It always fails.")


@codeunit(ATOMIC, "Leave one effect, atomically", atomic=True, timeout_seconds=5)
def leave_effect(run: Run) -> None:
    """Its effect commits together with the ledger row, or not at all."""
    with noted(run):
        Effect.objects.create(entry_id=run.entry.id, due_at=run.entry.due_at, attempt=run.entry.attempt)
        time.sleep(STEP)


@codeunit(CRASH, "Kill the worker")
def crash(run: Run) -> None:
    """Kills its own worker process."""
    with noted(run):
        os.kill(os.getpid(), signal.SIGKILL)


@codeunit(NOTHING, "Do nothing")
def nothing(run: Run) -> None:
    """Leaves no note: there may be ten thousand of it."""
