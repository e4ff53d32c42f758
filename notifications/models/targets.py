"""Targets of other channels than e-mail: addresses that are secrets themselves."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from jobqueue.models import Company


class ChannelTarget(models.Model):
    """A webhook, or an incoming webhook of Teams or Slack, under a name.

    Address and signing secret are stored encrypted and are write-only on every door; ``host`` is the part of the
    address people may see. See ``notifications.verbs.targets``.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        TEAMS = "teams", "Microsoft Teams"
        SLACK = "slack", "Slack"

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="notification_targets")
    name = models.CharField("name", max_length=100, help_text="Name people see, for example “Operations”.")
    kind = models.CharField("kind", max_length=10, choices=Kind.choices, default=Kind.WEBHOOK)
    host = models.CharField("host", max_length=250, blank=True, editable=False)
    address_encrypted = models.BinaryField("address", editable=False, default=b"")
    secret_encrypted = models.BinaryField("secret", editable=False, default=b"")
    is_enabled = models.BooleanField("enabled", default=True, help_text="Off: nothing is sent there.")
    events = models.JSONField(
        "events",
        default=list,
        blank=True,
        help_text="What a webhook hears of in the whole company, besides what lists tell it.",
    )
    threshold_minutes = models.PositiveIntegerField(
        "minutes",
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(525_600)],
        help_text="“Late” and “ran longer” are told after more than so many minutes.",
    )
    changed_at = models.DateTimeField("changed at", null=True, editable=False)

    class Meta:
        verbose_name = "notification target"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["company", "name"], name="notification_target_name_once")
        ]

    def __str__(self) -> str:
        return self.name
