"""The ordinary log entries of run lines: every attempt of a line is a row of the ledger."""

from collections import defaultdict
from collections.abc import Iterable

from jobqueue.models import LogEntry
from packages.models import RunLine


def attempts_of(lines: Iterable[RunLine]) -> dict[int, list[LogEntry]]:
    """By the key of the line its log entries, first attempt first; one query for all lines."""
    keys = {(line.entry_id, line.entry_due_at): line.pk for line in lines if line.entry_due_at is not None}
    found: dict[int, list[LogEntry]] = defaultdict(list)
    if not keys:
        return found
    rows = LogEntry.objects.filter(
        entry_id__in={entry for entry, _ in keys}, due_at__in={due for _, due in keys}
    )
    for row in rows.order_by("attempt", "entry_no"):
        if (row.entry_id, row.due_at) in keys:
            found[keys[row.entry_id, row.due_at]].append(row)
    return found
