"""The outbox: what is to be sent to whom, and every attempt to send it."""

import uuid

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from jobqueue.models import Company
from notifications.models.targets import ChannelTarget


class Message(models.Model):
    """One message to one person or target about one occasion: outbox and mail log in one row.

    Written in the transaction of the change it reports, as ``facts`` only; words are found and kept when it is first
    delivered. Sending it never changes anything but this row and its attempts. States change only by guarded updates.
    Source: *Packages reference, Sending never disturbs the work*.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"
        TEAMS = "teams", "Microsoft Teams"
        SLACK = "slack", "Slack"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENDING = "sending", "Sending"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed for good"
        HELD = "held", "Held"

    class Reason(models.TextChoices):
        LIST = "list", "Listed for it"
        DEFAULT_LIST = "default", "On the default list; nobody else was listed"
        MAKER = "maker", "Made the entry or package; nobody was listed"
        SUBSCRIBED = "subscribed", "Subscribed to it"
        ASKED = "asked", "Asked to be told (Notify On Success)"

    id = models.BigAutoField("message no.", primary_key=True)
    uuid = models.UUIDField(
        "id",
        default=uuid.uuid4,
        unique=True,
        editable=False,
        help_text="Stays the same however often the message is tried: doubles can be recognised by it.",
    )
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="notification_messages")
    channel = models.CharField("channel", max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="notification_messages",
    )
    address = models.CharField(
        "address",
        max_length=254,
        blank=True,
        help_text="Where it went; for a user the address at sending time.",
    )
    target = models.ForeignKey(
        ChannelTarget, on_delete=models.SET_NULL, null=True, blank=True, related_name="messages"
    )
    recipient = models.CharField("recipient", max_length=254, help_text="The recipient in words.")
    language = models.CharField("language", max_length=15, default="en")
    time_zone = models.CharField("time zone", max_length=64, default="UTC")

    scenario = models.CharField(
        "scenario", max_length=40, help_text="The most severe one: it gives the subject."
    )
    scenarios = models.JSONField("scenarios", default=list, help_text="All that matched, most severe first.")
    told_as = models.CharField(
        "told because", max_length=10, choices=Reason.choices, default=Reason.LIST, editable=False
    )
    template = models.CharField("template", max_length=60)
    facts = models.JSONField(
        "facts",
        default=dict,
        encoder=DjangoJSONEncoder,
        help_text="What is told, before it is put into words; names ending in “_at” are moments.",
    )
    held_back = models.PositiveIntegerField(
        "held back",
        default=0,
        help_text="Earlier messages about the same that were not sent because of the repeat interval.",
    )
    about_kind = models.CharField("about", max_length=30, blank=True)
    about_reference = models.CharField("about reference", max_length=100, blank=True)
    source_kind = models.CharField("source", max_length=30, blank=True)
    source_reference = models.CharField("source reference", max_length=100, blank=True)
    occurred_at = models.DateTimeField("occurred at")
    is_test = models.BooleanField("test", default=False)
    sent_again_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="sent_again"
    )

    subject = models.CharField("subject", max_length=500, blank=True)
    text = models.TextField("text", blank=True)
    html = models.TextField("html", blank=True)

    state = models.CharField("state", max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField("attempts", default=0)
    next_attempt_at = models.DateTimeField("next attempt", null=True, blank=True)
    sending_since = models.DateTimeField("sending since", null=True, blank=True)
    task_id = models.UUIDField("task", null=True, editable=False, help_text="The task that is sending it.")
    last_error = models.CharField("last error", max_length=1000, blank=True)
    queued_at = models.DateTimeField("queued at")
    sent_at = models.DateTimeField("sent at", null=True, blank=True)
    failed_at = models.DateTimeField("failed at", null=True, blank=True)

    class Meta:
        verbose_name = "notification message"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["company", "-id"], name="message_company"),
            models.Index(fields=["company", "state", "-id"], name="message_company_state"),
            models.Index(
                fields=["next_attempt_at"], name="message_queued", condition=models.Q(state="queued")
            ),
            models.Index(
                fields=["sending_since"], name="message_sending", condition=models.Q(state="sending")
            ),
            models.Index(fields=["source_kind", "source_reference"], name="message_source"),
            models.Index(fields=["about_kind", "about_reference"], name="message_about"),
            models.Index(fields=["queued_at"], name="message_age"),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.scenario} → {self.recipient}"


class DeliveryAttempt(models.Model):
    """One attempt to send a message: when, how it ended, and what the other side said."""

    class Outcome(models.TextChoices):
        GOING = "going", "Going on"
        SENT = "sent", "Sent"
        TEMPORARY = "temporary", "Failed, tried again"
        UNREACHABLE = "away", "Nobody answered, tried again"
        PERMANENT = "permanent", "Failed for good"
        LOST = "lost", "Its worker was lost"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="delivery_attempts")
    number = models.PositiveIntegerField("attempt")
    started_at = models.DateTimeField("started at")
    ended_at = models.DateTimeField("ended at", null=True)
    outcome = models.CharField("outcome", max_length=10, choices=Outcome.choices, default=Outcome.GOING)
    error = models.CharField("error", max_length=1000, blank=True)

    class Meta:
        verbose_name = "delivery attempt"
        ordering = ["message", "number"]
        indexes = [models.Index(fields=["outcome", "ended_at"], name="delivery_attempt_ended")]
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="delivery_attempt_once")]

    def __str__(self) -> str:
        return f"{self.message_id} #{self.number}"
