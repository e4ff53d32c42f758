"""As whom the helpers act."""

from typing import Any

from jobqueue.actors import Actor
from jobqueue.states import Origin


def actor(user: Any) -> Actor:
    """The acting identity of a program that works for ``user``."""
    return Actor(user=user, origin=Origin.PROGRAM)
