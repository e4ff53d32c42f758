"""Finding the entry of a monitored job, or one that looks like it.

Source: *Refresher reference, Finding the existing JQ entry*.
"""

from django.db.models import Q, QuerySet

from jobqueue.events import Draft
from jobqueue.models import Entry
from refresher import events
from refresher.models import MonitoredJob
from refresher.passing.standpoint import Standpoint


def linked_entry(job: MonitoredJob) -> Entry | None:
    """The entry the job drives, as stored now."""
    if job.entry_id is None:
        return None
    return Entry.objects.select_related("company", "user", "held_by").filter(id=job.entry_id).first()


def look_alike(job: MonitoredJob, standpoint: Standpoint) -> Entry | None:
    """An entry of the same object, parameters, category and record that belongs to nobody else and has not expired.

    Where none has the category, one without regard to it.
    """
    draft = Draft(entry=None, entries=_candidates(job, standpoint))
    events.ask_all(events.before_find_entry, job=job, draft=draft)
    if draft.handled or draft.entry is not None:
        return draft.entry
    events.ask_all(events.matching_entries, job=job, draft=draft)
    entries: QuerySet[Entry] = draft.entries
    return entries.filter(category_code=job.category_code).first() or entries.first()


def _candidates(job: MonitoredJob, standpoint: Standpoint) -> QuerySet[Entry]:
    driven = MonitoredJob.objects.filter(entry_id__isnull=False).exclude(pk=job.pk).values("entry_id")
    entries = Entry.objects.select_related("company", "user", "held_by").filter(
        Q(expires_at=None) | Q(expires_at__gte=standpoint.now),
        company=job.company,
        object_type=job.object_type,
        object_id=job.object_id,
        parameter_string=job.parameter_string,
        parameters=job.parameters,
        recurring=True,
        owner_kind="",
        is_system=False,
    )
    if job.record_to_process:
        entries = entries.filter(record_to_process=job.record_to_process)
    return entries.exclude(id__in=driven).order_by("entry_no")
