"""How a person reads: language and time zone of what is sent to them."""

from django.conf import settings
from django.db import models

from jobqueue.models.fields import TimeZoneField


class RecipientPreference(models.Model):
    """Language and time zone of what a user is sent; an empty value means the company's zone, the site's language."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="notification_preference",
    )
    language = models.CharField(
        "language", max_length=15, blank=True, help_text="For example “en” or “nl”; empty: the site's."
    )
    time_zone = TimeZoneField(
        "time zone", blank=True, default="", help_text="An IANA name; empty: the company's."
    )

    class Meta:
        verbose_name = "recipient preference"

    def __str__(self) -> str:
        return f"{self.user}: {self.language or 'site language'}, {self.time_zone or 'company zone'}"
