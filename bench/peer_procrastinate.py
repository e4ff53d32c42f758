"""Contender: procrastinate with its own worker command, as its documentation recommends it.

Two worker processes of one job at a time, an asynchronous task (a synchronous one would pay for a thread), wake-up by
LISTEN/NOTIFY, finished jobs and their events kept.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from procrastinate import SyncPsycopgConnector

from bench import offering, program, servers
from bench.procrastinate_app import app
from bench.worker import running, settle

BATCH = 500
COMMAND = ["--app", "bench.procrastinate_app.app", "--log-level", "warning", "worker", "--concurrency", "1"]


@contextmanager
def _filling() -> Iterator[Any]:
    """The application with empty tables, on a connection of this process."""
    connector = SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])
    with app.replace_connector(connector) as filling, filling.open():
        missing = connector.execute_query_one("SELECT to_regclass('procrastinate_jobs') IS NULL AS missing")
        if missing["missing"]:
            filling.schema_manager.apply_schema()
        connector.execute_query("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
        yield filling


def worker() -> Any:
    return running(
        [sys.executable, "-m", "procrastinate", *COMMAND],
        log=program.log(),
        copies=2,
        env=servers.unnamed(),
        servers=servers.backends(os.environ["DATABASE_URL"]),
    )


def throughput(jobs: int) -> dict[str, Any]:
    """Seconds from the first start to the last success, from the events in the database."""
    with _filling() as filling:
        connector = filling.connector
        for done in range(0, jobs, BATCH):
            filling.tasks["nothing"].batch_defer(*[{} for _ in range(min(BATCH, jobs - done))])
        connector.execute_query("ANALYZE procrastinate_jobs")

        def succeeded() -> int:
            row = connector.execute_query_one(
                "SELECT count(*) AS n FROM procrastinate_events WHERE type = 'succeeded'"
            )
            return int(row["n"])

        with worker() as started:
            settle(
                started,
                jobs,
                settled=succeeded,
                all_settled=lambda: succeeded() >= jobs,
                what="procrastinate jobs",
            )
        row = connector.execute_query_one(
            "SELECT extract(epoch FROM max(at) FILTER (WHERE type = 'succeeded') "
            "- min(at) FILTER (WHERE type = 'started'))::float AS seconds FROM procrastinate_events"
        )
    return {"seconds": float(row["seconds"]), "cpu_ms": started.cpu_ms_per_job()}


def _asked(samples: int, per_second: float) -> dict[str, Any]:
    waits = program.waits()
    with _filling() as filling, worker():
        task = filling.tasks["note"]
        found = offering.offer(
            lambda at: task.defer(asked_at=at), samples, per_second=per_second, waits=waits
        )
    return {"asked for": found}


if __name__ == "__main__":
    program.run(
        {
            "throughput": throughput,
            "idle": lambda samples: _asked(samples, offering.IDLE_PER_SECOND),
            "loaded": lambda samples: _asked(samples, offering.LOADED_PER_SECOND),
        }
    )
