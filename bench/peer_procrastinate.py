"""Contender: procrastinate with its own worker command, as its documentation recommends it.

Two worker processes of one job at a time, an asynchronous task (a synchronous one would pay for a thread), wake-up by
LISTEN/NOTIFY, finished jobs and their events kept. Run with ``python -m bench.peer_procrastinate <jobs>``.
"""

import os
import sys
from pathlib import Path

from procrastinate import SyncPsycopgConnector

from bench.procrastinate_app import app
from bench.worker import running, wait_until

BATCH = 500
WORKER = ["--app", "bench.procrastinate_app.app", "--log-level", "warning", "worker", "--concurrency", "1"]


def measure(jobs: int, *, log: Path) -> float:
    """Seconds from the first start to the last success, from the events in the database."""
    connector = SyncPsycopgConnector(conninfo=os.environ["DATABASE_URL"])
    with app.replace_connector(connector) as filling, filling.open():
        ask = connector.execute_query_one
        if ask("SELECT to_regclass('procrastinate_jobs') IS NULL AS missing")["missing"]:
            filling.schema_manager.apply_schema()
        connector.execute_query("TRUNCATE procrastinate_jobs, procrastinate_events CASCADE")
        for done in range(0, jobs, BATCH):
            filling.tasks["nothing"].batch_defer(*[{} for _ in range(min(BATCH, jobs - done))])
        connector.execute_query("ANALYZE procrastinate_jobs")
        with running([sys.executable, "-m", "procrastinate", *WORKER], log=log, copies=2):
            wait_until(
                lambda: (
                    ask("SELECT count(*) AS n FROM procrastinate_events WHERE type = 'succeeded'")["n"]
                    >= jobs
                ),
                seconds=180,
                what=f"{jobs} procrastinate jobs",
            )
        row = ask(
            "SELECT extract(epoch FROM max(at) FILTER (WHERE type = 'succeeded') "
            "- min(at) FILTER (WHERE type = 'started'))::float AS seconds FROM procrastinate_events"
        )
        return float(row["seconds"])


if __name__ == "__main__":
    print(measure(int(sys.argv[1]), log=Path(os.environ["BENCH_LOG"])))
