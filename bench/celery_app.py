"""The Celery application whose worker is measured, with the settings its documentation gives for many short tasks.

Two processes, a high prefetch multiplier, no events, gossip, mingle or heartbeats; tasks are acknowledged before they
run (Celery's default, and its fastest: a killed worker loses what it had fetched). Results are stored.
"""

import os

from celery import Celery

from bench.offering import note_start

BROKER, RESULTS = os.environ["BENCH_CELERY_BROKER"], os.environ["BENCH_CELERY_RESULTS"]

app = Celery("bench", broker=BROKER, backend=RESULTS)
app.conf.update(
    worker_prefetch_multiplier=64,
    worker_send_task_events=False,
    task_ignore_result=False,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="nothing")
def nothing() -> None:
    pass


@app.task(name="note")
def note(asked_at: float) -> None:
    note_start(asked_at)
