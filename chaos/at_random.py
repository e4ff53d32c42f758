"""Random mode: for some minutes entries of all kinds come due while processes are struck at random, then the check."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import connection

from chaos import jobs
from chaos.mix import EVERY_DAY, Mix
from chaos.outages import terminate_backends
from chaos.places import restart_server
from chaos.stage import Case, Result, Stage
from chaos.workers import JobWorker, Kind, wait_for
from jobqueue.models import Entry, LogEntry
from jobqueue.states import Anchor, HoldKind, Status

BATCH_SECONDS = 1.5
BLOW_SECONDS = (0.3, 3.0)
STOP_SECONDS = (0.2, 9.0)
"""Some stops outlast the lease of 6 seconds."""
KINDS = (*Kind, Kind.BUSY, Kind.BUSY, Kind.IDLE)
SIGNALS = ("KILL", "KILL", "TERM", "STOP/CONT")
RESTART_CHANCE = 0.02
CUT_CHANCE = 0.05
SETTLE_SECONDS = 180.0


def play_at_random(stage: Stage, *, minutes: float, seed: int | None) -> Result:
    """Two workers on one host, struck until the time is over. The seed repeats the choices, not the timing."""
    seed = random.randrange(10**6) if seed is None else seed
    chance = random.Random(seed)
    struck: Counter[str] = Counter()

    def play(stage: Stage, case: Case) -> None:
        case.settle_seconds = SETTLE_SECONDS
        case.overlaps_allowed = True  # of runs declared lost: their supervisor stood still beyond its lease
        pair = [stage.another().wait_until_ready() for _ in range(2)]
        _recurring(case)
        until, feed_at = time.monotonic() + minutes * 60, 0.0
        while time.monotonic() < until:
            if time.monotonic() >= feed_at:
                feed_at = time.monotonic() + BATCH_SECONDS
                _feed(case)
            struck[_strike(stage, chance, pair)] += 1
            pair = [worker if worker.alive else _start_again(stage, worker) for worker in pair]
            time.sleep(chance.uniform(*BLOW_SECONDS))
        case.fault()
        case.mix.hold_recurring()
        stage.settle(case)
        _excuse_poison(case)
        case.seconds = None
        blows = ", ".join(f"{count} × {name}" for name, count in struck.most_common())
        case.remark = f"seed {seed}: {len(case.mix.all)} entries, {sum(struck.values())} blows ({blows})"

    return stage.play(f"random blows for {minutes:g} minutes", f"seed {seed}", play)


def _feed(case: Case) -> None:
    """One batch. Where its commit met an outage, it counts if it is there."""
    for make in (Mix.fill, Mix.fill_chain):
        batch = Mix()
        try:
            make(batch)
            case.mix.take(batch)
        except Exception:
            connection.close()
            found = wait_for(lambda one=batch: _stored(one), what="the database answered", seconds=60)
            if found != {None}:
                case.mix.take(batch)


def _stored(batch: Mix) -> set[object]:
    """Which of the batch's entries were ever stored; None stands for none of them."""
    entries = Entry.objects.filter(id__in=batch.all).values_list("id", flat=True)
    rows = LogEntry.objects.filter(entry_id__in=batch.all).values_list("entry_id", flat=True)
    return {*entries, *rows} or {None}


def _recurring(case: Case) -> None:
    """Entries that come due every minute, of both anchors."""
    for anchor in (Anchor.FIXED, Anchor.COMPLETION):
        for number in range(5):
            case.mix.entry(
                jobs.WORK,
                description=f"every minute {number}, {anchor}",
                minutes_between_runs=1,
                recurrence_anchor=anchor.value,
                max_attempts=10,
                **EVERY_DAY,
            )


def _strike(stage: Stage, chance: random.Random, pair: list[JobWorker]) -> str:
    """One blow; returns its name."""
    draw = chance.random()
    if stage.on_postgresql and draw < RESTART_CHANCE:
        mode = chance.choice(["fast", "immediate"])
        restart_server(stage.place, mode=mode)
        connection.close()
        return f"server restart, {mode}"
    if stage.on_postgresql and draw < RESTART_CHANCE + CUT_CHANCE:
        terminate_backends()
        return "all connections cut"
    kind, name, worker = chance.choice(KINDS), chance.choice(SIGNALS), chance.choice(pair)
    stop_for = chance.uniform(*STOP_SECONDS)
    try:
        victim = worker.find(kind)
        if victim is None:
            return "nobody there"
        if name == "STOP/CONT":
            with _stopped(victim):
                time.sleep(stop_for)
        else:
            os.kill(victim, signal.SIGKILL if name == "KILL" else signal.SIGTERM)
    except ProcessLookupError:
        return "nobody there"
    except Exception:
        connection.close()
        return "nobody there"
    return f"{name} {kind}"


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _start_again(stage: Stage, ended: JobWorker) -> JobWorker:
    """What the service manager of the host does."""
    stage.extra.remove(ended)
    return stage.another()


def _excuse_poison(case: Case) -> None:
    """An entry under which three workers were killed is held, as it must be: that is no violation."""
    held = Entry.objects.filter(id__in=case.mix.all, status=Status.ON_HOLD, hold_kind=HoldKind.POISON)
    names = {str(entry.id) for entry in held} | {f"“{entry}”" for entry in held}
    case.problems = [problem for problem in case.problems if not any(name in problem for name in names)]
