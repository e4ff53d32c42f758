"""Who may do what with packages: View, Maintain, Operate and Setup.

Source: *Packages reference, Permissions*; the shipped groups are those of the job queue (decisions on permissions).
Programs act with the indirect rights of the product.
"""

from typing import Any, Literal

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import NotAllowed
from jobqueue.models import Company
from jobqueue.states import Origin

Level = Literal["view", "maintain", "operate", "set_up"]

PERMISSIONS: dict[Level, tuple[str, ...]] = {
    "view": ("packages.view_package",),
    "maintain": ("packages.add_package", "packages.change_package", "packages.delete_package"),
    "operate": ("packages.operate_package",),
    "set_up": ("packages.set_up_package",),
}
WORDS: dict[Level, str] = {
    "view": "see job queue packages",
    "maintain": "create, change or delete job queue packages",
    "operate": "operate job queue packages",
    "set_up": "set up job queue packages",
}
GROUP_FOR: dict[Level, str] = {
    "view": "Viewer",
    "maintain": "Scheduler",
    "operate": "Operator",
    "set_up": "Administrator",
}


def may(actor: Actor, level: Level, company: Company | None = None) -> bool:
    """Whether the actor holds the level, and may work in ``company`` if one is given."""
    user = actor.user
    if user is None:
        return actor.origin in (Origin.SYSTEM, Origin.PROGRAM, Origin.SCHEDULE)
    if not user.is_active or (company is not None and not companies.may_enter(user, company)):
        return False
    return actor.origin == Origin.PROGRAM or user.has_perms(PERMISSIONS[level])


def require(actor: Actor, level: Level, company: Company | None = None) -> None:
    """Raises ``NotAllowed`` with a sentence naming what is missing, unless :func:`may` holds."""
    if may(actor, level, company):
        return
    if actor.user is not None and not actor.user.is_active:
        raise NotAllowed(f"The user “{actor.name}” is disabled and cannot {WORDS[level]}.")
    if actor.user is not None and company is not None and not companies.may_enter(actor.user, company):
        raise NotAllowed(
            f"“{actor.name}” may not work in the company “{company}”. Ask an administrator to add you to it."
        )
    raise NotAllowed(
        f"“{actor.name}” may not {WORDS[level]}. The group “{GROUP_FOR[level]}” grants it; ask an administrator."
    )


def may_act_as(actor: Actor, identity: Any, company: Company) -> bool:
    """Whether the actor may decide what runs under ``identity``: oneself, or anybody with the right Setup."""
    if actor.user is None or identity is None or identity.pk == actor.user.pk:
        return True
    return may(Actor(actor.user, Origin.ADMIN), "set_up", company)
