"""Contender: Celery with Redis as broker, and its results in Redis or in PostgreSQL (SQLAlchemy).

``BENCH_REDIS_URL`` is a Redis server of the benchmark's own, with its process in ``BENCH_REDIS_PID``;
``BENCH_CELERY_RESULTS_IN`` is ``redis`` or ``database``.
"""

import json
import os
import sys
from typing import Any

import psycopg
import redis

from bench import offering, program, servers
from bench.worker import running, settle

COMMAND = [
    *("--app", "bench.celery_app", "worker", "--loglevel", "WARNING", "--concurrency", "2"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat"),
]
IN_DATABASE = os.environ.get("BENCH_CELERY_RESULTS_IN") == "database"
QUEUE = "celery"


def _set_up() -> Any:
    """The application, with an empty queue and no results."""
    address, database = os.environ["BENCH_REDIS_URL"], os.environ["DATABASE_URL"]
    os.environ["BENCH_CELERY_BROKER"] = f"{address}/0"
    os.environ["BENCH_CELERY_RESULTS"] = (
        "db+postgresql+psycopg://" + database.partition("://")[2] if IN_DATABASE else f"{address}/1"
    )
    redis.Redis.from_url(address).flushall()
    if IN_DATABASE:
        with psycopg.connect(database, autocommit=True) as asking:
            asking.execute("DROP TABLE IF EXISTS celery_taskmeta, celery_tasksetmeta")
    from bench.celery_app import app

    return app


def worker() -> Any:
    looks = servers.backends(os.environ["DATABASE_URL"]) if IN_DATABASE else list
    return running(
        [sys.executable, "-m", "celery", *COMMAND],
        log=program.log(),
        env=servers.unnamed(),
        servers=lambda: [int(os.environ["BENCH_REDIS_PID"]), *looks()],
    )


def throughput(jobs: int) -> dict[str, Any]:
    """Seconds from the first to the last result; the jobs do nothing, so that the first stands for the first start."""
    app = _set_up()
    with app.connection_for_write() as connection, app.amqp.producer_pool.acquire(block=True) as producer:
        for _ in range(jobs):
            app.tasks["nothing"].apply_async(producer=producer)
        connection.release()
    results = _DatabaseResults() if IN_DATABASE else _RedisResults()
    with worker() as started:
        settle(
            started,
            jobs,
            settled=results.count,
            all_settled=lambda: results.count() >= jobs,
            what="Celery jobs",
        )
    return {"seconds": results.seconds(), "cpu_ms": started.cpu_ms_per_job()}


def _asked(samples: int, per_second: float) -> dict[str, Any]:
    app = _set_up()
    waits = program.waits()
    with worker():
        found = offering.offer(
            lambda at: app.tasks["note"].delay(at), samples, per_second=per_second, waits=waits
        )
    return {"asked for": found}


class _RedisResults:
    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(f"{os.environ['BENCH_REDIS_URL']}/1")

    def count(self) -> int:
        return int(self._redis.dbsize())

    def seconds(self) -> float:
        from datetime import datetime

        keys = list(self._redis.scan_iter("celery-task-meta-*", count=5000))
        done = sorted(json.loads(value)["date_done"] for value in self._redis.mget(keys) if value)
        return (datetime.fromisoformat(done[-1]) - datetime.fromisoformat(done[0])).total_seconds()


class _DatabaseResults:
    def __init__(self) -> None:
        self._connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def count(self) -> int:
        try:
            return self._one("SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'")
        except psycopg.errors.UndefinedTable:
            return 0

    def seconds(self) -> float:
        return float(
            self._one("SELECT extract(epoch FROM max(date_done) - min(date_done)) FROM celery_taskmeta")
        )

    def _one(self, statement: str) -> Any:
        row = self._connection.execute(statement).fetchone()
        return row[0] if row else None


if __name__ == "__main__":
    program.run(
        {
            "throughput": throughput,
            "idle": lambda samples: _asked(samples, offering.IDLE_PER_SECOND),
            "loaded": lambda samples: _asked(samples, offering.LOADED_PER_SECOND),
        }
    )
