"""The role centre: is everything running, what needs me, what runs now, what comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum
from django.http import HttpRequest
from django.urls import reverse

from jobqueue.admin import badges, extensions
from jobqueue.admin.base import may, now_of
from jobqueue.admin.entry_verbs import BY_NAME
from jobqueue.admin.verbs import Button, missing_level
from jobqueue.models import Cluster, Entry, LogEntry, ScheduledTask
from jobqueue.models.company import Company
from jobqueue.querysets import running_entries
from jobqueue.states import LogStatus, Status

SHOWN_ERRORS = 6
SHOWN_RUNNING = 8
SHOWN_NEXT = 8
# A cluster writes its heartbeat every 5 seconds; three missed ones are worth a look.
QUIET_AFTER = timedelta(seconds=20)
OLD_DUE = timedelta(minutes=1)


@dataclass(frozen=True)
class Light:
    """One sign on the status line: a look, a sentence, and the moment it is about."""

    look: str  # good, warn, bad
    text: str
    at: datetime | None = None


@dataclass(frozen=True)
class Tile:
    name: str
    count: int
    address: str
    look: str
    drawing: str


def contents(request: HttpRequest) -> dict[str, Any]:
    """Everything the page shows, in a fixed number of queries."""
    company, now = request.company, now_of(request)
    counts = status_counts(company)
    in_process = running_count(company)
    next_runs = list(
        Entry.objects.filter(company=company, status__in=[Status.READY, Status.INACTIVITY])
        .exclude(earliest_start_at=None)
        .order_by("earliest_start_at")[:SHOWN_NEXT]
    )
    return {
        "lights": [*lights(company, now=now), *extensions.lights(request)],
        "calls": extensions.calls(request),
        "needs_you": needs_you(request, counts=counts),
        "error_count": counts.get(Status.ERROR, 0),
        "tiles": [
            *tiles(
                counts, late=late_count(company, now=now), in_process=in_process, held=held_count(company)
            ),
            *extensions.tiles(request),
        ],
        "running": running(company),
        "running_count": in_process,
        "next_runs": in_order([*map(partial(entry_run, now=now), next_runs), *extensions.next_runs(request)]),
        "has_entries": bool(counts),
        "may_schedule": may(request, "schedule"),
    }


def entry_run(entry: Entry, *, now: datetime) -> extensions.NextRun:
    """The next start of an entry as a row."""
    assert entry.earliest_start_at is not None
    return extensions.NextRun(
        name=str(entry),
        address=reverse("admin:jobqueue_entry_change", args=[entry.pk]),
        at=entry.earliest_start_at,
        time_zone=entry.time_zone,
        is_late=badges.is_late(entry, now=now),
    )


def in_order(runs: list[extensions.NextRun]) -> list[extensions.NextRun]:
    """The first of them, whoever they belong to."""
    return sorted(runs, key=lambda run: run.at)[:SHOWN_NEXT]


def status_counts(company: Company) -> dict[int, int]:
    """Number of entries by status; statuses without entries are absent."""
    rows = Entry.objects.filter(company=company).order_by().values_list("status").annotate(Count("pk"))
    return dict(rows)


def running_count(company: Company) -> int:
    """Number of entries with a run in process, extra runs beside the status included."""
    return running_entries(company).count()


def held_count(company: Company) -> int:
    """Entries somebody holds. Those of an owner rest On Hold between its runs, which is nothing to see to."""
    return Entry.objects.filter(company=company, status=Status.ON_HOLD, owner_kind="").count()


def late_count(company: Company, *, now: datetime) -> int:
    return Entry.objects.filter(
        company=company, status=Status.READY, earliest_start_at__lt=now - badges.LATE_AFTER
    ).count()


def lights(company: Company, *, now: datetime) -> list[Light]:
    """Workers, heartbeat and the oldest due task: the three signs that anything runs at all."""
    live = Cluster.objects.filter(state__in=[Cluster.State.LIVE, Cluster.State.DRAINING], lease_until__gt=now)
    found = live.aggregate(workers=Sum("workers"), seen=Max("heartbeat_at"), clusters=Count("pk"))
    due = ScheduledTask.objects.filter(
        Q(company=company) | Q(company=None),
        state=ScheduledTask.State.FREE,
        is_ready=True,
        not_before__lt=now,
    ).aggregate(oldest=Min("not_before"))["oldest"]
    return [_workers(found), _heartbeat(found["seen"], now=now), _oldest(due, now=now)]


def _workers(found: dict[str, Any]) -> Light:
    if not found["clusters"]:
        return Light("bad", "No worker is running. Start one with “manage.py jobworker”.")
    hosts = "" if found["clusters"] == 1 else f" in {found['clusters']} clusters"
    return Light("good", f"{found['workers']} worker{'' if found['workers'] == 1 else 's'}{hosts}")


def _heartbeat(seen: datetime | None, *, now: datetime) -> Light:
    if seen is None:
        return Light("bad", "No heartbeat")
    return Light("good" if now - seen < QUIET_AFTER else "warn", "Heartbeat", seen)


def _oldest(due: datetime | None, *, now: datetime) -> Light:
    if due is None:
        return Light("good", "Nothing is overdue")
    return Light("warn" if now - due > OLD_DUE else "good", "Oldest due", due)


def needs_you(request: HttpRequest, *, counts: dict[int, int]) -> list[dict[str, Any]]:
    """Entries in Error, latest first, each with its message, since when, and the verbs that help.

    What happens to an entry with an owner is its owner's to say (``extensions.calls``).
    """
    if not counts.get(Status.ERROR):
        return []
    entries = Entry.objects.filter(company=request.company, status=Status.ERROR)
    entries = entries.exclude(owner_kind__in=[pages.kind for pages in extensions.owners()])
    shown = list(entries.select_related("user").order_by("-modified_at", "-entry_no")[:SHOWN_ERRORS])
    return [{"entry": entry, "buttons": _helping(request, entry)} for entry in shown]


def _helping(request: HttpRequest, entry: Entry) -> list[Button]:
    buttons = []
    for name in ("restart", "set-on-hold"):
        verb = BY_NAME[name]
        level = verb.level if not entry.is_system else "administer"
        reason = "" if may(request, level) else missing_level(verb, level)
        address = reverse(f"admin:jobqueue_entry_{name.replace('-', '_')}", args=[entry.pk])
        buttons.append(Button(verb, address, reason, verb.label))
    return buttons


def tiles(counts: dict[int, int], *, late: int, in_process: int, held: int) -> list[Tile]:
    """Counts that lead to the filtered list; *Late* only when something is."""
    error, waiting, queue = (
        counts.get(Status.ERROR, 0),
        counts.get(Status.WAITING, 0),
        counts.get(Status.READY, 0),
    )
    listing = reverse("admin:jobqueue_entry_changelist")
    found = [
        Tile("Error", error, f"{listing}?tab=error", "error" if error else "quiet", "square"),
        Tile("In Process", in_process, f"{listing}?tab=in-process", "running", "ring"),
        Tile("Ready", queue, f"{listing}?tab=ready", "ready", "clock"),
        Tile("Waiting", waiting, f"{listing}?tab=waiting", "waiting" if waiting else "quiet", "hourglass"),
        Tile("On Hold", held, f"{listing}?tab=on-hold&owner=-", "held", "pause"),
    ]
    if late:
        found.insert(3, Tile("Late", late, f"{listing}?tab=late", "late", "clock"))
    return found


def running(company: Company) -> list[LogEntry]:
    """Runs in process, longest running first."""
    rows = LogEntry.objects.filter(company=company, status=LogStatus.IN_PROCESS).select_related("user")
    return list(rows.order_by("started_at", "entry_no")[:SHOWN_RUNNING])
