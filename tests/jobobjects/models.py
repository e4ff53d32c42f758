"""What the test objects leave behind. The app has no migrations: ``migrate --run-syncdb`` makes its table."""

from django.db import models


class Effect(models.Model):
    """One trace of a run, written through the default connection, so inside an atomic run's transaction."""

    entry_id = models.UUIDField()
    note = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.note
