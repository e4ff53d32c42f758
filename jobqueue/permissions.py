"""Who may do what: the four levels of the job queue, and who may run which job object.

Levels and groups: decisions on identity and permissions. Programs (jobs and application code) act with the indirect
rights of the product, as *Job queue reference, Running user, permissions* grants them: for them only the company and
the right to run the object count.
"""

from typing import Literal, Protocol

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import ForbiddenUser, NotAllowed
from jobqueue.models import Company, Entry
from jobqueue.states import Origin

Level = Literal["view", "operate", "schedule", "administer"]

PERMISSIONS: dict[str, tuple[str, ...]] = {
    "view": ("jobqueue.view_entry",),
    "operate": ("jobqueue.operate_entry",),
    "schedule": ("jobqueue.add_entry", "jobqueue.change_entry"),
    "administer": ("jobqueue.change_company",),
}

WORDS = {
    "view": "see job queue entries",
    "operate": "operate job queue entries",
    "schedule": "create or change job queue entries",
    "administer": "administer the job queue",
}

GROUP_FOR = {"view": "Viewer", "operate": "Operator", "schedule": "Scheduler", "administer": "Administrator"}


class RunnableObject(Protocol):
    """The part of a job object that decides who may run it."""

    @property
    def permission(self) -> str | None: ...

    @property
    def caption(self) -> str: ...


def may(actor: Actor, level: Level, company: Company | None = None) -> bool:
    """Whether the actor holds the level, and may work in ``company`` if one is given."""
    user = actor.user
    if user is None:
        return actor.origin in (Origin.SYSTEM, Origin.PROGRAM, Origin.SCHEDULE)
    if not user.is_active:
        return False
    if company is not None and not companies.may_enter(user, company):
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


def may_run(user, job_object: RunnableObject) -> bool:
    """Whether jobs of ``job_object`` may run as ``user``; ``None``, the System identity, may run everything."""
    if user is None:
        return True
    if not user.is_active:
        return False
    return not job_object.permission or user.has_perm(job_object.permission)


def require_may_run(user, job_object: RunnableObject) -> None:
    """Raises ``ForbiddenUser`` saying whether the user is disabled or lacks the object's permission."""
    if may_run(user, job_object):
        return
    if not user.is_active:
        raise ForbiddenUser(
            f"The user “{user.get_username()}” is disabled. Let another user set the entry to Ready."
        )
    raise ForbiddenUser(
        f"“{user.get_username()}” may not run “{job_object.caption}”: the permission “{job_object.permission}” "
        "is missing. Ask an administrator for it, or let a permitted user set the entry to Ready."
    )


def may_act_as(user, identity) -> bool:
    """Whether ``user`` may decide what runs under ``identity``: oneself, or anyone for a superuser."""
    if user is None:
        return True
    if identity is not None and identity.pk == user.pk:
        return True
    return bool(user.is_active and user.is_superuser)


def level_for(entry: Entry, level: Level) -> Level:
    """The level a verb needs on this entry: entries of the System identity belong to administrators."""
    return "administer" if entry.is_system and level != "view" else level
