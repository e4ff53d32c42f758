"""Error message registers of failed runs: what a run collected, or the one error that ended it.

Source: *Job queue reference, Error message register*.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from jobqueue import telemetry
from jobqueue.models import ErrorMessage, ErrorMessageRegister, LogEntry
from jobqueue.objects import Run, RunMessage
from jobqueue.states import Level, LogStatus

CONTEXT = "Job Queue"
MESSAGE_LENGTH = 2048


def keep(run: Run[Any], *, log_entry_no: int, now: datetime) -> None:
    """Stores the messages a failed run collected in a register of its ledger row, if that is still In Process.

    In a transaction of its own: the run's is gone.
    """
    errors = [item for item in run.messages if item.level == Level.ERROR]
    if not errors:
        return
    with transaction.atomic():
        row = LogEntry.objects.filter(pk=log_entry_no, status=LogStatus.IN_PROCESS).first()
        if row is None:
            return
        register = _register(row, errors[0].message, now=now)
        _store(register, run.messages, row=row, now=now)
        LogEntry.objects.filter(pk=log_entry_no).update(error_register=register)
    telemetry.log_event("000097V", row)


def add_error(row: LogEntry, *, message: str, call_stack: str, now: datetime) -> ErrorMessageRegister:
    """The register of a failed run: the one its job filled, with the ending error added, or a new one."""
    if row.error_register_id is not None:
        return ErrorMessageRegister.objects.get(pk=row.error_register_id)
    register = _register(row, message, now=now)
    _store(register, [RunMessage(Level.ERROR, message)], row=row, now=now, call_stack=call_stack)
    return register


def first_message(register_id: UUID) -> str:
    """The first error of a register: what the entry and its ledger row show."""
    errors = ErrorMessage.objects.filter(
        register_id=register_id, level=Level.ERROR, is_context=False
    ).order_by("id")
    return errors.values_list("message", flat=True).first() or ""


def _register(row: LogEntry, message: str, *, now: datetime) -> ErrorMessageRegister:
    return ErrorMessageRegister.objects.create(
        company_id=row.company_id, user_id=row.user_id, created_at=now, message=message[:MESSAGE_LENGTH]
    )


def _store(
    register: ErrorMessageRegister,
    messages: list[RunMessage],
    *,
    row: LogEntry,
    now: datetime,
    call_stack: str = "",
) -> None:
    seen: set[tuple[int, str, str]] = set()
    rows = []
    for item in messages:
        key = (int(item.level), item.message, item.record)
        rows.append(
            ErrorMessage(
                register=register,
                level=item.level,
                message=item.message[:MESSAGE_LENGTH],
                record=item.record,
                field_name=item.field_name,
                context_record=f"jobqueue.entry:{row.entry_id}",
                additional_information=item.additional_information or CONTEXT,
                support_url=item.support_url,
                created_at=now,
                call_stack=call_stack,
                is_duplicate=key in seen,
            )
        )
        seen.add(key)
    ErrorMessage.objects.bulk_create(rows)
