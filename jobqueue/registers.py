"""Life time of error message registers: kept while an entry or a log entry refers to them."""

from collections.abc import Iterable
from uuid import UUID

from jobqueue.models import Entry, ErrorMessageRegister, LogEntry


def release(register_ids: Iterable[UUID | None]) -> int:
    """Deletes those registers nothing refers to any more, with their messages; returns how many.

    Source: *Job queue reference, Error message register* (rule: kept while referenced).
    """
    given = {register_id for register_id in register_ids if register_id is not None}
    if not given:
        return 0
    kept = set(Entry.objects.filter(error_register_id__in=given).values_list("error_register_id", flat=True))
    kept |= set(
        LogEntry.objects.filter(error_register_id__in=given).values_list("error_register_id", flat=True)
    )
    unused = ErrorMessageRegister.objects.filter(pk__in=given - kept)
    return unused.delete()[1].get(ErrorMessageRegister._meta.label, 0)
