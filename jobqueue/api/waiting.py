"""Waiting for the end of a run inside a call, and telling cheaply whether anything has happened."""

import re
import threading
import time
from uuid import UUID

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from jobqueue.models import Company, Entry, LogEntry

LONGEST_SECONDS = 30
LOOK_EVERY_SECONDS = 0.1
MOST_WAITING = 2
"""Of one web process at a time: calls that wait must leave threads to others. More are answered at once."""

PREFERENCE = re.compile(r"wait\s*=\s*\"?([0-9]+)\"?", re.IGNORECASE)

_seats = threading.BoundedSemaphore(MOST_WAITING)


class PreferMalformed(APIException):
    status_code = 400
    default_code = "prefer"
    default_detail = f"Write Prefer: wait=n with n from 1 to {LONGEST_SECONDS} seconds, or leave it out."


def preferred(request: Request) -> int:
    """Seconds the caller is ready to wait (``Prefer: wait=n``, RFC 7240); 0 without. Other preferences are ignored."""
    for part in request.headers.get("Prefer", "").split(","):
        if not part.strip().lower().startswith("wait"):
            continue
        found = PREFERENCE.fullmatch(part.split(";")[0].strip())
        if found is None or len(found[1]) > 4 or not 1 <= int(found[1]) <= LONGEST_SECONDS:
            raise PreferMalformed
        return int(found[1])
    return 0


def until_ended(entry_id: UUID, *, seconds: float) -> bool:
    """Waits until a due moment of the entry is settled; False if the time was up, or too many wait already."""
    if not _seats.acquire(blocking=False):
        return False
    try:
        until = time.monotonic() + seconds
        while not _ended(entry_id):
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(LOOK_EVERY_SECONDS, left))
        return True
    finally:
        _seats.release()


def tag_of(company: Company, entry_id: UUID) -> str | None:
    """An ETag that changes whenever the entry or its latest run does, in two small queries; None if neither exists."""
    entry = Entry.objects.filter(company=company, id=entry_id).values_list("revision", flat=True).first()
    rows = LogEntry.objects.filter(company=company, entry_id=entry_id).order_by("-entry_no")
    row = rows.values_list(
        "entry_no", "status", "is_final", "modified_at", "progress_done", "progress_total"
    ).first()
    if entry is None and row is None:
        return None
    moment = "" if row is None or row[3] is None else f"{row[3].timestamp():.6f}"
    run = "-" if row is None else f"{row[0]}.{row[1]}.{int(row[2])}.{moment}.{row[4]}.{row[5]}"
    return f'"{"-" if entry is None else entry}_{run}"'


def _ended(entry_id: UUID) -> bool:
    return LogEntry.objects.filter(entry_id=entry_id, is_final=True).exists()
