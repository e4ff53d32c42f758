"""Creating, changing, copying and deleting packages; every problem of the input is reported together.

Source: *Packages reference, Fields*, *Copy*, *Deleting* and *Permissions*.
"""

from collections.abc import Mapping
from copy import copy as as_it_is
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from jobqueue import audit
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.lifecycle import owned
from jobqueue.models import Company
from jobqueue.scheduler import database_now
from packages import lists
from packages.errors import PackageLocked
from packages.lifecycle.fields import write
from packages.lifecycle.identity import answer_for
from packages.models import Package, PackageLine, Recurrence
from packages.models.package import NAME_LENGTH
from packages.permissions import may_act_as, require
from packages.rows import open_run, require_editable, require_revision, store_change, verb
from packages.states import OWNER_KIND

PLAIN_FIELDS = (
    "name",
    "description",
    "on_error",
    "time_zone",
    "missed_run",
    "late_tolerance_minutes",
    "run_equal_orders_together",
    "max_duration_minutes",
)
SETTABLE = (*PLAIN_FIELDS, "run_as_user")
"""What people may set on the card, by field name; lists of notifications have verbs of their own."""


def create_package(
    company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime | None = None
) -> Package:
    """Stores a new package, On Hold, with its private notification list; ``values`` by field name.

    The time zone comes from the company unless given; ``run_as_user`` is a user, a key, a user name or None. Raises
    ``Invalid`` with all problems, or ``NotAllowed``.
    """
    now = now or database_now()
    require(actor, "maintain", company)
    package = Package(company=company, time_zone=company.time_zone, created_at=now, created_by=actor.user)
    package.modified_at, package.modified_by = now, actor.user
    with transaction.atomic():
        _apply(package, {"name": "", **values}, actor=actor)
        _insert(package)
        lists.create_private(package, now=now)
    return package


