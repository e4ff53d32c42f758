"""Contender: Jobwarden with its own ``jobworker`` command and its own settings, full life cycle.

A one-off entry made ready, claimed, started, run as its user, its ledger row written and finalised, its task and itself
removed. ``BENCH_CLUSTERS`` starts that many ``jobworker`` commands.
"""

import os
import random
import sys
import time
from datetime import timedelta
from typing import Any

from bench import filling, program, servers
from bench.offering import IDLE_PER_SECOND, LOADED_PER_SECOND, moments
from bench.worker import running, settle, wait_until

WORKER = [sys.executable, "manage.py", "jobworker"]
LEAD = timedelta(seconds=6)


def worker() -> Any:
    """The started command; use it as a context manager."""
    return running(
        WORKER,
        log=program.log(),
        copies=int(os.environ.get("BENCH_CLUSTERS", "1")),
        env=servers.unnamed(),
        servers=servers.backends(os.environ["DATABASE_URL"]),
    )


def throughput(jobs: int) -> dict[str, Any]:
    """Seconds from the first start to the last end in the ledger."""
    from django.db.models import Max, Min

    from jobqueue.models import Entry, LogEntry
    from jobqueue.states import LogStatus

    filling.empty_tables()
    filling.fill([None] * jobs)
    filling.analyze()
    outcome = LogEntry.objects.filter(object_id=filling.nothing(), status=LogStatus.SUCCESS, is_final=True)
    left = Entry.objects.filter(object_id=filling.nothing())
    with worker() as started:
        settle(
            started,
            jobs,
            settled=outcome.count,
            all_settled=lambda: not left.exists(),
            what="Jobwarden jobs",
        )
    if outcome.count() != jobs:
        raise RuntimeError(f"{outcome.count()} of {jobs} jobs have a success in the ledger.")
    moments = outcome.aggregate(first=Min("started_at"), last=Max("ended_at"))
    seconds = (moments["last"] - moments["first"]).total_seconds()
    return {"seconds": seconds, "cpu_ms": started.cpu_ms_per_job()}


def idle(samples: int) -> dict[str, Any]:
    """Milliseconds from due to start with an idle worker.

    “due time”: the entry was made ready earlier and comes due, which is how entries start. “Run Now”: from the moment
    it is asked for, so the storing of the request is part of it.
    """
    from jobqueue import lifecycle
    from jobqueue.models import LogEntry
    from jobqueue.scheduler.clock import database_now

    filling.empty_tables()
    with worker():
        run_one()
        scheduled = _due_at_a_pace(samples, per_second=IDLE_PER_SECOND)
        chance, actor = random.Random(1), filling.actor()
        standing = filling.make_ready(due_at=database_now() + timedelta(days=1))
        rows = LogEntry.objects.filter(entry_id=standing.id, is_final=True)
        for number in range(1, samples + 1):
            lifecycle.run_now(standing, actor=actor)
            wait_until(
                lambda wanted=number: rows.count() >= wanted, seconds=30, every=0.02, what="the extra run"
            )
            time.sleep(chance.uniform(0.02, 0.08))
    return {"due time": scheduled, "Run Now": waits_of(rows)}


def loaded(samples: int) -> dict[str, Any]:
    """The same while entries come due at 100 a second."""
    filling.empty_tables()
    with worker():
        run_one()
        return {"due time": _due_at_a_pace(samples, per_second=LOADED_PER_SECOND)}


def run_one() -> None:
    """The first job of a worker opens connections and plans statements."""
    from jobqueue.models import LogEntry

    first = filling.make_ready(due_at=None)
    done = LogEntry.objects.filter(entry_id=first.id, is_final=True)
    wait_until(done.exists, seconds=60, what="the first job")
    time.sleep(1)


def _due_at_a_pace(samples: int, *, per_second: float) -> list[float]:
    from jobqueue.models import Entry, LogEntry
    from jobqueue.scheduler.clock import database_now

    before = LogEntry.objects.order_by("-entry_no").values_list("entry_no", flat=True).first() or 0
    start = database_now() + LEAD
    due = [start + timedelta(seconds=at) for at in moments(samples, per_second=per_second)]
    filling.fill(due)
    if database_now() > start:
        raise RuntimeError(f"Storing {samples} entries took longer than {LEAD.total_seconds():g} s.")
    # Does not look before the last one is due: looking is work for the database too.
    time.sleep(max(0.0, (due[-1] - database_now()).total_seconds()))
    left = Entry.objects.filter(object_id=filling.nothing())
    wait_until(lambda: not left.exists(), seconds=120, every=0.5, what="the schedule")
    return waits_of(LogEntry.objects.filter(entry_no__gt=before, object_id=filling.nothing(), is_final=True))


def waits_of(rows: Any) -> list[float]:
    """Milliseconds from due to start of these ledger rows."""
    return [
        (started - due).total_seconds() * 1000
        for due, started in rows.order_by("entry_no").values_list("due_at", "started_at")
    ]


if __name__ == "__main__":
    filling.set_up()
    program.run({"throughput": throughput, "idle": idle, "loaded": loaded})
