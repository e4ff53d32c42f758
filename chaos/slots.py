"""Whether categories kept to their slots, by what the ledger says and nothing else."""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from jobqueue.models import Category, LogEntry


def beyond_slots(entries: Collection[UUID]) -> Iterator[str]:
    """Every run of these entries that started while the slots of its category were full, in words.

    A run holds its slot from its start to its end in the ledger, whoever wrote that end.
    """
    for category in Category.objects.all():
        rows = LogEntry.objects.filter(
            company_id=category.company_id,
            category_code=category.code,
            started_at__isnull=False,
            ended_at__isnull=False,
        ).order_by("started_at", "entry_no")
        ends: list[datetime] = []
        for number, entry_id, started_at, ended_at in rows.values_list(
            "entry_no", "entry_id", "started_at", "ended_at"
        ):
            ends = [end for end in ends if end > started_at]
            if len(ends) >= category.slots and entry_id in entries:
                yield (
                    f"category {category.code} has {category.slots} slots and held {len(ends) + 1} runs at "
                    f"{started_at:%H:%M:%S.%f} by the ledger (row {number})"
                )
            ends.append(ended_at)
