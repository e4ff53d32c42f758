"""Notification lists: who is told in which scenario, and what the lists are linked to."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from jobqueue.models import Company, Entry
from notifications.models.targets import ChannelTarget


class NotificationList(models.Model):
    """Recipients and scenarios of one company, under a name.

    A list is shared, or private to an owner (a package), which then decides when it may change and deletes it with
    itself: ``owner_kind`` and ``owner_reference`` name the owner as those of an entry do. A private list keeps the name
    its owner gives it; names of shared lists are unique in their company, ignoring case.
    Source: *Packages reference, Notification List*; *Decisions, Packages and notifications*.
    """

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="notification_lists")
    name = models.CharField("name", max_length=100, help_text="Name people see, for example “On call”.")
    description = models.CharField(
        "description", max_length=250, blank=True, help_text="What the list is for."
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="Off: nobody is told through this list, as if it were empty."
    )
    owner_kind = models.CharField("owner", max_length=30, blank=True, editable=False)
    owner_reference = models.CharField("owner reference", max_length=100, blank=True, editable=False)
    remark = models.CharField(
        "remark",
        max_length=250,
        blank=True,
        editable=False,
        help_text="What happened to the list by itself, for example that a recipient's user was deleted.",
    )
    changed_at = models.DateTimeField("changed at", null=True, editable=False)

    class Meta:
        verbose_name = "notification list"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                "company",
                Lower("name"),
                condition=models.Q(owner_kind=""),
                name="notification_list_name_once",
            ),
            models.UniqueConstraint(
                fields=["owner_kind", "owner_reference"],
                condition=~models.Q(owner_kind=""),
                name="notification_list_one_per_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_private(self) -> bool:
        """Whether the list belongs to an owner and nobody else may refer to it."""
        return bool(self.owner_kind)


class NotificationLine(models.Model):
    """One recipient in one scenario: exactly one of user, address and target is set.

    Source: *Packages reference, Notification List*, Lines.
    """

    list = models.ForeignKey(NotificationList, on_delete=models.CASCADE, related_name="lines")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="notification_lines",
        help_text="Mailed at the address the user has when the mail is sent.",
    )
    address = models.CharField(
        "address", max_length=254, blank=True, help_text="An e-mail address, if the recipient is no user."
    )
    target = models.ForeignKey(
        ChannelTarget,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="lines",
        help_text="A webhook, or a channel of Teams or Slack.",
    )
    scenario = models.CharField("scenario", max_length=40, help_text="When the recipient is told.")
    threshold_minutes = models.PositiveIntegerField(
        "minutes",
        null=True,
        blank=True,
        help_text="Only for “late” and “ran longer”: told after more than so many minutes.",
    )
    repeat_minutes = models.PositiveIntegerField(
        "repeat interval (min.)",
        default=0,
        help_text="Not told again about the same within so many minutes, unless a run succeeded; 0 = every time.",
    )

    class Meta:
        verbose_name = "notification line"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(user__isnull=False, address="", target__isnull=True)
                    | (models.Q(user__isnull=True, target__isnull=True) & ~models.Q(address=""))
                    | models.Q(user__isnull=True, address="", target__isnull=False)
                ),
                name="notification_line_one_recipient",
            ),
            models.UniqueConstraint(
                fields=["list", "user", "scenario"],
                condition=models.Q(user__isnull=False),
                name="notification_line_user_once",
            ),
            models.UniqueConstraint(
                "list",
                Lower("address"),
                "scenario",
                condition=~models.Q(address=""),
                name="notification_line_address_once",
            ),
            models.UniqueConstraint(
                fields=["list", "target", "scenario"],
                condition=models.Q(target__isnull=False),
                name="notification_line_target_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} – {self.scenario}"

    @property
    def recipient(self) -> str:
        """The recipient in words: user name, address, or the target's name."""
        if self.user is not None:
            return self.user.get_username()
        return self.target.name if self.target is not None else self.address


class DefaultList(models.Model):
    """The list that hears of a company's failures where nobody else is listed.

    Source: *Decisions, Packages and notifications*.
    """

    company = models.OneToOneField(
        Company, on_delete=models.CASCADE, primary_key=True, related_name="default_notification_list"
    )
    list = models.ForeignKey(NotificationList, on_delete=models.PROTECT, related_name="default_of")

    class Meta:
        verbose_name = "default notification list"

    def __str__(self) -> str:
        return f"{self.company}: {self.list}"


class EntryLink(models.Model):
    """A list that hears of an entry.

    ``entry_id`` is the entry's id, without a constraint: a finished entry leaves by the shortest way, and its links are
    swept up later.
    """

    entry_id = models.UUIDField("job queue entry")
    list = models.ForeignKey(NotificationList, on_delete=models.CASCADE, related_name="entry_links")

    class Meta:
        verbose_name = "link of an entry to a notification list"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["entry_id", "list"], name="entry_link_once")]

    def __str__(self) -> str:
        return f"{self.entry_id} → {self.list}"

    @property
    def entry(self) -> Entry | None:
        """The entry, None once it is gone."""
        return Entry.objects.filter(id=self.entry_id).first()
