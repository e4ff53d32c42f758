"""Contender: bare django-q2 with the ORM broker, its own ``qcluster`` command, storing results."""

import os
import sys
from typing import Any

from bench import offering, program, servers
from bench.worker import running, settle

SETTINGS = "bench.peer_django_q2_settings"


def worker() -> Any:
    return running(
        [sys.executable, "-m", "django", "qcluster"],
        log=program.log(),
        env={"DJANGO_SETTINGS_MODULE": SETTINGS, **servers.unnamed()},
        servers=servers.backends(os.environ["DATABASE_URL"]),
    )


def _set_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    import django

    django.setup()
    from django.core.management import call_command
    from django_q.models import OrmQ, Task

    call_command("migrate", verbosity=0)
    Task.objects.all().delete()
    OrmQ.objects.all().delete()


def throughput(jobs: int) -> dict[str, Any]:
    """Seconds from the first job's end to the moment all results are stored and all queue rows acknowledged.

    django-q2 stores the moment of enqueueing as “started”, so the first end stands for the first start: the jobs do
    nothing. A job is settled when its queue row is gone, which only its monitor process brings about.
    """
    _set_up()
    from django.db import connection, transaction
    from django_q.models import OrmQ, Task
    from django_q.tasks import async_task

    with transaction.atomic():
        for _ in range(jobs):
            async_task("bench.peer_django_q2.nothing")
    connection.cursor().execute("ANALYZE")
    with worker() as started:
        settle(
            started,
            jobs,
            settled=lambda: jobs - OrmQ.objects.count(),
            all_settled=lambda: not OrmQ.objects.exists(),
            what="django-q2 jobs",
        )
        settled = _database_epoch(connection)
    first = Task.objects.order_by("stopped").values_list("stopped", flat=True)[0]
    if Task.objects.filter(success=True).count() != jobs:
        raise RuntimeError("django-q2 did not store every result.")
    return {"seconds": settled - first.timestamp(), "cpu_ms": started.cpu_ms_per_job()}


def _asked(samples: int, per_second: float) -> dict[str, Any]:
    _set_up()
    from django_q.tasks import async_task

    waits = program.waits()
    with worker():
        found = offering.offer(
            lambda at: async_task("bench.offering.note_start", at),
            samples,
            per_second=per_second,
            waits=waits,
        )
    return {"asked for": found}


def _database_epoch(connection: Any) -> float:
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
    program.run(
        {
            "throughput": throughput,
            "idle": lambda samples: _asked(samples, offering.IDLE_PER_SECOND),
            "loaded": lambda samples: _asked(samples, offering.LOADED_PER_SECOND),
        }
    )
