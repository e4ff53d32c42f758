"""The matrix: each signal to each process of a worker at each moment in the life of a run."""

import os
import signal
import time
from dataclasses import dataclass

from chaos import hooks, jobs
from chaos.stage import Case, Stage
from chaos.workers import Kind, NotReached, wait_for
from jobqueue.models import Entry

STOP_SECONDS = 3.0
WORKER_LIMIT = 2.0
"""A dead worker process must be dealt with in this time."""
LIMITS = {"KILL": 8.0, "TERM": 20.0, "STOP/CONT": 12.0}
"""All others. A killed supervisor includes the start of a new worker program."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One cell of the matrix."""

    signal: str
    kind: Kind
    moment: str

    @property
    def fault(self) -> str:
        return f"{self.signal} {self.kind}"

    def __call__(self, stage: Stage, case: Case) -> None:
        worker = stage.worker()
        dead_worker = self.signal == "KILL" and self.kind in (Kind.IDLE, Kind.BUSY)
        case.limit = WORKER_LIMIT if dead_worker else LIMITS[self.signal]
        case.mix.fill()
        case.mix.fill_chain()
        wait_for(lambda: _drained(case), what="the first entries were done")
        subject = self._subject(stage, case)
        case.mix.fill(due_in=0.5)
        held = self._held(stage)
        victim = worker.pid_of(self.kind, held=held)
        case.remark = f"{subject}: pid {victim}"
        case.fault()
        self._strike(stage, victim)
        hooks.open_gates(stage.place.folder)
        if self.kind is Kind.SUPERVISOR and self.signal != "STOP/CONT":
            worker.process.wait(45)
            stage.worker()  # what the service manager of the host does

    def _subject(self, stage: Stage, case: Case) -> Entry:
        """The entry that stands at the moment when the fault comes."""
        moment = self.moment
        if moment == hooks.BEFORE_CLAIM:
            if self.kind is Kind.BUSY:
                entry = case.mix.entry(jobs.WORK, description="long", parameters={"seconds": "1.5"})
                wait_for(lambda: entry.id.hex in _begun(stage), what="a worker is busy")
            hooks.set_gate(stage.place.folder, moment)
            return case.mix.entry(jobs.WORK, description="subject")
        if moment == hooks.CLAIMED and self.kind is Kind.BROKER:
            moment = hooks.CLAIMED_BY_BROKER
        object_id = (
            jobs.FAIL_ONCE
            if moment == hooks.IN_FAILURE_ROUTINE
            else jobs.ATOMIC
            if self._atomic
            else jobs.WORK
        )
        entry = case.mix.entry(object_id, description="subject", due_in=0.3)
        subject = {"entry": entry.id.hex} if moment == hooks.RUNNING else {"task": entry.system_task_id.hex}
        hooks.set_gate(stage.place.folder, moment, **subject)
        return entry

    @property
    def _atomic(self) -> bool:
        """Where work and record commit together, the subject is such a job."""
        return self.moment == hooks.FINISHED

    def _held(self, stage: Stage) -> int | None:
        found = wait_for(
            lambda: stage.notes.all("held"), what=f"a process was held {self.moment}", seconds=15
        )
        return found[-1].pid

    def _strike(self, stage: Stage, victim: int) -> None:
        try:
            if self.signal == "STOP/CONT":
                os.kill(victim, signal.SIGSTOP)
                hooks.open_gates(stage.place.folder)
                time.sleep(STOP_SECONDS)
                os.kill(victim, signal.SIGCONT)
            else:
                os.kill(victim, signal.SIGKILL if self.signal == "KILL" else signal.SIGTERM)
        except ProcessLookupError:
            if self.signal != "STOP/CONT":
                raise NotReached("the victim was there") from None


def _drained(case: Case) -> bool:
    plain = Entry.objects.filter(id__in=case.mix.once, recurring=False)
    return not plain.exclude(description="fails at first").exists()


def _begun(stage: Stage) -> set[str]:
    return {found.facts["entry"] for found in stage.notes.all("start")}


def blows() -> list[Blow]:
    """Every cell."""
    return [
        Blow(signal_, kind, moment) for kind in Kind for signal_ in hooks.SIGNALS for moment in hooks.MOMENTS
    ]
