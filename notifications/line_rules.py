"""The rules of a line: who can be a recipient, and what a scenario needs.

Source: *Packages reference, Notification List*, Lines.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from jobqueue import companies
from jobqueue.errors import Problem
from notifications import scenarios
from notifications.models import ChannelTarget, NotificationLine

RECIPIENT_FIELDS = ("user", "address", "target")
FIELDS = (*RECIPIENT_FIELDS, "scenario", "threshold_minutes", "repeat_minutes")
LONGEST_MINUTES = 525_600
"""A year."""


def apply(line: NotificationLine, values: Mapping[str, Any]) -> list[Problem]:
    """Puts the values on the line, from rows, keys, names or text; returns what cannot be read."""
    problems = [
        Problem(
            name, "unknown_field", f"A notification line has no field “{name}”. Fields: {', '.join(FIELDS)}."
        )
        for name in sorted(set(values) - set(FIELDS))
    ]
    if any(values.get(name) for name in RECIPIENT_FIELDS):
        line.user, line.address, line.target = None, "", None
    for name in RECIPIENT_FIELDS:
        if name in values:
            _RECIPIENT_READERS[name](line, values[name], problems)
    if "scenario" in values:
        line.scenario = str(values["scenario"] or "").strip()
    if "threshold_minutes" in values:
        line.threshold_minutes = _minutes("threshold_minutes", values["threshold_minutes"], problems)
    if "repeat_minutes" in values:
        line.repeat_minutes = _minutes("repeat_minutes", values["repeat_minutes"], problems) or 0
    return problems


def problems_of(line: NotificationLine) -> list[Problem]:
    """Everything that keeps the line from being stored; several queries."""
    return [*_recipient_problems(line), *_scenario_problems(line), *_duplicates(line)]


def _read_user(line: NotificationLine, given: Any, problems: list[Problem]) -> None:
    User = get_user_model()
    if not given:
        line.user = None
    elif isinstance(given, User):
        line.user = given
    else:
        found = User._default_manager.filter(**{User.USERNAME_FIELD: str(given)}).first()
        if found is None and str(given).isdecimal() and len(str(given)) < 19:
            found = User._default_manager.filter(pk=int(given)).first()
        if found is None:
            words = f"There is no user “{given}”. Check the name."
            problems.append(Problem("user", "unknown_user", words))
        line.user = found


def _read_address(line: NotificationLine, given: Any, problems: list[Problem]) -> None:
    line.address = str(given or "").strip()


def _read_target(line: NotificationLine, given: Any, problems: list[Problem]) -> None:
    if not given:
        line.target = None
        return
    if isinstance(given, ChannelTarget):
        line.target = given
        return
    targets = ChannelTarget.objects.filter(company=line.list.company)
    found = targets.filter(name__iexact=str(given)).first()
    if found is None and str(given).isdecimal() and len(str(given)) < 19:
        found = targets.filter(pk=int(given)).first()
    if found is None:
        words = f"“{line.list.company}” has no target “{given}”. Create it first, or correct the name."
        problems.append(Problem("target", "unknown_target", words))
    line.target = found


_RECIPIENT_READERS = {"user": _read_user, "address": _read_address, "target": _read_target}


def _minutes(name: str, given: Any, problems: list[Problem]) -> int | None:
    if given is None or given == "":
        return None
    text = str(given).strip()
    if (
        isinstance(given, bool)
        or not (text.isascii() and text.isdecimal())
        or int(text[:10]) > LONGEST_MINUTES
    ):
        words = f"“{given}” is no number of minutes between 0 and {LONGEST_MINUTES:,}."
        problems.append(Problem(name, "invalid", words))
        return None
    return int(text)


def _recipient_problems(line: NotificationLine) -> list[Problem]:
    given = [name for name in RECIPIENT_FIELDS if getattr(line, name)]
    if len(given) != 1:
        words = (
            "Name the recipient: a user, an e-mail address, or a target."
            if not given
            else "A line has one recipient: a user, an e-mail address, or a target. Add a line for each."
        )
        return [Problem("recipient", "one_recipient", words)]
    if line.address:
        return _address_problems(line.address)
    if line.user is not None:
        return _user_problems(line)
    assert line.target is not None
    if line.target.company_id != line.list.company_id:
        words = f"The target “{line.target}” belongs to another company. Choose one of “{line.list.company}”."
        return [Problem("target", "other_company", words)]
    return []


def _address_problems(address: str) -> list[Problem]:
    try:
        validate_email(address)
    except ValidationError:
        words = f"“{address}” is no e-mail address. Write it like name@example.com, one a line."
        return [Problem("address", "invalid_address", words)]
    if len(address) > 254:
        return [Problem("address", "too_long", "The e-mail address has more than 254 characters.")]
    return []


def _user_problems(line: NotificationLine) -> list[Problem]:
    user = line.user
    assert user is not None
    name = user.get_username()
    if not user.is_active:
        words = f"The user “{name}” is disabled and would be sent nothing. Choose another recipient."
        return [Problem("user", "disabled_user", words)]
    if not companies.may_enter(user, line.list.company):
        words = (
            f"The user “{name}” may not work in the company “{line.list.company}”. "
            "Add the user to the company, or choose another recipient."
        )
        return [Problem("user", "other_company", words)]
    if not user.email:
        words = f"The user “{name}” has no e-mail address. Enter one on the user's card, or list an address instead."
        return [Problem("user", "no_address", words)]
    return []


def _scenario_problems(line: NotificationLine) -> list[Problem]:
    offered = offered_scenarios(line)
    scenario = scenarios.find(line.scenario)
    if scenario is None or scenario not in offered:
        known = ", ".join(one.code for one in offered)
        words = (
            f"“{line.scenario}” is no scenario of this list. Choose one of: {known}."
            if line.scenario
            else f"Say when the recipient is told. Choose a scenario: {known}."
        )
        return [Problem("scenario", "unknown_scenario", words)]
    if scenario.needs_minutes and not line.threshold_minutes:
        words = f"“{scenario.caption}” needs minutes: how long to wait before anybody is told, at least 1."
        return [Problem("threshold_minutes", "required", words)]
    if not scenario.needs_minutes and line.threshold_minutes is not None:
        words = f"“{scenario.caption}” takes no minutes. Leave them empty."
        return [Problem("threshold_minutes", "not_used", words)]
    return []


def offered_scenarios(line: NotificationLine) -> list[scenarios.Scenario]:
    """The scenarios a line of this list can name: those of its owner if the list is private, else all."""
    own = scenarios.registered(line.list.owner_kind) if line.list.is_private else []
    return own or scenarios.registered()


def _duplicates(line: NotificationLine) -> list[Problem]:
    others = NotificationLine.objects.filter(list=line.list, scenario=line.scenario).exclude(pk=line.pk)
    if line.user is not None:
        same = others.filter(user=line.user)
    elif line.address:
        same = others.filter(address__iexact=line.address)
    elif line.target is not None:
        same = others.filter(target=line.target)
    else:
        return []
    if not same.exists():
        return []
    words = (
        f"“{line.recipient}” is on the list for “{scenarios.caption(line.scenario)}” already. "
        "Change that line, or choose another scenario."
    )
    return [Problem("recipient", "duplicate", words)]


__all__ = ["FIELDS", "apply", "offered_scenarios", "problems_of"]
