"""Jobwarden when it grows: claims among many entries, a burst, lateness of recurring entries, memory over many jobs.

``python -m bench.scale claims 0`` waits for lines on its input and answers each with the milliseconds of one claim, so
that two databases can be asked in turn; the others print one line of JSON, as every contender does.
"""

import os
import sys
import time
from datetime import timedelta
from typing import Any

from bench import filling, ours, processes, program
from bench.worker import Running, wait_until

CLAIMED_AT_ONCE = 8
DUE_TASKS = 200
MEMORY_STEP = 10_000
LATENESS_MARGIN = timedelta(seconds=2)


# --- claims


def claims() -> None:
    """Answers every line of the input with one timed claim of 8 tasks, which are given back afterwards."""
    from django.db import connection

    from jobqueue.models import ScheduledTask
    from jobqueue.scheduler.claim import claim
    from jobqueue.scheduler.clock import database_now
    from jobqueue.scheduler.turns import Turns

    past = database_now() - timedelta(minutes=10)
    keys = list(
        ScheduledTask.objects.filter(state=0).order_by("not_before").values_list("pk", flat=True)[:DUE_TASKS]
    )
    for place, key in enumerate(keys):
        moment = past + timedelta(milliseconds=place)
        ScheduledTask.objects.filter(pk=key).update(not_before=moment, rank=moment)
    filling.analyze()
    turns = Turns()
    for _ in sys.stdin:
        began = time.perf_counter()
        found = claim(CLAIMED_AT_ONCE, cluster_id=None, turns=turns)
        milliseconds = (time.perf_counter() - began) * 1000
        ScheduledTask.objects.filter(pk__in=[one.id for one in found]).update(state=0, claimed_at=None)
        if len(found) != CLAIMED_AT_ONCE:
            raise RuntimeError(f"{len(found)} tasks were claimed instead of {CLAIMED_AT_ONCE}.")
        print(f"{milliseconds:.4f}", flush=True)
    connection.close()


# --- a burst


def burst(count: int) -> dict[str, Any]:
    """Seconds until all of ``count`` entries due in the same second have started, and until all have ended."""
    from django.db.models import Max

    from jobqueue.models import Entry, LogEntry
    from jobqueue.scheduler.clock import database_now

    filling.empty_tables()
    with ours.worker() as started:
        ours.run_one()
        due = database_now() + timedelta(seconds=5 + count / 1000)
        filling.fill([due + timedelta(microseconds=number * 1_000_000 // count) for number in range(count)])
        filling.analyze()
        if database_now() > due:
            raise RuntimeError("Storing the entries took too long; the burst was over before it began.")
        time.sleep(max(0.0, (due - database_now()).total_seconds()))
        started.mark(0)
        left = Entry.objects.filter(object_id=filling.nothing())
        wait_until(lambda: not left.exists(), seconds=180, every=0.25, what="the end of the burst")
        started.mark(count)
    moments = LogEntry.objects.filter(due_at__gte=due).aggregate(start=Max("started_at"), end=Max("ended_at"))
    return {
        "started": (moments["start"] - due).total_seconds(),
        "ended": (moments["end"] - due).total_seconds(),
        "cpu_ms": started.cpu_ms_per_job(),
    }


# --- lateness


def lateness(entries: int) -> dict[str, Any]:
    """Milliseconds from due to start over some minutes of ``entries`` recurring entries (PostgreSQL).

    Every 5 minutes to daily, half of them on full minutes; a seventh in categories, where waiting for one's turn is
    meant, so those are left out.
    """
    from bench.large_site import Size, make
    from jobqueue.models import LogEntry
    from jobqueue.scheduler.clock import database_now
    from jobqueue.states import LogStatus

    filling.empty_tables()
    filling.forget_people()
    start = database_now() + timedelta(seconds=15)
    make(Size(entries, recurring_percent=100), first_due_at=start)
    with ours.worker():
        ours.run_one()
        time.sleep(
            max(0.0, (start - database_now()).total_seconds())
            + float(os.environ.get("BENCH_LATENESS_SECONDS", "180"))
        )
        end = database_now() - LATENESS_MARGIN
    rows = LogEntry.objects.filter(due_at__gte=start, due_at__lt=end, category_code="").exclude(
        status__in=[LogStatus.SKIPPED, LogStatus.MISSED]
    )
    return {"lateness": ours.waits_of(rows)}


# --- memory


def memory(jobs: int) -> dict[str, Any]:
    """MiB of the supervisor, of all workers together and of all processes, after every 10,000 jobs."""
    from jobqueue.models import Entry

    filling.empty_tables()
    step = min(MEMORY_STEP, jobs)
    samples: list[dict[str, float]] = []
    left = Entry.objects.filter(object_id=filling.nothing())
    with ours.worker() as started:
        ours.run_one()
        for _ in range(0, jobs, step):
            filling.fill([None] * step)
            wait_until(lambda: not left.exists(), seconds=300, every=0.5, what=f"{step} jobs")
            time.sleep(1)
            samples.append(_memory(started))
            _forget_ledger()
    return {"jobs": jobs, "step": step, "mib": samples}


def _memory(started: Running) -> dict[str, float]:
    from jobqueue.models import WorkerSession

    every = {pid: size for pid in started.pids() if (size := processes.memory_mib(pid)) is not None}
    workers = set(WorkerSession.objects.filter(ended_at=None).values_list("pid", flat=True))
    return {
        "supervisor": round(sum(size for pid, size in every.items() if pid in started.leaders), 2),
        "workers": round(sum(size for pid, size in every.items() if pid in workers), 2),
        "all": round(sum(every.values()), 2),
    }


def _forget_ledger() -> None:
    """The memory of the workers is measured, not the disk of this machine."""
    from django.db import connection

    from jobqueue.models import LogEntry

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {LogEntry._meta.db_table} CASCADE")
        else:
            cursor.execute(f"DELETE FROM {LogEntry._meta.db_table}")


if __name__ == "__main__":
    filling.set_up()
    if sys.argv[1] == "claims":
        claims()
    else:
        program.run({"burst": burst, "lateness": lateness, "memory": memory})
