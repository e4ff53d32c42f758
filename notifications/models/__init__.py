"""Rows of the notifications: who is told what, what is to be sent, and how each person reads it.

Verbs live in ``notifications.verbs``; rows of the outbox are written by ``notifications.notify`` alone.
"""

from notifications.models.lists import DefaultList, EntryLink, NotificationLine, NotificationList
from notifications.models.marks import RepeatMark, ToldMark
from notifications.models.outbox import DeliveryAttempt, Message
from notifications.models.people import RecipientPreference
from notifications.models.targets import ChannelTarget

__all__ = [
    "ChannelTarget",
    "DefaultList",
    "DeliveryAttempt",
    "EntryLink",
    "Message",
    "NotificationLine",
    "NotificationList",
    "RecipientPreference",
    "RepeatMark",
    "ToldMark",
]
