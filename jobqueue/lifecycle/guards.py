"""What stands against a verb: the status, a run in process, an owner, an expiration; each refusal says the way out."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import ForbiddenUser, Invalid, NotAllowed, Refused
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.permissions import require_may_run
from jobqueue.querysets import running_log_entries
from jobqueue.states import Origin, Status
from jobqueue.validation import problems_of


def words(entry: Entry) -> str:
    """The entry as sentences name it: “Bank import” (entry 12)."""
    return f"“{entry}” (entry {entry.pk})"


def by_program(actor: Actor) -> bool:
    """Whether application code or the system acts, not a person or an integration."""
    return actor.origin in (Origin.PROGRAM, Origin.SYSTEM, Origin.SCHEDULE)


def require_status(entry: Entry, allowed: Collection[Status], *, doing: str, way_out: str) -> None:
    """Raises ``Refused`` naming the present status, what was asked, and what to do instead."""
    if entry.status in allowed:
        return
    if entry.status == Status.IN_PROCESS:
        raise Refused(
            f"{words(entry)} is In Process and cannot be {doing} while it runs. "
            "Wait for the end of the run, or cancel it first.",
            code="in_process",
        )
    raise Refused(f"{words(entry)} is {Status(entry.status).label} and cannot be {doing}. {way_out}")


def require_idle(entry: Entry, *, doing: str) -> None:
    """Refuses while a run goes on that the status does not show: one under a hold, or an extra run."""
    running = running_log_entries(entry).first()
    if running is None:
        return
    since = f" since {running.started_at:%H:%M:%S} UTC" if running.started_at else ""
    raise Refused(
        f"A run of {words(entry)} is in process{since}; it cannot be {doing} before that run has ended. "
        "Wait, cancel the run, or, if it is lost, set its log entry to Error.",
        code="in_process",
    )


def require_free_of_owner(entry: Entry, *, actor: Actor, as_owner: bool, doing: str) -> None:
    """Entries that belong to an owner are moved by it alone: program code that says ``as_owner``."""
    if not entry.owner_kind or (as_owner and by_program(actor)):
        return
    raise Refused(
        f"{words(entry)} is owned by a {entry.owner_kind}, “{entry.owner_reference}”, and cannot be {doing} by itself. "
        f"Do it from its {entry.owner_kind}.",
        code="owned",
    )


def require_not_expired(entry: Entry, *, now: datetime) -> None:
    """Refuses to release an entry the dispatcher would only delete."""
    if entry.expires_at is not None and entry.expires_at < now:
        raise Refused(
            f"{words(entry)} expired at {entry.expires_at:%Y-%m-%d %H:%M} UTC. "
            "Set it On Hold and clear or move its expiration first.",
            code="expired",
        )


def require_valid(entry: Entry, *, now: datetime) -> None:
    """Raises ``Invalid`` with everything that would keep the entry from running."""
    problems = problems_of(entry, by_code=True, changed=(), now=now)
    if problems:
        raise Invalid(problems)


def require_runnable_by(user: Any, entry: Entry) -> None:
    """Raises ``NotAllowed`` unless jobs of the entry's object may run as ``user``."""
    if user is None:
        return
    job = registry.find(entry.object_type, entry.object_id)
    if job is None:
        return
    try:
        require_may_run(user, job)
    except ForbiddenUser as error:
        raise NotAllowed(error.message, code=error.code) from error
