"""The lines of a package as its card shows them: what runs, in which order, and how its entry fared last."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from jobqueue.objects import registry
from jobqueue.states import ObjectType, Status
from packages.models import Package, PackageLine
from packages.states import OnError


@dataclass
class LineShown:
    """One line with its words; ``form`` holds its run order and tick while the card is open."""

    line: PackageLine
    object_words: str
    notes: list[str]
    entry_address: str
    error: str
    form: Any = None


def lines_shown(package: Package, *, form: Any = None) -> list[LineShown]:
    """The lines in their order, in one query; beside each the part of the card's form that belongs to it."""
    parts = {}
    for part in form.line_orders.forms if form is not None else ():
        key = part["id"].value()
        parts[str(key)] = part
    rows = package.lines.select_related("entry")
    return [line_shown(line, form=parts.get(str(line.pk))) for line in rows]


def line_shown(line: PackageLine, *, form: Any = None) -> LineShown:
    entry = line.entry
    job = registry.find(entry.object_type, entry.object_id)
    caption = job.caption if job is not None else "not registered by any installed app"
    notes = []
    if line.always:
        notes.append("always runs")
    if line.on_error:
        notes.append(f"On Error: {OnError(line.on_error).label}")
    if entry.category_code:
        notes.append(f"category {entry.category_code}")
    if entry.max_attempts:
        notes.append(f"up to {entry.max_attempts} retries" if entry.max_attempts > 1 else "1 retry")
    return LineShown(
        line,
        f"{ObjectType(entry.object_type).label} {entry.object_id} {caption}",
        notes,
        reverse("admin:jobqueue_entry_change", args=[entry.pk]),
        entry.error_message if entry.status == Status.ERROR else "",
        form,
    )
