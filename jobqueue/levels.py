"""The levels of a product part as one table, and the one rule by which an actor holds a level.

Source: decisions on identity and permissions. Programs (jobs and application code) act with the indirect rights of
the product: for them only an active user and the company count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed
from jobqueue.models import Company
from jobqueue.states import Origin

Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class Levels(Generic[Name]):
    """What each level is granted by, in permissions; what it allows, in words; and the shipped group that has it."""

    permissions: Mapping[Name, tuple[str, ...]]
    words: Mapping[Name, str]
    groups: Mapping[Name, str]

    def may(self, actor: Actor, level: Name, company: Company | None = None) -> bool:
        """Whether the actor holds the level, and may work in ``company`` if one is given."""
        user = actor.user
        if user is None:
            return actor.origin in (Origin.SYSTEM, Origin.PROGRAM, Origin.SCHEDULE)
        if not user.is_active or (company is not None and not companies.may_enter(user, company)):
            return False
        return actor.origin == Origin.PROGRAM or user.has_perms(self.permissions[level])

    def require(self, actor: Actor, level: Name, company: Company | None = None) -> None:
        """Raises ``NotAllowed`` with a sentence naming what is missing, unless :meth:`may` holds."""
        if self.may(actor, level, company):
            return
        if actor.user is not None and not actor.user.is_active:
            raise NotAllowed(f"The user “{actor.name}” is disabled and cannot {self.words[level]}.")
        if actor.user is not None and company is not None and not companies.may_enter(actor.user, company):
            raise NotAllowed(
                f"“{actor.name}” may not work in the company “{company}”. Ask an administrator to add you to it."
            )
        raise NotAllowed(
            f"“{actor.name}” may not {self.words[level]}. "
            f"The group “{self.groups[level]}” grants it; ask an administrator."
        )
