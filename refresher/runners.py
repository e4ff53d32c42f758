"""Verbs on runner users, and whether one is operational.

Source: *Refresher reference, Runner users* and *Worker bookkeeping*. Runners belong to the installation; those who
administer the job queue of every company look after them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, Q

from jobqueue import companies
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, NotFound, Problem, Refused
from jobqueue.models import Company
from jobqueue.scheduler import database_now
from refresher import telling
from refresher.entra.models import EntraApplication
from refresher.errors import NotOperational
from refresher.models import MonitoredJob, RefreshSetup, Runner
from refresher.models.runner import FAILURE_LIMIT, MAX_ERROR
from refresher.rights import require_rights
from refresher.setup import RUNNER_GROUP

PERMISSION = "refresher.act_as_runner"


def runner_of(user: Any) -> Runner | None:
    """The runner registered for the user; None if there is none."""
    return Runner.objects.select_related("user").filter(user=user).first() if user is not None else None


def get_runner(name: str) -> Runner:
    """The runner with this user name; ``NotFound`` names those there are."""
    field = get_user_model().USERNAME_FIELD
    runner = Runner.objects.select_related("user").filter(**{f"user__{field}": name}).first()
    if runner is None:
        known = ", ".join(runner.name for runner in Runner.objects.select_related("user")) or "none"
        raise NotFound(f"“{name}” is no registered runner user. Registered are: {known}.")
    return runner


def operational_problems(runner: Runner, *, company: Company | None = None) -> list[str]:
    """Everything that keeps the runner from working (in the company, if given), one sentence each; empty if nothing."""
    user, name = runner.user, f"“{runner.name}”"
    found = []
    if not runner.is_enabled:
        found.append(f"The runner user {name} is not enabled. Enable it in the list of runner users.")
    if not user.is_active:
        found.append(f"The user {name} is disabled. Enable the user, or assign another runner.")
    elif not user.has_perm(PERMISSION):
        found.append(f"{name} lacks the permission set {RUNNER_GROUP}. Add the user to that group.")
    if runner.is_inactive:
        found.append(
            f"{name} failed {runner.failed_attempts} times in a row and is inactive "
            f"({FAILURE_LIMIT} are the limit). Repair the cause and reset its failed attempts, or register it anew."
        )
    if company is not None and not companies.may_enter(user, company):
        found.append(f"{name} may not work in the company “{company}”. Add the user to its members.")
    return found


def require_entitled(runner: Runner, *, company: Company) -> None:
    """Raises ``NotAllowed`` if the runner's user may not refresh the company: no permission set, no access."""
    user, name = runner.user, f"“{runner.name}”"
    if not user.is_active:
        raise NotAllowed(f"The user {name} is disabled.")
    if not user.has_perm(PERMISSION):
        raise NotAllowed(f"{name} lacks the permission set {RUNNER_GROUP}. Add the user to that group.")
    if not companies.may_enter(user, company):
        raise NotAllowed(f"{name} may not work in the company “{company}”. Add the user to its members.")


def require_operational(runner: Runner, *, company: Company | None = None) -> None:
    """Raises ``NotOperational`` with everything that stands against the runner."""
    problems = operational_problems(runner, company=company)
    if problems:
        raise NotOperational(" ".join(problems))


def register_runner(user: Any, *, actor: Actor, now: datetime | None = None) -> Runner:
    """Registers an application user as runner; one that is registered already is enabled and its failures forgotten.

    The user must be active, hold the permission set and be no superuser: a runner's rights are given one by one.
    """
    require_rights(actor)
    now = now or database_now()
    name = user.get_username()
    problems = []
    if not user.is_active:
        problems.append(Problem("user", "disabled", f"The user “{name}” is disabled. Enable the user first."))
    if user.is_superuser:
        sentence = (
            f"“{name}” is a superuser; a runner may not be one. Create a user of its own for the runner."
        )
        problems.append(Problem("user", "superuser", sentence))
    elif user.is_active and not user.has_perm(PERMISSION):
        sentence = f"“{name}” lacks the permission set {RUNNER_GROUP}. Add the user to that group first."
        problems.append(Problem("user", "permission_set_missing", sentence))
    if problems:
        raise Invalid(problems)
    runner, _ = Runner.objects.select_related("user").update_or_create(
        user=user,
        defaults={"is_enabled": True, "failed_attempts": 0, "last_error": ""},
        create_defaults={"created_at": now, "created_by": actor.user},
    )
    return runner


def set_runner_enabled(runner: Runner, enabled: bool, *, actor: Actor) -> Runner:
    """Enables or disables a runner; its jobs stay assigned to it and show as unserved meanwhile."""
    require_rights(actor)
    runner.is_enabled = enabled
    runner.save(update_fields=["is_enabled"])
    return runner


def remove_runner(runner: Runner, *, actor: Actor) -> None:
    """Takes a runner off the list; refused while jobs, set-ups or an Entra application name it. The user stays."""
    require_rights(actor)
    if EntraApplication.objects.filter(runner=runner).exists():
        raise Refused(
            f"“{runner.name}” has an Entra application. Remove that first in the list of Entra applications.",
            code="runner_in_use",
        )
    jobs = MonitoredJob.objects.filter(runner=runner).count()
    setups = RefreshSetup.objects.filter(default_runner=runner).count()
    if jobs or setups:
        raise Refused(
            f"The runner user “{runner.name}” is still needed: monitored jobs assigned to it: {jobs}, companies that "
            f"have it as their default: {setups}. Assign another runner there first.",
            code="runner_in_use",
        )
    runner.delete()


def reset_runner(runner: Runner, *, actor: Actor) -> bool:
    """Sets the failed attempts to 0, so that the runner is called again; False if there was nothing to reset."""
    require_rights(actor)
    changed = Runner.objects.filter(pk=runner.pk, failed_attempts__gt=0).update(
        failed_attempts=0, last_error=""
    )
    if changed:
        runner.failed_attempts, runner.last_error = 0, ""
    return bool(changed)


def reset_runners(runners: Iterable[Runner], *, actor: Actor) -> int:
    """Resets each of them; returns how many had failed attempts."""
    return sum(reset_runner(runner, actor=actor) for runner in runners)


def record_success(runner: Runner, *, now: datetime | None = None) -> Runner:
    """The worker's call as this runner succeeded: the failures are forgotten."""
    now = now or database_now()
    Runner.objects.filter(pk=runner.pk).update(failed_attempts=0, last_error="", last_success_at=now)
    runner.refresh_from_db()
    return runner


def record_failure(
    runner: Runner, message: str, *, cycle: UUID | None = None, now: datetime | None = None
) -> Runner:
    """One cycle of the worker failed as this runner, retries included; people hear of the 5th, 10th and 15th.

    A ``cycle`` that was reported before changes nothing.
    """
    now = now or database_now()
    rows = Runner.objects.filter(pk=runner.pk)
    if cycle is not None:
        rows = rows.filter(Q(last_cycle=None) | ~Q(last_cycle=cycle))
    with transaction.atomic():
        counted = rows.update(
            failed_attempts=F("failed_attempts") + 1,
            last_error=message.strip()[:MAX_ERROR],
            last_failure_at=now,
            last_cycle=cycle,
        )
        runner.refresh_from_db()
        if counted:
            telling.runner_failed(runner, moment=now)
    return runner
