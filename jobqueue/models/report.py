"""The report inbox: documents that report runs leave for their running user."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company
from jobqueue.states import OutputType


class ReportDocument(models.Model):
    """One document in a user's report inbox. Only its user may open it.

    The content lives in the database so that it commits with the run that made it and is there on every host.
    """

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="report_documents")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="report_documents"
    )
    entry_id = models.UUIDField("job queue entry", db_index=True)
    log_entry_no = models.BigIntegerField("log entry", null=True)
    object_id = models.IntegerField("report")
    description = models.CharField("description", max_length=250)
    output_type = models.SmallIntegerField("output type", choices=OutputType.choices())
    file_name = models.CharField("file name", max_length=250)
    content_type = models.CharField("content type", max_length=100)
    content = models.BinaryField("content", editable=False)
    size_bytes = models.BigIntegerField("size")
    created_at = models.DateTimeField("created at", db_index=True)
    is_read = models.BooleanField("read", default=False)

    class Meta:
        verbose_name = "report inbox document"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name
