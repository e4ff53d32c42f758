"""Work: are workers alive, and does due work get done?"""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Count, Max, Min, Sum

from jobqueue.conf import settings
from jobqueue.doctor.registry import Result, check, failure, ok, warning
from jobqueue.models import Cluster, ScheduledTask
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.code_version import code_version
from jobqueue.scheduler.routines import is_registered
from jobqueue.scheduler.strangers import advice

OLD = timedelta(minutes=1)
TOO_OLD = timedelta(minutes=15)
CLAIMED_TOO_LONG = timedelta(minutes=1)
OVERTIME = timedelta(minutes=5)


@check("Workers", rank=30)
def workers() -> Iterable[Result]:
    now = database_now()
    live = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gt=now)
    found = live.aggregate(workers=Sum("workers"), seen=Max("heartbeat_at"))
    if not found["workers"]:
        yield failure(
            "No worker is alive.", fix="Start “manage.py jobworker” on a host of this installation."
        )
        return
    hosts = live.order_by().values("host").distinct().count()
    yield ok(
        f"{found['workers']} worker processes on {hosts} {'host' if hosts == 1 else 'hosts'}, "
        f"last seen {int((now - found['seen']).total_seconds())} s ago."
    )
    silent = Cluster.objects.filter(
        state__in=[Cluster.State.LIVE, Cluster.State.DRAINING],
        lease_until__lt=now - timedelta(seconds=settings().lease_seconds),
    ).count()
    if silent:
        yield warning(
            f"{silent} clusters have been silent for longer than their lease and were not declared lost.",
            fix="The live worker does that by itself; if this stays, look into its log.",
        )


@check("Due work", rank=31)
def due_work() -> Iterable[Result]:
    now = database_now()
    due = ScheduledTask.objects.filter(state=ScheduledTask.State.FREE, is_ready=True, not_before__lte=now)
    oldest = due.aggregate(oldest=Min("not_before"))["oldest"]
    age = now - oldest if oldest is not None else timedelta(0)
    sentence = f"The oldest due task has waited {int(age.total_seconds()):,} s."
    if age > TOO_OLD:
        yield failure(sentence, fix="Start workers, or more of them; look at SITE_LIMIT and USER_LIMIT.")
    elif age > OLD:
        yield warning(sentence, fix="If this goes on, start more workers or spread the due times.")
    else:
        yield ok("No task is overdue." if oldest is None else sentence)


@check("Known routines", rank=33)
def unknown_routines() -> Iterable[Result]:
    """Tasks another version of the code created; workers of this version leave them alone."""
    now = database_now()
    due = ScheduledTask.objects.filter(state=ScheduledTask.State.FREE, is_ready=True, not_before__lte=now)
    routines = (
        due.order_by().values_list("main_routine", "failure_routine", "error_kind").annotate(Count("pk"))
    )
    unknown: Counter[str] = Counter()
    for main, failure_routine, error_kind, count in routines:
        name = failure_routine if error_kind else main
        if not is_registered(name):
            unknown[name] += count
    live = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gt=now)
    versions = ", ".join(sorted({version or "unknown" for version in live.values_list("version", flat=True)}))
    for name, count in unknown.items():
        yield warning(
            f"{count} due {'task needs' if count == 1 else 'tasks need'} the routine “{name}”, which this code "
            f"(version {code_version()}) does not register; "
            + (f"live workers have version {versions}." if versions else "and no worker is alive."),
            fix=advice(name),
        )
    if not unknown:
        yield ok("Every due task is of a routine this code knows.")


@check("Tasks in hand", rank=32)
def tasks_in_hand() -> Iterable[Result]:
    now = database_now()
    held = ScheduledTask.objects.filter(state__gt=0)
    idle = held.filter(state=ScheduledTask.State.CLAIMED, claimed_at__lt=now - CLAIMED_TOO_LONG).count()
    if idle:
        yield failure(
            f"{idle} tasks have been claimed for more than a minute and not started.",
            fix="Restart the workers; claimed tasks are given back at once.",
        )
    grace = OVERTIME + timedelta(seconds=settings().hard_kill_grace_seconds)
    running = held.filter(state=ScheduledTask.State.RUNNING).exclude(started_at=None)
    over = sum(
        started_at is not None and started_at + timedelta(seconds=timeout) + grace < now
        for started_at, timeout in running.values_list("started_at", "timeout_seconds").iterator()
    )
    if over:
        yield failure(
            f"{over} tasks run longer than their timeout allows.",
            fix="Their worker should have ended them: look into its log and restart it.",
        )
    if not idle and not over:
        yield ok("No task is stuck in a worker's hands.")
