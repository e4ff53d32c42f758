"""As whom the helpers act."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed
from jobqueue.states import Origin


def actor(user: Any) -> Actor:
    """The acting identity of a program that works for ``user``.

    Raises ``NotAllowed`` without a stored user: the System identity runs what it likes, so nobody gets it by omission.
    """
    if getattr(user, "pk", None) is None:
        raise NotAllowed("A job needs a running user. Hand in the user whose rights it is to have.")
    return Actor(user=user, origin=Origin.PROGRAM)
