"""Who does something: a person through a door, a program, or the system itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobqueue.states import Origin

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting identity of a verb. ``user`` is None only for the System identity.

    ``through`` names the credentials a program acts with, such as its API token; empty for people at the screens.
    """

    user: User | None
    origin: Origin
    through: str = ""

    @property
    def name(self) -> str:
        return self.user.get_username() if self.user is not None else "System"


SYSTEM = Actor(user=None, origin=Origin.SYSTEM)
