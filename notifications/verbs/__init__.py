"""The verbs of people and owners, one function each.

Every verb checks the actor's permission, opens its own transaction and writes only what it says. Refusals:
``NotAllowed``, ``NotFound``, ``Refused`` and ``Invalid`` with all problems. ``as_owner=True`` is for the owner of a
private list, which has checked permission and lock itself: neither is asked again.

Shared lists, targets, default lists and test messages are set-up (Administrator); private lists, and which lists hear
of an entry, belong to who maintains the package or entry (Scheduler); sending a message again is operating (Operator).
Source: *Packages reference, Permissions*.
"""

from notifications.verbs.lines import add_line, change_line, remove_line
from notifications.verbs.links import link_entry, linked_lists, unlink_entry
from notifications.verbs.lists import change_list, copy_lines, create_list, delete_list, set_default_list
from notifications.verbs.people import set_preference
from notifications.verbs.sending import send_again, send_test
from notifications.verbs.signing import drop_old_secret, renew_secret
from notifications.verbs.targets import create_target, delete_target, update_target
from notifications.verbs.webhooks import create_webhook, replay_failed, send_test_to

__all__ = [
    "add_line",
    "change_line",
    "change_list",
    "copy_lines",
    "create_list",
    "create_target",
    "create_webhook",
    "delete_list",
    "delete_target",
    "drop_old_secret",
    "link_entry",
    "linked_lists",
    "remove_line",
    "renew_secret",
    "replay_failed",
    "send_again",
    "send_test",
    "send_test_to",
    "set_default_list",
    "set_preference",
    "unlink_entry",
    "update_target",
]
