"""Subcommands that only read. Each returns the JSON answer and the words for people."""

from argparse import Namespace
from typing import Any

from django.db.models import Count

from jobqueue import querysets
from jobqueue.actors import Actor
from jobqueue.command_line.acting import company_of, entry_id_of, entry_of, object_values
from jobqueue.command_line.output import facts, table
from jobqueue.command_line.representations import (
    Json,
    category_json,
    change_json,
    entry_json,
    explanation_json,
    log_json,
    moment,
    planned_json,
)
from jobqueue.errors import Refused
from jobqueue.explain import explain as explain_entry
from jobqueue.models import Category, Cluster, Entry, EntryChange, LogEntry
from jobqueue.objects import registry
from jobqueue.permissions import require
from jobqueue.preview import preview as preview_of
from jobqueue.scheduler import database_now
from jobqueue.states import LogStatus, ObjectType, Status

Answer = tuple[Any, str]

_MARKS = {True: "✓", False: "✗", None: "–"}


def list_entries(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    rows = querysets.entries_of(company).select_related("held_by", "created_by")
    if options.status:
        rows = rows.filter(status__in=[_status(text) for text in options.status])
    if options.category:
        rows = rows.filter(category_code=options.category.strip().upper())
    if options.object:
        rows = rows.filter(**object_values(options.object))
    found = list(rows)
    heads = ("No.", "Status", "Description", "Object", "Category", "Next run (UTC)", "User")
    lines = [
        (entry.entry_no, Status(entry.status).label, entry.description, _object(entry), entry.category_code,
         entry.earliest_start_at, entry.user or "System")
        for entry in found
    ]  # fmt: skip
    return [entry_json(entry) for entry in found], table(heads, lines)


def show(options: Namespace, actor: Actor) -> Answer:
    found = entry_json(entry_of(options, actor))
    return found, facts(found)


def explain(options: Namespace, actor: Actor) -> Answer:
    explanation = explain_entry(entry_of(options, actor), now=database_now())
    lines = [
        (_MARKS[gate.open], gate.name, gate.reason, gate.opener if gate.open is False else "")
        for gate in explanation.gates
    ]
    words = f"{explanation.sentence}\n\n{table(('', 'Gate', 'Why', 'Opened by'), lines)}"
    return explanation_json(explanation), words


def preview(options: Namespace, actor: Actor) -> Answer:
    planned = preview_of(entry_of(options, actor), now=database_now(), count=options.count)
    lines = [(run.at, run.local.strftime("%a %Y-%m-%d %H:%M:%S %Z"), "; ".join(run.notes)) for run in planned]
    return [planned_json(run) for run in planned], table(("UTC", "Local", "Remarks"), lines)


def log(options: Namespace, actor: Actor) -> Answer:
    if options.entry:
        rows = LogEntry.objects.filter(entry_id=entry_id_of(options, actor))
    else:
        company = company_of(options, actor)
        require(actor, "view", company)
        rows = LogEntry.objects.filter(company=company)
    if options.status:
        rows = rows.filter(status__in=[_log_status(text) for text in options.status])
    rows = rows.select_related("user", "ended_by").prefetch_related("lines").order_by("-entry_no")
    found = list(rows[: options.limit])
    heads = ("No.", "Status", "Description", "Due (UTC)", "Started (UTC)", "ms", "Message")
    lines = [
        (row.entry_no, LogStatus(row.status).label, row.description, row.due_at, row.started_at, row.duration_ms,
         row.error_message or row.reason)
        for row in found
    ]  # fmt: skip
    return [log_json(row, with_lines=options.lines) for row in found], table(heads, lines)


def history(options: Namespace, actor: Actor) -> Answer:
    changes = EntryChange.objects.filter(entry_id=entry_id_of(options, actor))
    found = list(changes.select_related("user")[: options.limit])
    lines = [
        (change.at, change.user or "System", change.origin, change.action, change.reason, _changes(change))
        for change in found
    ]
    heads = ("At (UTC)", "User", "Door", "Action", "Reason", "Changes")
    return [change_json(change) for change in found], table(heads, lines)


def status(options: Namespace, actor: Actor) -> Answer:
    """How the company's queue stands: entries by status, what is late, and which clusters are alive."""
    company = company_of(options, actor)
    require(actor, "view", company)
    now = database_now()
    entries = Entry.objects.filter(company=company)
    counts = dict(entries.order_by().values_list("status").annotate(Count("pk")))
    ready = entries.filter(status=Status.READY)
    following = ready.filter(earliest_start_at__gt=now).order_by("earliest_start_at").first()
    clusters = Cluster.objects.filter(state__in=[Cluster.State.LIVE, Cluster.State.DRAINING])
    found: Json = {
        "company": company.code,
        "at": moment(now),
        "entries": {status.label: counts.get(int(status), 0) for status in Status},
        "overdue": ready.filter(earliest_start_at__lte=now).count(),
        "next_run": moment(following.earliest_start_at) if following else None,
        "clusters": [
            {
                "name": cluster.name,
                "host": cluster.host,
                "workers": cluster.workers,
                "state": cluster.state,
                "heartbeat_at": moment(cluster.heartbeat_at),
                "alive": cluster.lease_until > now,
            }
            for cluster in clusters
        ],
    }
    words = {
        **{name: str(count) for name, count in found["entries"].items()},
        "Overdue": found["overdue"],
        "Next run": found["next_run"],
        "Clusters": ", ".join(
            f"{one['host']} ({one['workers']} workers)" for one in found["clusters"] if one["alive"]
        )
        or "none alive: start “manage.py jobworker”",
    }
    return found, facts(words)


def objects(options: Namespace, actor: Actor) -> Answer:
    """The job objects installed apps register, with their parameters."""
    require(actor, "view", None)
    found: list[Json] = [
        {
            "object_type": job.object_type.label,
            "object_id": job.object_id,
            "caption": job.caption,
            "help": job.help,
            "permission": job.permission,
            "parameters": job.schema(),
        }
        for job in registry.all()
    ]
    lines = [
        (
            f"{job['object_type']} {job['object_id']}",
            job["caption"],
            ", ".join(p["name"] for p in job["parameters"]),
        )
        for job in found
    ]
    return found, table(("Object", "Caption", "Parameters"), lines)


def categories(options: Namespace, actor: Actor) -> Answer:
    company = company_of(options, actor)
    require(actor, "view", company)
    found = [category_json(category) for category in Category.objects.filter(company=company)]
    return found, table(("Code", "Description", "Slots"), [tuple(category.values()) for category in found])


def _object(entry: Entry) -> str:
    return f"{ObjectType(entry.object_type).label} {entry.object_id}"


def _changes(change: EntryChange) -> str:
    return "; ".join(f"{name}: {old or '–'} → {new or '–'}" for name, (old, new) in change.changes.items())


def _status(text: str) -> Status:
    return _member(Status, text)


def _log_status(text: str) -> LogStatus:
    return _member(LogStatus, text)


def _member(kind: Any, text: str) -> Any:
    words = text.strip().lower().replace("_", "-").replace(" ", "-")
    for member in kind:
        if words in (member.label.lower().replace(" ", "-"), member.name.lower().replace("_", "-")):
            return member
    known = ", ".join(member.label for member in kind)
    raise Refused(f"“{text}” is not a status. Choose one of: {known}.", code="usage")