def change_package(
    package: Package,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> Package:
    """Changes fields of a package that is neither Active nor running; values as for :func:`create_package`.

    Raises ``PackageLocked``, ``PackageChangedMeanwhile`` if the revision is no longer the expected one, ``Invalid``.
    """
    return _change(
        package, values, actor=actor, expected_revision=expected_revision, now=now or database_now()
    )


@verb
def _change(
    package: Package,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> Package:
    require(actor, "maintain", package.company)
    require_revision(package, expected_revision)
    require_editable(package)
    before = as_it_is(package)
    _apply(package, values, actor=actor)
    changed = {name for name in SETTABLE if getattr(package, name) != getattr(before, name)}
    if not changed:
        return package
    names = {*changed, "name_key"} if "name" in changed else changed
    if "run_as_user" in changed:
        names = names.union(answer_for(package, actor=actor))
    try:
        with transaction.atomic():
            store_change(package, names, actor=actor, now=now)
            audit.record_update(before, package, changed)
    except IntegrityError as error:
        raise Invalid([_name_taken(package)]) from error
    if "name" in changed:
        lines = package.lines.select_related("entry")
        owned.rename_owner([line.entry for line in lines], package.name, now=now)
        lists.rename_private(package, now=now)
    return package


def copy_package(package: Package, *, actor: Actor, name: str = "", now: datetime | None = None) -> Package:
    """Copies lines (as new entries), recurrences, On Error and notification list under a new name, On Hold.

    Allowed in every status, also while Active. Without ``name`` the copy is called “… (copy)”. Returns the copy.
    """
    return _copy(package, actor=actor, name=name.strip(), now=now or database_now())


@verb
def _copy(package: Package, *, actor: Actor, name: str, now: datetime) -> Package:
    require(actor, "maintain", package.company)
    values = {field: getattr(package, field) for field in PLAIN_FIELDS}
    copy = Package(company=package.company, created_at=now, created_by=actor.user)
    copy.modified_at, copy.modified_by = now, actor.user
    if may_act_as(actor, package.run_as_user, package.company):
        copy.run_as_user = package.run_as_user
    _apply(copy, values | {"name": name or _name_of_copy(package)}, actor=actor)
    _insert(copy)
    for line in package.lines.select_related("entry"):
        entry = owned.copy_owned(
            line.entry, actor=actor, owner_kind=OWNER_KIND, owner_reference=copy.name, now=now
        )
        PackageLine.objects.create(
            package=copy,
            entry=entry,
            run_order=line.run_order,
            enabled=line.enabled,
            always=line.always,
            on_error=line.on_error,
        )
    for recurrence in package.recurrences.all():
        recurrence.pk, recurrence.package, recurrence._state.adding = None, copy, True
        recurrence.save(force_insert=True)
    lists.copy_all(package, to=copy, actor=actor, now=now)
    return copy


def delete_package(package: Package, *, actor: Actor, reason: str = "", now: datetime | None = None) -> None:
    """Deletes the package with its lines, their entries, its recurrences and its private list; the log remains.

    Raises ``PackageLocked`` while it is Active or a run is open.
    """
    _delete(package, actor=actor, reason=reason.strip()[:250], now=now or database_now())


@verb
def _delete(package: Package, *, actor: Actor, reason: str, now: datetime) -> None:
    require(actor, "maintain", package.company)
    if package.is_active or open_run(package) is not None:
        why = "is Active" if package.is_active else "has an open run"
        raise PackageLocked(
            f"“{package}” {why} and cannot be deleted. Set it On Hold first and wait for the end of its run."
        )
    words = reason or f"Deleted with the package “{package}”"
    lines = list(package.lines.select_related("entry"))
    PackageLine.objects.filter(package=package).delete()
    for line in lines:
        owned.delete_owned(line.entry, actor=actor, reason=words, now=now)
    Recurrence.objects.filter(package=package).delete()
    lists.delete_private(package)
    Package.objects.filter(pk=package.pk).delete()


def _apply(package: Package, values: Mapping[str, Any], *, actor: Actor) -> None:
    plain = {name: value for name, value in values.items() if name != "run_as_user"}
    problems = write(package, plain, allowed=SETTABLE)
    package.name = package.name.strip()
    package.name_key = package.name.casefold()
    if not package.name and not any(problem.field == "name" for problem in problems):
        problems.append(Problem("name", "required", "The package needs a name. Enter one."))
    problems = [
        Problem("name", "required", "The package needs a name. Enter one.")
        if problem.field == "name" and not str(values.get("name") or "").strip()
        else problem
        for problem in problems
    ]
    others = Package.objects.filter(company=package.company, name_key=package.name_key).exclude(pk=package.pk)
    if package.name and others.exists():
        problems.append(_name_taken(package))
    if "run_as_user" in values:
        problems += _apply_run_as(package, values["run_as_user"], actor=actor)
    if problems:
        raise Invalid(list(dict.fromkeys(problems)))


def _apply_run_as(package: Package, value: Any, *, actor: Actor) -> list[Problem]:
    user, problem = _user_of(value)
    if problem is not None:
        return [problem]
    if user == package.run_as_user:
        return []
    if user is not None and not may_act_as(actor, user, package.company):
        raise NotAllowed(
            f"“{actor.name}” may not let “{package}” run as “{user.get_username()}”. Naming somebody else needs the "
            "right to set up packages (group “Administrator”); leave Run As User empty or name yourself."
        )
    package.run_as_user = user
    return []


def _user_of(value: Any) -> tuple[Any, Problem | None]:
    users = get_user_model()._default_manager
    if value in (None, ""):
        return None, None
    if isinstance(value, get_user_model()):
        return value, None
    found = None
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
        found = users.filter(pk=value).first()
    if found is None and isinstance(value, str):
        found = users.filter(**{get_user_model().USERNAME_FIELD: value}).first()
    if found is None:
        sentence = f"There is no user “{value}”. Choose an existing user, or leave Run As User empty."
        return None, Problem("run_as_user", "unknown_user", sentence)
    return found, None


def _insert(package: Package) -> None:
    try:
        with transaction.atomic():
            package.save(force_insert=True)
    except IntegrityError as error:
        raise Invalid([_name_taken(package)]) from error


def _name_taken(package: Package) -> Problem:
    return Problem("name", "name_taken", f"There is a package “{package.name}” already. Choose another name.")


def _name_of_copy(package: Package) -> str:
    taken = set(Package.objects.filter(company=package.company).values_list("name_key", flat=True))
    number = 1
    while True:
        suffix = " (copy)" if number == 1 else f" (copy {number})"
        name = f"{package.name[: NAME_LENGTH - len(suffix)]}{suffix}"
        if name.casefold() not in taken:
            return name
        number += 1
