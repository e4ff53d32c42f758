"""Idempotency keys: what a call with such a key did, so that the same call again does nothing more."""

import uuid

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company


class IdempotencyKey(models.Model):
    """One call of a user in a company, remembered for a day. Verbs are in ``jobqueue.idempotency``."""

    id = models.UUIDField("id", primary_key=True, default=uuid.uuid4, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField("key", max_length=200)
    digest = models.CharField("digest of the body", max_length=64)
    entry_id = models.UUIDField("job queue entry")
    created_at = models.DateTimeField("created at", db_index=True)
    answer_status = models.PositiveSmallIntegerField("status of the answer", null=True)
    answer = models.JSONField("answer", null=True)

    class Meta:
        verbose_name = "idempotency key"
        constraints = [
            models.UniqueConstraint(fields=["company", "user", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key
