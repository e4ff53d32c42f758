"""What atomic job objects leave behind. No migrations: ``migrate --run-syncdb`` makes the table."""

import uuid

from django.db import models


class Effect(models.Model):
    """One effect of one run, written inside the run's transaction."""

    entry_id = models.UUIDField(default=uuid.uuid4)
    due_at = models.DateTimeField()
    attempt = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.entry_id} {self.due_at}"
