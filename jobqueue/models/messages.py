"""The error message register: what went wrong in one failed run, message by message."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company
from jobqueue.states import Level


class ErrorMessageRegister(models.Model):
    """Groups the messages of one failed run (*Job queue reference, Error message register*).

    Deleted when neither an entry nor a log entry refers to it any more.
    """

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, related_name="error_registers", db_index=False
    )
    created_at = models.DateTimeField("created at")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    message = models.CharField("message", max_length=2048, blank=True)

    class Meta:
        verbose_name = "error message register"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["company", "-created_at"], name="register_company")]

    def __str__(self) -> str:
        return self.message or str(self.id)


class ErrorMessage(models.Model):
    """One message of a register: an error, a warning or an information."""

    register = models.ForeignKey(ErrorMessageRegister, on_delete=models.CASCADE, related_name="messages")
    level = models.SmallIntegerField("message type", choices=Level.choices(), default=Level.ERROR)
    message = models.CharField("message", max_length=2048)
    record = models.CharField(
        "record", max_length=250, blank=True, help_text="What was wrong: a record reference."
    )
    field_name = models.CharField("field", max_length=100, blank=True)
    context_record = models.CharField("context record", max_length=250, blank=True)
    context_field_name = models.CharField("context field", max_length=100, blank=True)
    additional_information = models.CharField("additional information", max_length=250, blank=True)
    support_url = models.CharField("support address", max_length=250, blank=True)
    created_at = models.DateTimeField("created at")
    call_stack = models.TextField("call stack", blank=True)
    is_duplicate = models.BooleanField("duplicate", default=False)
    is_context = models.BooleanField("context", default=False)

    class Meta:
        verbose_name = "error message"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.message
