"""Who may do what: the four levels of the job queue, and who may run which job object.

Levels and groups: decisions on identity and permissions. Programs (jobs and application code) act with the indirect
rights of the product, as *Job queue reference, Running user, permissions* grants them: for them only the company and
the right to run the object count.
"""

from typing import Literal, Protocol

from jobqueue.errors import ForbiddenUser
from jobqueue.levels import Levels
from jobqueue.models import Entry

Level = Literal["view", "operate", "schedule", "administer"]

PERMISSIONS: dict[Level, tuple[str, ...]] = {
    "view": ("jobqueue.view_entry",),
    "operate": ("jobqueue.operate_entry",),
    "schedule": ("jobqueue.add_entry", "jobqueue.change_entry"),
    "administer": ("jobqueue.change_company",),
}

WORDS: dict[Level, str] = {
    "view": "see job queue entries",
    "operate": "operate job queue entries",
    "schedule": "create or change job queue entries",
    "administer": "administer the job queue",
}

GROUP_FOR: dict[Level, str] = {
    "view": "Viewer",
    "operate": "Operator",
    "schedule": "Scheduler",
    "administer": "Administrator",
}

LEVELS = Levels[Level](permissions=PERMISSIONS, words=WORDS, groups=GROUP_FOR)
may = LEVELS.may
require = LEVELS.require


class RunnableObject(Protocol):
    """The part of a job object that decides who may run it."""

    @property
    def permission(self) -> str | None: ...

    @property
    def caption(self) -> str: ...


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
