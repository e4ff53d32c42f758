"""The buttons of notification lists."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.admin.verbs import Verb
from jobqueue.admin.words import counted
from notifications import verbs
from notifications.models import DefaultList, NotificationList


def _send_test(found: NotificationList, actor: Actor, values: dict[str, Any]) -> str:
    sent = verbs.send_test(found, actor=actor)
    return f"{counted(len(sent), 'test message')} queued. The mail log shows what becomes of them."


def _make_default(found: NotificationList, actor: Actor, values: dict[str, Any]) -> str:
    verbs.set_default_list(found.company, found, actor=actor)
    return f"“{found}” hears of failures in {found.company} where nobody else is listed."


def _end_default(found: NotificationList, actor: Actor, values: dict[str, Any]) -> str:
    verbs.set_default_list(found.company, None, actor=actor)
    return f"{found.company} has no default list now: whoever made an entry or package hears of its failures."


def _delete(found: NotificationList, actor: Actor, values: dict[str, Any]) -> str:
    verbs.delete_list(found, actor=actor)
    return f"The notification list “{found}” was deleted."


def _is_default(found: NotificationList) -> bool:
    if not hasattr(found, "is_default"):
        found.is_default = DefaultList.objects.filter(list=found).exists()
    return found.is_default


def _can_be_default(found: NotificationList) -> str:
    if found.is_private:
        return f"It is the private list of a {found.owner_kind}. Only shared lists can be the default."
    return "It is the default list already." if _is_default(found) else ""


def _can_end_default(found: NotificationList) -> str:
    return "" if _is_default(found) else "It is not the default list."


def _deletable(found: NotificationList) -> str:
    if found.is_private:
        return f"It belongs to its {found.owner_kind} and is deleted together with it."
    return "It is the default list. Choose another default list first." if _is_default(found) else ""


VERBS = (
    Verb(
        name="send-test",
        label="Send Test Mail",
        icon="send",
        level="administer",
        act=_send_test,
        question=lambda row: f"Send a test message to everybody on “{row}”?",
        explanation="Each recipient gets one message that says it is a test.",
    ),
    Verb(
        name="make-default",
        label="Use for Failures",
        icon="crisis_alert",
        level="administer",
        act=_make_default,
        offered=_can_be_default,
        question=lambda row: f"Make “{row}” the default list for failures of {row.company}?",
        explanation="It hears of failures of entries and packages that have no list, or whose lists name nobody.",
    ),
    Verb(
        name="end-default",
        label="No longer for Failures",
        icon="notifications_off",
        level="administer",
        act=_end_default,
        offered=_can_end_default,
        question=lambda row: f"Shall {row.company} have no default list for failures?",
        explanation="Failures nobody is listed for are then told to whoever made the entry or package.",
    ),
    Verb(
        name="delete-list",
        label="Delete",
        icon="delete",
        level="administer",
        act=_delete,
        offered=_deletable,
        danger=True,
        leaves_page=True,
        question=lambda row: f"Delete the notification list “{row}”?",
        explanation="Its lines and its links to entries go too. Messages that were sent stay in the mail log.",
    ),
)
