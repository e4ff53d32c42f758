"""What happens to lists by itself is noted on them, for whoever looks next."""

from collections import Counter
from typing import Any

from notifications.models import NotificationLine, NotificationList


def note_lost_recipient(sender: Any, instance: Any, **_: Any) -> None:
    """A user is about to be deleted, and with them their lines (*Packages reference, Deleting*)."""
    found = NotificationLine.objects.filter(user=instance).values_list("list_id", flat=True)
    for list_id, count in Counter(found).items():
        lines = "1 line" if count == 1 else f"{count} lines"
        words = f"The user “{instance.get_username()}” was deleted, and with them {lines} of this list."
        NotificationList.objects.filter(pk=list_id).update(remark=words[:250])
