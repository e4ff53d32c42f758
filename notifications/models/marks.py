"""What has been told already: marks against floods, and against telling the same twice."""

from django.db import models

from notifications.models.lists import NotificationLine
from notifications.models.targets import ChannelTarget


class RepeatMark(models.Model):
    """When a line with a repeat interval was last told about something, and how often it was held back since.

    Source: *Packages reference, Flood protection*.
    """

    line = models.ForeignKey(NotificationLine, on_delete=models.CASCADE, related_name="repeat_marks")
    about_kind = models.CharField("about", max_length=30)
    about_reference = models.CharField("reference", max_length=100)
    told_at = models.DateTimeField("told at")
    held_back = models.PositiveIntegerField("held back", default=0)

    class Meta:
        verbose_name = "repeat mark"
        constraints = [
            models.UniqueConstraint(fields=["line", "about_kind", "about_reference"], name="repeat_mark_once")
        ]
        indexes = [models.Index(fields=["about_kind", "about_reference"], name="repeat_mark_about")]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.about_kind} {self.about_reference}"


class ToldMark(models.Model):
    """A line, or a subscribed target, that has been told of an occasion that may be noticed more than once."""

    line = models.ForeignKey(NotificationLine, on_delete=models.CASCADE, null=True, related_name="told_marks")
    target = models.ForeignKey(ChannelTarget, on_delete=models.CASCADE, null=True, related_name="told_marks")
    key = models.CharField("occasion", max_length=150)
    at = models.DateTimeField("at", db_index=True)

    class Meta:
        verbose_name = "told mark"
        constraints = [
            models.UniqueConstraint(fields=["line", "key"], name="told_mark_once"),
            models.UniqueConstraint(fields=["target", "key"], name="told_mark_target_once"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id or self.target_id}: {self.key}"
