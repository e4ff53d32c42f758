"""The copy guard: a restored or cloned database runs nothing before somebody adopts it.

Two things give a copy away. Its stored site id is not ours: it was cloned, or belongs to another installation. Or it
knows fewer heartbeats than the file beside the installation: it was restored from the past, and what ran since then is
about to run again. Numbers are compared, never clocks: hosts may disagree on the time and may have been off for weeks.
Source: *Decisions, Safety*, copy guard; *Job queue reference, Copies*.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction

from jobqueue.conf import settings
from jobqueue.scheduler import heartbeat_file
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.heartbeat_file import Heartbeat
from jobqueue.scheduler.installation import THE_ROW, Installation

logger = logging.getLogger("jobqueue.scheduler")


class Standing(StrEnum):
    """How a database stands to this installation."""

    OURS = "ours"
    FOREIGN = "foreign"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether work is held, and why: ``reason`` for everybody, ``details`` with names for those who may see them."""

    standing: Standing
    reason: str = "The database belongs to this installation."
    details: str = ""
    since: datetime | None = None

    @property
    def held(self) -> bool:
        return self.standing is not Standing.OURS


OURS = Verdict(Standing.OURS)


def look() -> Verdict:
    """Judges the database without changing anything; one query unless the file beside it says more."""
    row = stored()
    if row is None:
        return OURS
    verdict = _judge(row, kept=_kept(row))
    if verdict.standing is Standing.RESTORED and not row.held_reason:
        # A worker may have stored and kept a newer heartbeat since the row was read: read it again.
        kept = _kept(row)
        again = stored()
        return OURS if again is None else _judge(again, kept=kept)
    return verdict


def keeps_heartbeats() -> bool:
    """Whether this host keeps a heartbeat of the database, once there has been one."""
    row = stored()
    return row is None or not row.heartbeat_number or _kept(row) is not None


def stored() -> Installation | None:
    """The row of the installation; None in a fresh database."""
    return Installation.objects.select_related("adopted_by").filter(pk=THE_ROW).first()


def own_row() -> Installation:
    """The row, made for this installation in a fresh database."""
    site_id = our_site_id()
    row, is_new = Installation.objects.get_or_create(
        pk=THE_ROW, defaults={"site_id": site_id, "heartbeat_at": database_now()}
    )
    if is_new:
        logger.info("The database is new and belongs to “%s” from now on.", site_id)
    return row


class CopyGuard:
    """A supervisor's side of the guard: beats with it, and learns whether anything may be claimed.

    ``held`` until the first look, and while the guard is unsure.
    """

    def __init__(self) -> None:
        self.held = True
        self._last: dict[UUID, Heartbeat] = {}
        self._told = ""

    def beat(self) -> bool:
        """Judges the database and, if it is ours, stores a heartbeat and keeps it; returns whether work is held."""
        row = own_row()
        kept = self._latest(row)
        verdict = _judge(row, kept=kept)
        if verdict.standing is Standing.RESTORED and not row.held_reason:
            # Another worker of this host may have beaten between the two readings: the row must be read last.
            row = own_row()
            verdict = _judge(row, kept=kept)
        if verdict.held:
            if verdict.standing is Standing.RESTORED and not row.held_reason:
                _remember(row, verdict)
        else:
            self._store(row, kept=kept)
        self._tell(verdict)
        self.held = verdict.held
        return self.held

    def unsure(self) -> None:
        """The database was away and may come back as another one: held until the next look."""
        self.held = True

    def _latest(self, row: Installation) -> Heartbeat | None:
        """The higher of what this process stored and what the file says: the folder may not be writable."""
        found = [one for one in (_kept(row), self._last.get(row.identity)) if one is not None]
        return max(found, key=lambda one: one.number, default=None)

    def _store(self, row: Installation, *, kept: Heartbeat | None) -> None:
        beat = Heartbeat(max(row.heartbeat_number, kept.number if kept else 0) + 1, database_now())
        with _durable():
            moved = Installation.objects.filter(
                pk=THE_ROW,
                identity=row.identity,
                site_id=row.site_id,
                held_reason="",
                heartbeat_number=row.heartbeat_number,
            ).update(heartbeat_number=beat.number, heartbeat_at=beat.at)
        if moved:  # else another host beat in this moment, and the database has moved on all the same
            self._last = {row.identity: beat}
            heartbeat_file.write(settings().heartbeat_dir, row.identity, beat, site_id=row.site_id)

    def _tell(self, verdict: Verdict) -> None:
        if verdict.reason == self._told or not (verdict.held or self._told):
            return
        self._told = verdict.reason
        if verdict.held:
            logger.error("%s %s Nothing is claimed.", verdict.reason, verdict.details)
        else:
            logger.warning("The database was adopted; work goes on.")


def _judge(row: Installation, *, kept: Heartbeat | None) -> Verdict:
    ours = our_site_id()
    if row.site_id != ours:
        return Verdict(
            Standing.FOREIGN,
            "The database belongs to another installation: the site id stored in it is not SITE_ID.",
            f"It belongs to “{row.site_id}”, and this installation is “{ours}”.",
        )
    reason = "The database was restored from the past: it is older than the heartbeat kept beside the installation."
    if row.held_reason:
        return Verdict(Standing.RESTORED, reason, row.held_reason, row.held_at)
    if kept is None or kept.number <= row.heartbeat_number or not _is_older(row, kept):
        return OURS
    return Verdict(
        Standing.RESTORED,
        reason,
        f"Its last heartbeat is of {_moment(row.heartbeat_at)}; the one kept here is of {_moment(kept.at)}.",
    )


def our_site_id() -> str:
    return settings().site_id[: Installation._meta.get_field("site_id").max_length]


def _is_older(row: Installation, kept: Heartbeat) -> bool:
    """Beyond the tolerance, for databases whose standby may lack the last commits."""
    tolerance = settings().restore_tolerance_seconds
    return not tolerance or kept.at - row.heartbeat_at > timedelta(seconds=tolerance)


def _kept(row: Installation) -> Heartbeat | None:
    return heartbeat_file.read(settings().heartbeat_dir, row.identity)


def _remember(row: Installation, verdict: Verdict) -> None:
    """Stores the hold, so that every host and every page sees it; the first host to notice has the word."""
    Installation.objects.filter(
        pk=THE_ROW, identity=row.identity, held_reason="", heartbeat_number=row.heartbeat_number
    ).update(held_reason=verdict.details[:500], held_at=database_now())


@contextmanager
def _durable() -> Iterator[None]:
    """A transaction that survives a power cut, whatever the database is set to: else the file could know more."""
    if connection.in_atomic_block:
        yield  # the caller's transaction decides
        return
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('synchronous_commit', 'on', true)")
            yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        before = cursor.fetchone()[0]
        cursor.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA synchronous = {int(before)}")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
