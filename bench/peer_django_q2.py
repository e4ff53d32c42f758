"""Contender: bare django-q2 with the ORM broker, its own ``qcluster`` command, storing results.

Run with ``python -m bench.peer_django_q2 <jobs>``.
"""

import os
import sys
from pathlib import Path

from bench.worker import running, wait_until

SETTINGS = "bench.peer_django_q2_settings"


def measure(jobs: int, *, log: Path) -> float:
    """Seconds from the first job's end to the moment all results are stored and all queue rows acknowledged.

    django-q2 stores the moment of enqueueing as “started”, so the first end stands for the first start: the jobs do
    nothing. A job is settled when its queue row is gone, which only its monitor process brings about.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction
    from django_q.models import OrmQ, Task
    from django_q.tasks import async_task

    call_command("migrate", verbosity=0)
    Task.objects.all().delete()
    OrmQ.objects.all().delete()
    with transaction.atomic():
        for _ in range(jobs):
            async_task("bench.peer_django_q2.nothing")
    connection.cursor().execute("ANALYZE")
    with running(
        [sys.executable, "-m", "django", "qcluster"], log=log, env={"DJANGO_SETTINGS_MODULE": SETTINGS}
    ):
        wait_until(lambda: not OrmQ.objects.exists(), seconds=240, what=f"{jobs} django-q2 jobs")
        settled = _database_epoch(connection)
    first = Task.objects.order_by("stopped").values_list("stopped", flat=True)[0]
    if Task.objects.filter(success=True).count() != jobs:
        raise RuntimeError("django-q2 did not store every result.")
    return settled - first.timestamp()


def _database_epoch(connection) -> float:
    sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if sqlite
            else "SELECT extract(epoch FROM clock_timestamp())::float"
        )
        return float(cursor.fetchone()[0])


def nothing() -> None:
    pass


if __name__ == "__main__":
    print(measure(int(sys.argv[1]), log=Path(os.environ["BENCH_LOG"])))
