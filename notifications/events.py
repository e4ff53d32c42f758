"""The extension points of the notifications. ``sender`` is always the ``NotificationList`` class.

Sent with ``send``, inside the transaction of the change: what a receiver raises refuses the change.
"""

from django.dispatch import Signal

before_change_list = Signal()
"""``list``, ``actor``, ``change`` (the verb, such as “add-line”): raise to refuse. Not asked of the owner itself."""
