"""Lines of a package and the entries they own (*Packages reference, Package lines*).

An owned entry's settings change only here, while its package is neither Active nor running; its own schedule is
emptied when it joins the package.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Max

from jobqueue import permissions as job_permissions
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotFound, Problem, Refused
from jobqueue.lifecycle import guards as entry_guards
from jobqueue.lifecycle import owned
from jobqueue.masking import unmasked
from jobqueue.models import Entry
from jobqueue.scheduler import database_now
from jobqueue.validation import REACHING_THE_JOB
from packages.lifecycle.fields import write
from packages.lifecycle.identity import answer_for
from packages.models import Package, PackageLine
from packages.permissions import require
from packages.rows import require_editable, require_revision, store_change, verb
from packages.states import OWNER_KIND

LINE_FIELDS = ("run_order", "enabled", "always", "on_error")
ORDER_STEP = 10


def next_run_order(package: Package) -> int:
    """The run order a new line is offered: the highest one + 10."""
    highest = package.lines.aggregate(highest=Max("run_order"))["highest"] or 0
    return highest + ORDER_STEP


def add_line(
    package: Package,
    entry_values: Mapping[str, Any],
    *,
    actor: Actor,
    run_order: Any = None,
    enabled: Any = True,
    always: Any = False,
    on_error: str = "",
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> PackageLine:
    """Adds a line with a new entry of its own; ``entry_values`` as for an ordinary entry, schedule fields ignored.

    Without ``run_order`` it gets the highest one + 10. Raises ``Invalid`` with all problems of line and entry,
    ``PackageLocked``, ``PackageChangedMeanwhile``, ``NotAllowed``.
    """
    values = {"run_order": run_order, "enabled": enabled, "always": always, "on_error": on_error}
    return _add(
        package,
        entry_values,
        None,
        values=values,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


def add_line_from_entry(
    package: Package,
    entry: Entry,
    *,
    actor: Actor,
    run_order: Any = None,
    enabled: Any = True,
    always: Any = False,
    on_error: str = "",
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> PackageLine:
    """Adds a line with a copy of an existing entry's settings; the original stays as it is, schedule included.

    Refused for an entry of another company.
    """
    values = {"run_order": run_order, "enabled": enabled, "always": always, "on_error": on_error}
    return _add(
        package,
        {},
        entry,
        values=values,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


@verb
def _add(
    package: Package,
    entry_values: Mapping[str, Any],
    source: Entry | None,
    *,
    values: Mapping[str, Any],
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> PackageLine:
    _require_change(package, actor=actor, expected_revision=expected_revision)
    line = PackageLine(package=package)
    order = values["run_order"]
    offered = {**values, "run_order": next_run_order(package) if order in (None, "") else order}
    problems = write(line, offered, allowed=LINE_FIELDS)
    if source is not None:
        _require_own_company(package, source, actor=actor)
        if problems:
            raise Invalid(problems)
        line.entry = owned.copy_owned(
            source, actor=actor, owner_kind=OWNER_KIND, owner_reference=package.name, now=now
        )
    else:
        try:
            line.entry = owned.create_owned(
                package.company,
                entry_values,
                actor=actor,
                owner_kind=OWNER_KIND,
                owner_reference=package.name,
                now=now,
            )
        except Invalid as error:
            raise Invalid([*problems, *error.problems]) from error
        if problems:
            raise Invalid(problems)
    line.save(force_insert=True)
    answer_for_change(package, actor=actor, now=now)
    return line


def change_line(
    line: PackageLine,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> PackageLine:
    """Changes ``run_order``, ``enabled``, ``always`` and ``on_error`` (empty: as the package says) of a line.

    ``expected_revision`` is that of the package. Refusals as :func:`add_line`.
    """
    return _change(
        line.package,
        line,
        values,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


@verb
def _change(
    package: Package,
    line: PackageLine,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> PackageLine:
    _require_change(package, actor=actor, expected_revision=expected_revision)
    line = _fresh(package, line)
    before = {name: getattr(line, name) for name in LINE_FIELDS}
    problems = write(line, values, allowed=LINE_FIELDS)
    if problems:
        raise Invalid(problems)
    changed = [name for name in LINE_FIELDS if getattr(line, name) != before[name]]
    if changed:
        line.save(update_fields=changed)
        store_change(package, actor=actor, now=now, lines=True)
    return line


def change_line_entry(
    line: PackageLine,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> PackageLine:
    """Changes settings of the line's entry; schedule fields are ignored. Refusals as :func:`add_line`.

    Secrets among ``parameters`` that come as they were shown, masked, stay as they are.

    Whoever changes what reaches the job without being allowed to act as the package's identity becomes that identity,
    and an empty Run As User with it (decisions on identity and permissions).
    """
    return _change_entry(
        line.package,
        line,
        values,
        actor=actor,
        expected_revision=expected_revision,
        now=now or database_now(),
    )


@verb
def _change_entry(
    package: Package,
    line: PackageLine,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> PackageLine:
    _require_change(package, actor=actor, expected_revision=expected_revision)
    line = _fresh(package, line)
    if "parameters" in values:
        values = {**values, "parameters": unmasked(values["parameters"], stored=line.entry.parameters)}
    changed = owned.change_owned(line.entry, values, actor=actor, now=now)
    if changed & REACHING_THE_JOB:
        answer_for_change(package, actor=actor, now=now)
    elif changed:
        store_change(package, actor=actor, now=now, lines=True)
    return line


def remove_line(
    line: PackageLine,
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> None:
    """Removes the line and deletes its entry; the log of both remains. Refusals as :func:`add_line`."""
    _remove(line.package, line, actor=actor, expected_revision=expected_revision, now=now or database_now())


@verb
def _remove(
    package: Package, line: PackageLine, *, actor: Actor, expected_revision: int | None, now: datetime
) -> None:
    _require_change(package, actor=actor, expected_revision=expected_revision)
    line = _fresh(package, line)
    PackageLine.objects.filter(pk=line.pk).delete()
    reason = f"Removed from the package “{package}”"
    owned.delete_owned(line.entry, actor=actor, reason=reason, now=now)
    store_change(package, actor=actor, now=now, lines=True)


def reorder_lines(
    package: Package,
    line_ids: Sequence[Any],
    *,
    actor: Actor,
    expected_revision: int | None = None,
    now: datetime | None = None,
) -> list[PackageLine]:
    """Numbers the lines 10, 20, 30 … in the given sequence of line keys (or rows), which names each line once.

    Raises ``Refused`` if the sequence is not exactly the package's lines. Returns the lines in their new order.
    """
    keys = [getattr(item, "pk", item) for item in line_ids]
    return _reorder(
        package, keys, actor=actor, expected_revision=expected_revision, now=now or database_now()
    )


@verb
def _reorder(
    package: Package,
    keys: Sequence[Any],
    *,
    actor: Actor,
    expected_revision: int | None,
    now: datetime,
) -> list[PackageLine]:
    _require_change(package, actor=actor, expected_revision=expected_revision)
    lines = {str(line.pk): line for line in package.lines.select_related("entry")}
    if sorted(lines) != sorted(str(key) for key in keys):
        raise Refused(
            f"The lines of “{package}” have changed since you opened them. Open them again and repeat the move.",
            code="changed_meanwhile",
        )
    found = [lines[str(key)] for key in keys]
    for position, line in enumerate(found, start=1):
        line.run_order = position * ORDER_STEP
    PackageLine.objects.bulk_update(found, ["run_order"])
    store_change(package, actor=actor, now=now, lines=True)
    return found


def answer_for_change(package: Package, *, actor: Actor, now: datetime) -> None:
    """Stores a change that reaches the jobs; its author becomes the identity unless free to act as the present one."""
    store_change(package, answer_for(package, actor=actor), actor=actor, now=now, lines=True)


def _require_change(package: Package, *, actor: Actor, expected_revision: int | None) -> None:
    require(actor, "maintain", package.company)
    require_revision(package, expected_revision)
    require_editable(package)


def _require_own_company(package: Package, source: Entry, *, actor: Actor) -> None:
    if source.company_id != package.company_id:
        sentence = (
            f"{entry_guards.words(source)} belongs to another company than “{package}”. "
            "Choose an entry of the same company."
        )
        raise Invalid([Problem("entry", "other_company", sentence)])
    job_permissions.require(actor, "view", source.company)


def _fresh(package: Package, line: PackageLine) -> PackageLine:
    found = PackageLine.objects.select_related("entry", "package").filter(pk=line.pk, package=package).first()
    if found is None:
        raise NotFound(f"That line of “{package}” does not exist any more; somebody removed it.")
    found.package = package
    return found
