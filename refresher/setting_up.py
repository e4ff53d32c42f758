"""Verbs on the set-up of a company: enable and disable the external refresher, change the rest.

Source: *Refresher reference, Enable / disable per company*. Nothing here calls the worker: it asks the product for its
assignments, so a company that is enabled is served from the next cycle on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from jobqueue.actors import Actor
from jobqueue.errors import Invalid, Problem, Refused
from jobqueue.models import Company
from jobqueue.models.fields import validate_time_zone
from jobqueue.permissions import require
from jobqueue.scheduler import database_now
from refresher.asking import setup_of
from refresher.models import RefreshSetup, Runner
from refresher.runners import operational_problems

SETTABLE = ("enabled", "external_only", "default_runner", "default_time_zone", "create_missing_custom_jobs")


def enable_external(company: Company, *, actor: Actor, now: datetime | None = None) -> RefreshSetup:
    """Hands the company over to the worker outside: sign-ins no longer refresh it.

    Needs a default job time zone; *Enabled* is switched on where the company is external only. A missing or broken
    default runner does not stand against it: its jobs show as unserved. Refused when it is on already.
    """
    require(actor, "administer", company)
    now = now or database_now()
    with transaction.atomic():
        setup = locked_setup(company)
        if setup.use_external:
            raise Refused(
                f"The external refresher is enabled for “{company}” already.", code="already_enabled"
            )
        if setup.external_only:
            setup.enabled = True
        if not setup.default_time_zone:
            setup.default_time_zone = company.time_zone
        setup.use_external, setup.external_enabled_at = True, now
        setup.save()
    return setup


def disable_external(company: Company, *, actor: Actor) -> RefreshSetup:
    """Takes the company back from the worker; sign-ins refresh it again if *Enabled* is on and external only off."""
    require(actor, "administer", company)
    with transaction.atomic():
        setup = locked_setup(company)
        if not setup.use_external:
            raise Refused(f"The external refresher is not enabled for “{company}”.", code="already_disabled")
        setup.use_external, setup.external_enabled_at = False, None
        setup.save()
    return setup


def change_setup(company: Company, values: Mapping[str, Any], *, actor: Actor) -> RefreshSetup:
    """Changes the fields named by ``SETTABLE``; ``default_runner`` is a ``Runner`` or None.

    Raises ``Invalid`` with every problem: an unknown time zone, a runner that is not operational. Switching *Enabled*
    on gives an empty default job time zone the company's. Switching *External only* on where the external refresher is
    on switches *Enabled* on too, unless that is set at the same time: nothing else would refresh there.
    """
    require(actor, "administer", company)
    with transaction.atomic():
        setup = locked_setup(company)
        problems = [problem for name, value in values.items() for problem in _problems(setup, name, value)]
        if problems:
            raise Invalid(problems)
        was_enabled, was_external_only = setup.enabled, setup.external_only
        for name, value in values.items():
            setattr(setup, name, value)
        if setup.external_only and not was_external_only and setup.use_external and "enabled" not in values:
            setup.enabled = True
        if setup.enabled and not was_enabled and not setup.default_time_zone:
            setup.default_time_zone = company.time_zone
        setup.save()
    return setup


def switch_off_in_copy(company: Company) -> None:
    """A copied company or database refreshes nothing until somebody switches it on there (*Automatic disabling*)."""
    RefreshSetup.objects.filter(company=company).update(
        enabled=False, use_external=False, external_enabled_at=None
    )


def switch_off_everywhere() -> None:
    """The database is a copy that was adopted: no company refreshes until somebody switches it on."""
    for company in Company.objects.all():
        setup_of(company)
        switch_off_in_copy(company)


def locked_setup(company: Company) -> RefreshSetup:
    """The set-up row, locked to the end of the transaction."""
    setup_of(company)
    return (
        RefreshSetup.objects.select_for_update(of=("self",))
        .select_related("company", "default_runner__user")
        .get(company=company)
    )


def _problems(setup: RefreshSetup, name: str, value: Any) -> list[Problem]:
    if name not in SETTABLE:
        return [
            Problem(name, "unknown_field", f"“{name}” is not a field of the refresh set-up. Check its name.")
        ]
    if name == "default_runner":
        return _runner_problems(setup, value)
    if name == "default_time_zone":
        return _zone_problems(setup, value)
    if not isinstance(value, bool):
        return [Problem(name, "invalid", f"{_label(name)}: yes or no is needed.")]
    return []


def _runner_problems(setup: RefreshSetup, value: Any) -> list[Problem]:
    if value is None:
        return []
    if not isinstance(value, Runner):
        return [Problem("default_runner", "invalid", "Choose a registered runner user.")]
    found = operational_problems(value, company=setup.company)
    return [Problem("default_runner", "runner_not_operational", sentence) for sentence in found]


def _zone_problems(setup: RefreshSetup, value: Any) -> list[Problem]:
    if value == "" and not setup.use_external:
        return []
    try:
        validate_time_zone(str(value))
    except ValidationError as error:
        return [Problem("default_time_zone", "unknown_time_zone", " ".join(error.messages))]
    return []


def _label(name: str) -> str:
    words = str(RefreshSetup._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    return words[:1].upper() + words[1:]
