"""The history of an entry: what people, integrations and programs did to it on purpose."""

from django.conf import settings
from django.db import models

from jobqueue.models.company import Company
from jobqueue.states import Origin


class EntryChange(models.Model):
    """One deliberate change. Automatic status changes live in the ledger and in telemetry only."""

    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, related_name="entry_changes", db_index=False
    )
    entry_id = models.UUIDField("job queue entry")
    entry_description = models.CharField("entry", max_length=250)
    at = models.DateTimeField("at")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    origin = models.CharField("origin", max_length=10, choices=[(item.value, item.value) for item in Origin])
    credentials = models.CharField(
        "credentials",
        max_length=120,
        blank=True,
        db_default="",
        default="",
        help_text="What a program showed, such as the name and prefix of its API token.",
    )
    action = models.CharField("action", max_length=40, help_text="The verb, for example “set-ready”.")
    reason = models.CharField("reason", max_length=250, blank=True)
    changes = models.JSONField(
        "changes", default=dict, help_text="Field → [old, new] in the words of the screens."
    )

    class Meta:
        verbose_name = "entry change"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["entry_id", "-id"], name="entry_change_entry"),
            models.Index(fields=["company", "-id"], name="entry_change_company"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entry_description}"
