"""The extension points of the notifications. ``sender`` is always the ``NotificationList`` class.

Sent with ``send``, inside the transaction of the change and before the list is locked: what a receiver raises refuses
the change, and what it locks stays as it found it until the change is stored. A look whether the list may be changed is
sent outside a transaction, with ``LOOK`` as the change.
"""

from django.dispatch import Signal

LOOK = "look"

before_change_list = Signal()
"""``list``, ``actor``, ``change`` (the verb, such as “add-line”): raise to refuse. Not asked of the owner itself."""
