"""Who may do what with packages: View, Maintain, Operate and Setup.

Source: *Packages reference, Permissions*; the shipped groups are those of the job queue (decisions on permissions).
Programs act with the indirect rights of the product.
"""

from typing import Any, Literal

from jobqueue import permissions
from jobqueue.actors import Actor
from jobqueue.levels import Levels
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

# Admin and API name the job queue's levels; groups and words are the same (decisions on permissions).
MEANING: dict[permissions.Level, Level] = {
    "view": "view",
    "operate": "operate",
    "schedule": "maintain",
    "administer": "set_up",
}

LEVELS = Levels[Level](permissions=PERMISSIONS, words=WORDS, groups=GROUP_FOR)
may = LEVELS.may
require = LEVELS.require


def may_act_as(actor: Actor, identity: Any, company: Company) -> bool:
    """Whether the actor may decide what runs under ``identity``: oneself, or anybody with the right Setup."""
    if actor.user is None or identity is None or identity.pk == actor.user.pk:
        return True
    return may(Actor(actor.user, Origin.ADMIN), "set_up", company)
