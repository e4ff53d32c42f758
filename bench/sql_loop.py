"""The ceiling: a bare loop of claim, start and finish in SQL, with as many processes and nothing around it.

Three statements and commits for each job, on two tables of the fewest columns, the finish with its log row. What a job
queue on this server can reach at most if it takes jobs one by one and forgets nothing.
"""

import os
import sys
import time
from typing import Any

import psycopg

from bench import program, servers
from bench.worker import running, settle

PROCESSES = 2
TABLES = """
DROP TABLE IF EXISTS job, job_log;
CREATE TABLE job (id bigint PRIMARY KEY, due_at timestamptz NOT NULL, state smallint NOT NULL DEFAULT 0,
                  worker int, started_at timestamptz);
CREATE INDEX job_due ON job (due_at) WHERE state = 0;
CREATE TABLE job_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id bigint NOT NULL,
                      started_at timestamptz NOT NULL, ended_at timestamptz NOT NULL);
"""
CLAIM = """
UPDATE job SET state = 1, worker = %(worker)s WHERE id = (
    SELECT id FROM job WHERE state = 0 AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id"""
START = (
    "UPDATE job SET state = 2, started_at = clock_timestamp() WHERE id = %(id)s AND state = 1 RETURNING id"
)
FINISH = """
WITH done AS (DELETE FROM job WHERE id = %(id)s AND state = 2 RETURNING id, started_at)
INSERT INTO job_log (job_id, started_at, ended_at) SELECT id, started_at, clock_timestamp() FROM done RETURNING id"""


def throughput(jobs: int) -> dict[str, Any]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as asking:
        asking.execute(TABLES)
        asking.execute(
            "INSERT INTO job (id, due_at) SELECT g, now() - g * interval '1 ms' FROM generate_series(1, %s) AS g",
            [jobs],
        )
        asking.execute("ANALYZE job")

        def logged() -> int:
            row = asking.execute("SELECT count(*) FROM job_log").fetchone()
            return row[0] if row else 0

        with running(
            [sys.executable, "-m", "bench.sql_loop", "loop", "0"],
            log=program.log(),
            copies=PROCESSES,
            env=servers.unnamed(),
            servers=servers.backends(os.environ["DATABASE_URL"]),
        ) as started:
            settle(started, jobs, settled=logged, all_settled=lambda: logged() >= jobs, what="rows")
        row = asking.execute(
            "SELECT extract(epoch FROM max(ended_at) - min(started_at))::float FROM job_log"
        ).fetchone()
    return {"seconds": row[0] if row else 0.0, "cpu_ms": started.cpu_ms_per_job()}


def loop() -> None:
    """One process of the loop; ends with its signal."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=0) as connection:
        worker = os.getpid()
        while True:
            claimed = connection.execute(CLAIM, {"worker": worker}).fetchone()
            if claimed is None:
                time.sleep(0.01)
                continue
            if connection.execute(START, {"id": claimed[0]}).fetchone() is not None:
                connection.execute(FINISH, {"id": claimed[0]})


if __name__ == "__main__":
    if sys.argv[1] == "loop":
        loop()
    else:
        program.run({"throughput": throughput})
