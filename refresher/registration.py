"""Registering jobs by code: protected ones that are always monitored, created again and enforced.

An app connects a receiver to ``refresher.events.register_jobs``, best in its ``jobs.py``; it is called on every pass:

    @receiver(register_jobs)
    def critical_jobs(registrar, **named):
        registrar.recurring(50100, key="posting", minutes=60, description="Post item ledger")

Source: *Refresher reference, Registration phase*.
"""

import logging
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from django.db import InterfaceError, OperationalError, models, transaction

from jobqueue.actors import SYSTEM
from jobqueue.errors import Invalid, Problem
from jobqueue.events import ask, before_insert_recurring_entry
from jobqueue.models import Company, Entry
from jobqueue.models.entry import WEEKDAY_FIELDS
from jobqueue.objects.records import record_reference
from jobqueue.states import HoldKind, ObjectType, Status
from jobqueue.validation import apply, coerce, problems_of
from refresher import events
from refresher.adding import Description, add
from refresher.asking import protection_is_skipped
from refresher.models import MonitoredJob, RefreshSetup
from refresher.results import Registered
from refresher.setting_up import locked_setup

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
RERUN_DELAY_SECONDS = 180
WINDOW_HOURS = 2


class Registrar:
    """What a receiver of ``register_jobs`` is handed: it registers the jobs of one app for one company."""

    def __init__(
        self, setup: RefreshSetup, *, source: str, now: datetime, write: bool, afresh: bool = False
    ) -> None:
        self.company: Company = setup.company
        self.now = now
        self.registered: list[Registered] = []
        self._setup = setup
        self._source = source
        self._write = write
        self._afresh = afresh

    def recurring(
        self,
        object_id: int,
        *,
        key: str = "",
        object_type: ObjectType = ObjectType.CODEUNIT,
        minutes: int = 0,
        formula: str = "",
        starting_time: time | None = None,
        ending_time: time | None = None,
        record: models.Model | str | None = None,
        max_attempts: int | None = None,
        rerun_delay_seconds: int | None = None,
        protected: bool = True,
        customisable: bool = False,
        auto_reschedule_delay_seconds: int | None = None,
        heartbeat_url: str = "",
        **values: Any,
    ) -> MonitoredJob:
        """Registers or renews a job that repeats by ``minutes`` (1,440 if 0, on every day) or a date ``formula``.

        ``key`` tells the app's jobs apart; without one they are told apart by what they run. Unset attempts are 5,
        180 s apart; a starting time without an ending time opens a window of two hours. Further ``values`` by field
        name of the entry, also weekdays. Raises ``Invalid`` with every problem.
        """
        given: dict[str, Any] = {
            "object_type": int(object_type),
            "object_id": object_id,
            "record_to_process": record_reference(record),
            "starting_time": starting_time,
            "ending_time": ending_time or _two_hours_after(starting_time),
            "max_attempts": MAX_ATTEMPTS if max_attempts is None else max_attempts,
            "rerun_delay_seconds": RERUN_DELAY_SECONDS
            if rerun_delay_seconds is None
            else rerun_delay_seconds,
        }
        given |= {"next_run_date_formula": formula} if formula else _on_days(minutes, values)
        entry = self._described(given | values)
        beside: dict[str, Any] = {"heartbeat_url": heartbeat_url}
        if auto_reschedule_delay_seconds is not None:
            beside |= {
                "auto_reschedule": True,
                "auto_reschedule_delay_seconds": auto_reschedule_delay_seconds,
            }
        description = Description(
            is_protected=protected,
            is_customisable=customisable,
            registered_by=self._source[:150],
            registered_as=f"{self._source.partition(':')[0]}:{key}"[:100] if key else "",
            beside=beside,
        )
        added = add(
            entry,
            actor=SYSTEM,
            now=self.now,
            description=description,
            write=self._write,
            afresh=self._afresh,
        )
        self.registered.append(
            Registered(self._source, description.registered_as, added.job, added.is_new, added.changes)
        )
        return added.job

    def _described(self, values: dict[str, Any]) -> Entry:
        """The entry as code describes it, after extensions had their say; it is never stored."""
        entry = Entry(company=self.company, status=Status.ON_HOLD, hold_kind=HoldKind.PROGRAM)
        in_window = values.get("starting_time") or values.get("ending_time")
        zone = self._setup.default_time_zone if in_window else ""
        entry.time_zone = zone or self.company.time_zone
        clean, problems = coerce(values, time_zone=entry.time_zone, by_code=True)
        problems += apply(entry, clean, by_code=True, now=self.now)
        if not problems:
            ask(before_insert_recurring_entry, entry=entry, actor=SYSTEM)
            problems = problems_of(entry, by_code=True, changed=(), now=self.now)
        if not entry.recurring:
            sentence = "Only recurring jobs are monitored. Give minutes, weekdays or a date formula."
            problems.append(Problem("next_run_date_formula", "not_recurring", sentence))
        if problems:
            raise Invalid(problems)
        return entry


def register_all(
    setup: RefreshSetup, *, now: datetime, write: bool = True, afresh: bool = False
) -> list[Registered]:
    """The registration phase: every receiver of ``register_jobs``, each in a transaction of its own.

    A receiver that fails is logged and reported; its templates stay as they were, the others go on. Nothing happens if
    an extension skips protection. With ``write`` off the templates are only made in memory, with ``afresh`` besides
    as code alone describes them, without what people changed.
    """
    if protection_is_skipped(setup.company):
        return []
    found: list[Registered] = []
    for receiver in _receivers():
        source = _source(receiver)
        registrar = Registrar(setup, source=source, now=now, write=write, afresh=afresh)
        try:
            with transaction.atomic():
                if write:
                    locked_setup(setup.company)  # the lock: two passes never register the same job twice
                receiver(
                    signal=events.register_jobs,
                    sender=MonitoredJob,
                    company=setup.company,
                    registrar=registrar,
                )
                if not write:
                    transaction.set_rollback(True)  # a receiver might write by itself, though it must not
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("%s could not register its jobs.", source)
            found.append(Registered(source, error=str(error) or type(error).__name__))
        else:
            found += registrar.registered
    return found


def is_used() -> bool:
    """Whether any app registers jobs."""
    return bool(events.register_jobs.has_listeners(MonitoredJob))


def _receivers() -> list[Callable[..., Any]]:
    if not is_used():
        return []
    return list(events.register_jobs._live_receivers(MonitoredJob)[0])


def _source(receiver: Callable[..., Any]) -> str:
    """Module and name of a receiver: shown as the code that registered a job."""
    name = getattr(receiver, "__qualname__", type(receiver).__qualname__)
    return f"{getattr(receiver, '__module__', '')}:{name}"


def _on_days(minutes: int, values: dict[str, Any]) -> dict[str, Any]:
    given = any(name in values for name in (*WEEKDAY_FIELDS, "weekdays"))
    return {"minutes_between_runs": minutes} | ({} if given else dict.fromkeys(WEEKDAY_FIELDS, True))


def _two_hours_after(starting_time: time | None) -> time | None:
    if starting_time is None:
        return None
    return starting_time.replace(hour=(starting_time.hour + WINDOW_HOURS) % 24)
