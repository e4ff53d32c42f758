"""Health addresses: ``/livez`` (this process answers) and ``/readyz`` (the whole installation can do its work).

Both are open to everybody, so they say what is wrong but name no host, account or table.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from jobqueue.scheduler import copy_guard
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.models import Cluster, ScheduledTask

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one readiness check: is it well, and the fact behind it in a sentence."""

    ok: bool
    reason: str


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when every check is well, else 503; the body names each check with its reason either way."""
    findings = examine()
    ready = all(finding.ok for finding in findings.values())
    checks = {
        name: {"status": _word(finding.ok), "reason": finding.reason} for name, finding in findings.items()
    }
    return JsonResponse({"status": _word(ready), "checks": checks}, status=200 if ready else 503)


def examine() -> dict[str, Finding]:
    """Runs the checks from the ground up; without database or tables the rest cannot be answered, and they say so."""
    findings: dict[str, Finding] = {}
    for name, check in CHECKS.items():
        missing = next((base for base in GROUND if base in findings and not findings[base].ok), None)
        if missing:
            findings[name] = Finding(False, f"Not checked, because of '{missing}'.")
            continue
        try:
            findings[name] = check()
        except DatabaseError as error:
            log.warning("Readiness check %s failed: %s", name, error)
            findings[name] = Finding(False, "The database does not answer; the log has its message.")
    return findings


def database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Finding(True, "The database answers.")


def migrations() -> Finding:
    """Once found complete it is not asked again: this process' code, and so its migrations, cannot change."""
    global _migrations_are_applied
    if not _migrations_are_applied:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if missing:
            return Finding(False, f"{missing} migrations are not applied. Run 'manage.py migrate'.")
        _migrations_are_applied = True
    return Finding(True, "All migrations are applied.")


def installation() -> Finding:
    verdict = copy_guard.look()
    if verdict.held:
        return Finding(False, f"{verdict.reason} Schedules are held until an administrator adopts it.")
    return Finding(True, verdict.reason)


def workers() -> Finding:
    now = database_now()
    live = Cluster.objects.filter(state=Cluster.State.LIVE, lease_until__gt=now)
    beats = list(live.values_list("heartbeat_at", "workers"))
    if not beats:
        return Finding(False, "No worker has been seen recently. Start one with 'manage.py jobworker'.")
    processes, last_seen = sum(count for _, count in beats), max(moment for moment, _ in beats)
    return Finding(True, f"{processes} worker processes, last seen {_seconds(now, since=last_seen)} s ago.")


def tasks() -> Finding:
    now = database_now()
    due = ScheduledTask.objects.filter(state=ScheduledTask.State.FREE, is_ready=True, not_before__lte=now)
    oldest = due.aggregate(oldest=Min("not_before"))["oldest"]
    if oldest is None:
        return Finding(True, "No task is waiting to be started.")
    age, limit = _seconds(now, since=oldest), settings.READY_TASK_AGE_SECONDS
    if age <= limit:
        return Finding(True, f"The oldest due task has waited {age} s.")
    return Finding(
        False, f"The oldest due task has waited {age} s, longer than {limit} s. Are there enough workers?"
    )


def _word(ok: bool) -> str:
    return "ok" if ok else "fail"


def _seconds(now: datetime, *, since: datetime) -> int:
    return max(0, int((now - since).total_seconds()))


GROUND = ("database", "migrations")
CHECKS: dict[str, Callable[[], Finding]] = {
    "database": database,
    "migrations": migrations,
    "installation": installation,
    "workers": workers,
    "tasks": tasks,
}
_migrations_are_applied = False
