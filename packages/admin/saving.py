"""Saving the package card: its fields, run orders and recurrences together, or nothing of it.

Each part goes through its verb; what the verbs refuse comes back as one list whose fields name the part of the form.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, Problem
from jobqueue.models import Company
from packages import lifecycle, lists
from packages.admin.forms import PackageForm
from packages.models import Package


def save_card(form: PackageForm, *, company: Company, actor: Actor, now: datetime) -> Package:
    """Creates or changes the package of the form. Raises what the verbs raise; then nothing was stored."""
    problems: list[Problem] = []
    with transaction.atomic():
        package = _save_fields(form, company=company, actor=actor, now=now)
        if "notification_lists" in form.cleaned_data:
            wanted = list(form.cleaned_data["notification_lists"])
            if {row.pk for row in wanted} != set(package.notification_lists.values_list("pk", flat=True)):
                lists.set_shared_lists(package, wanted, actor=actor, now=now)
        _save_lines(form, package, actor=actor, now=now)
        problems += _save_recurrences(form, package, actor=actor, now=now)
        if problems:
            raise Invalid(problems)
    return package


def _save_fields(form: PackageForm, *, company: Company, actor: Actor, now: datetime) -> Package:
    if form.instance.pk is None:
        return lifecycle.create_package(company, form.values(), actor=actor, now=now)
    stored = Package.objects.get(pk=form.instance.pk)
    return lifecycle.change_package(
        stored,
        form.values(),
        actor=actor,
        expected_revision=form.cleaned_data.get("expected_revision"),
        now=now,
    )


def _save_lines(form: PackageForm, package: Package, *, actor: Actor, now: datetime) -> None:
    lines = {line.pk: line for line in package.lines.select_related("package")}
    for sent in form.sent_line_orders():
        line = lines.get(sent["id"])
        values = {"run_order": sent["run_order"], "enabled": sent["enabled"]}
        if line is not None and any(getattr(line, name) != value for name, value in values.items()):
            lifecycle.change_line(line, values, actor=actor, now=now)


def _save_recurrences(form: PackageForm, package: Package, *, actor: Actor, now: datetime) -> list[Problem]:
    sent = form.sent_recurrences()
    if sent is None:
        return []
    stored = {row.pk: row for row in package.recurrences.all()}
    for key in sent.removed():
        if key in stored:
            lifecycle.remove_recurrence(stored.pop(key), actor=actor, now=now)
    problems: list[Problem] = []
    for part in sent.kept():
        row = stored.get(part.cleaned_data.get("id"))
        if row is None:
            save: Callable[..., Any] = lifecycle.add_recurrence
            target: Any = package
        else:
            save, target = lifecycle.change_recurrence, row
        try:
            save(target, part.values(), actor=actor, now=now)
        except Invalid as refusal:
            problems += [
                Problem(f"{part.prefix}-{problem.field}", problem.code, problem.message)
                for problem in refusal.problems
            ]
    return problems
