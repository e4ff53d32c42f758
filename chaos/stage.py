"""The stage of a case: its place, its workers, its entries; and the common course of every case."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from chaos import hooks, invariants
from chaos.mix import Mix
from chaos.notes import Reader
from chaos.places import POSTGRESQL, Place
from chaos.workers import JobWorker, NotReached, wait_for
from jobqueue.models import LogEntry
from jobqueue.states import LogStatus

SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went. ``seconds`` from the fault until everything that was due then had been served."""

    database: str
    fault: str
    moment: str
    seconds: float | None
    problems: tuple[str, ...] = ()
    remark: str = ""

    @property
    def survived(self) -> bool:
        return not self.problems


@dataclass
class Case:
    """What happened in a case, filled as it goes."""

    mix: Mix = field(default_factory=Mix)
    fault_at: datetime | None = None
    over_at: datetime | None = None
    limit: float | None = None
    problems: list[str] = field(default_factory=list)
    remark: str = ""
    overlaps_allowed: bool = False
    settle_seconds: float = SETTLE_SECONDS
    seconds: float | None = None
    settled: bool = False

    def fault(self) -> None:
        """The fault happens now."""
        self.fault_at = self.fault_at or datetime.now(UTC)

    def over(self) -> None:
        """The cause of the fault has just gone: recovery counts from here (a database that is up again)."""
        self.over_at = datetime.now(UTC)

    def expect(self, true: object, sentence: str) -> None:
        """Notes a problem unless it is true."""
        if not true:
            self.problems.append(sentence)


class Stage:
    """One place with its workers; cases are played on it one after the other, as they come."""

    def __init__(self, place: Place, *, slack: float = 1) -> None:
        """``slack`` stretches every limit, for machines that do other things as well."""
        self.place, self._slack = place, slack
        self.notes = Reader(place.folder / "notes")
        self.main: JobWorker | None = None
        self.extra: list[JobWorker] = []
        self._number = 0

    @property
    def on_postgresql(self) -> bool:
        return self.place.kind == POSTGRESQL

    def worker(self) -> JobWorker:
        """The worker that lives through the cases, started anew when a case has ended it."""
        if self.main is None or not self.main.alive:
            self.main = JobWorker(self.place)
        return self.main.wait_until_ready()

    def another(self, **options: Any) -> JobWorker:
        """One more worker, for this case only; not yet ready."""
        self._number += 1
        worker = JobWorker(self.place, name=f"extra{self._number}", **options)
        self.extra.append(worker)
        return worker

    def without_worker(self) -> None:
        """Ends the lasting worker: the case brings its own."""
        if self.main is not None and self.main.alive:
            self.main.stop()
        self.main = None

    def play(self, fault: str, moment: str, play: Callable[["Stage", Case], None]) -> Result:
        """Plays a case, waits until all has settled, and checks the invariants."""
        self.notes.forget()
        case = Case()
        try:
            play(self, case)
            if case.mix.all and not case.settled:
                self.settle(case)
        except NotReached as problem:
            case.problems.append(f"did not happen: {problem}")
        finally:
            self._after(case)
        limit = None if case.limit is None else case.limit * self._slack
        if case.seconds is not None and limit is not None and case.seconds > limit:
            case.problems.append(f"took {case.seconds:.1f} s, more than {limit:g} s")
        return Result(self.place.kind, fault, moment, case.seconds, tuple(case.problems), case.remark)

    def settle(self, case: Case) -> None:
        """Waits until nothing of the case is open, then checks."""
        left = ""
        case.settled = True

        def settled() -> bool:
            nonlocal left
            left = invariants.unsettled(case.mix)
            return not left

        try:
            wait_for(settled, what="settled", seconds=case.settle_seconds, every=0.05)
        except NotReached as problem:
            case.problems.append(f"not {problem}: {left}")
        found = invariants.violations(
            case.mix, self.notes.all("start", "alive", "end"), overlaps_allowed=case.overlaps_allowed
        )
        case.problems += found
        if case.seconds is None and case.fault_at is not None:
            case.seconds = seconds_to_recover(case)

    def close(self) -> None:
        """Ends all workers."""
        for worker in [*self.extra, *([self.main] if self.main else [])]:
            worker.kill()
        self.extra, self.main = [], None

    def _after(self, case: Case) -> None:
        hooks.open_gates(self.place.folder)
        for worker in self.extra:
            worker.kill()
        self.extra = []
        if case.problems and self.main is not None:
            self.main.kill()  # the next case begins with a healthy one
            self.main = None
        for _ in range(50):
            try:
                case.mix.end_recurring()
                break
            except Exception:
                connection.close()
                time.sleep(0.2)


def seconds_to_recover(case: Case) -> float:
    """From the fault until the runs it hit were settled, and until what was due then or soon after had started.

    What was due later counts by its lateness. After an outage it counts from the end of the outage.
    """
    assert case.fault_at is not None
    start = case.over_at or case.fault_at
    waits = [0.0]
    rows = LogEntry.objects.filter(entry_id__in=case.mix.all).values_list(
        "due_at", "started_at", "ended_at", "attempt", "status", "error_kind"
    )
    for due_at, started_at, ended_at, attempt, _status, _kind in rows:
        if started_at is None:
            continue
        if started_at <= case.fault_at and ended_at is not None and ended_at > start:
            waits.append((ended_at - start).total_seconds())
        if attempt == 0 and started_at > start:
            waits.append((started_at - max(due_at, start)).total_seconds())
    return max(waits)


def succeeded(mix: Mix) -> int:
    """Successes in the ledger so far."""
    return LogEntry.objects.filter(entry_id__in=mix.all, status=LogStatus.SUCCESS).count()
