"""The latest runs of many entries in one query, however long their logs are."""

import uuid
from collections.abc import Iterable

from django.db import connection

from jobqueue.models import LogEntry

SHOWN = 10
COLUMNS = (
    "entry_no",
    "entry_id",
    "status",
    "error_kind",
    "due_at",
    "started_at",
    "ended_at",
    "error_message",
    "reason",
    "attempt",
)


def recent_runs(entry_ids: Iterable[uuid.UUID], *, count: int = SHOWN) -> dict[uuid.UUID, list[LogEntry]]:
    """Per entry its latest ledger rows, newest first, with only the columns a list shows.

    One limited sub-select per entry walks the unique index (entry, due moment, attempt) backwards, so the cost does
    not grow with the log. At most a page of entries may be given (SQLite joins at most 500 selects).
    """
    found: dict[uuid.UUID, list[LogEntry]] = {entry_id: [] for entry_id in entry_ids}
    if not found:
        return found
    key = LogEntry._meta.get_field("entry_id")
    quoted = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    table = connection.ops.quote_name(LogEntry._meta.db_table)
    one = (
        f"SELECT * FROM (SELECT {quoted} FROM {table} WHERE entry_id = %s "
        f"ORDER BY due_at DESC, attempt DESC LIMIT {int(count)}) AS latest"
    )
    parameters = [key.get_db_prep_value(entry_id, connection) for entry_id in found]
    for run in LogEntry.objects.raw(" UNION ALL ".join([one] * len(found)), parameters):
        found[run.entry_id].append(run)
    for runs in found.values():
        runs.sort(key=lambda run: (run.due_at, run.attempt), reverse=True)
    return found
