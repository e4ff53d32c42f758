"""Refusals of the notifications; each has a stable code and says what to do next."""

from jobqueue.errors import Refused


class ListInUse(Refused):
    """A list somebody still depends on was to be deleted."""

    code = "list_in_use"


class PrivateList(Refused):
    """A private list was to be used or deleted by somebody who does not own it."""

    code = "private_list"


class MessageNotFinished(Refused):
    """A message that is still on its way was to be sent again."""

    code = "message_not_finished"
