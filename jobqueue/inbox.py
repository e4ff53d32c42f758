"""The report inbox: documents of report runs, each for its running user only (*Job queue reference, Reports*)."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from jobqueue.conf import settings
from jobqueue.errors import NotFound
from jobqueue.models import Company, ReportDocument
from jobqueue.objects.documents import Document
from jobqueue.objects.entry_view import EntryView


def store(
    document: Document,
    *,
    entry: EntryView,
    now: datetime,
    log_entry_no: int | None = None,
    description: str = "",
) -> ReportDocument:
    """Puts a document into the inbox of the entry's running user, in the caller's transaction.

    ``now`` is aware and stored rounded to the minute; ``description`` is the entry's unless given.
    """
    return ReportDocument.objects.create(
        company_id=entry.company_id,
        user_id=entry.user_id,
        entry_id=entry.id,
        log_entry_no=log_entry_no,
        object_id=entry.object_id,
        description=(description or entry.description)[:250],
        output_type=int(document.output_type),
        file_name=document.file_name,
        content_type=document.content_type,
        content=document.content,
        size_bytes=len(document.content),
        created_at=_to_the_minute(now),
    )


def documents_of(user: Any, *, company: Company | None = None) -> QuerySet[ReportDocument]:
    """The user's documents, newest first, without their contents; of one company if given."""
    found = ReportDocument.objects.filter(user_id=user.pk).defer("content")
    found = found if company is None else found.filter(company=company)
    return found.order_by("-created_at", "-log_entry_no", "file_name")


def unread_count(user: Any, *, company: Company | None = None) -> int:
    return documents_of(user, company=company).filter(is_read=False).count()


def open_document(document_id: UUID | str, *, user: Any) -> ReportDocument:
    """The document with its content, marked as read. Raises ``NotFound`` for documents of others as for none."""
    try:
        found = ReportDocument.objects.filter(pk=document_id, user_id=user.pk).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise NotFound("There is no such document in your report inbox. It may have been deleted.")
    if not found.is_read:
        ReportDocument.objects.filter(pk=found.pk).update(is_read=True)
        found.is_read = True
    return found


def mark_documents(document_ids: list[UUID], *, user: Any, read: bool) -> int:
    """Marks documents of the user's own inbox as read or unread; returns how many there are."""
    return documents_of(user).filter(pk__in=document_ids).update(is_read=read)


def delete_documents(document_ids: list[UUID], *, user: Any) -> int:
    """Deletes those of the user's documents; returns how many there were."""
    return ReportDocument.objects.filter(pk__in=document_ids, user_id=user.pk).delete()[0]


def purge(now: datetime, *, limit: int = 500, company: Company | None = None) -> int:
    """Deletes up to ``limit`` documents older than the retention (``REPORT_RETENTION_DAYS``); returns how many.

    Small batches keep the transaction short: repeat while the answer equals ``limit``.
    """
    oldest = now - timedelta(days=settings().report_retention_days)
    expired = ReportDocument.objects.filter(created_at__lt=oldest)
    expired = expired if company is None else expired.filter(company=company)
    keys = list(expired.order_by("created_at").values_list("pk", flat=True)[:limit])
    return ReportDocument.objects.filter(pk__in=keys).delete()[0] if keys else 0


def _to_the_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=30)).replace(second=0, microsecond=0)
