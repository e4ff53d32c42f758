"""How long refresh logs are kept."""

from datetime import datetime, timedelta

from jobqueue.models import Company
from refresher.models import RefreshLog

KEPT = timedelta(days=30)
BATCH = 200


def delete_old_logs(company: Company, *, now: datetime) -> int:
    """Deletes the company's refresh logs of more than 30 days ago, at most 200 at once; returns how many."""
    old = RefreshLog.objects.filter(company=company, asked_at__lt=now - KEPT).order_by("pk")
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    RefreshLog.objects.filter(pk__in=keys).delete()
    return len(keys)
