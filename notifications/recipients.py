"""Who is told: lines become people, one each, by scenario, threshold and repeat interval.

The decision itself (:func:`decide`) is pure; :func:`choose` reads lines and marks for it and stores what it decided.
Source: *Packages reference, Notification List*: Lines, One mail per person, Flood protection;
*Decisions, Packages and notifications*.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from jobqueue import companies
from jobqueue.models import Company
from notifications import scenarios
from notifications.models import (
    DefaultList,
    Message,
    NotificationLine,
    NotificationList,
    RepeatMark,
    ToldMark,
)
from notifications.occasion import Occasion, Told
from notifications.subscriptions import add_subscribers

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A matching line as the decision sees it. ``told_at`` and ``held_back`` are its mark's, None and 0 without one."""

    line: Any
    person: str
    scenario: str
    repeat_minutes: int = 0
    told_at: datetime | None = None
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person gets: the lines that are told or held back, the scenarios, and what was held back before."""

    person: str
    is_told: bool
    lines: tuple[Candidate, ...]
    scenarios: tuple[str, ...]
    held_back: int = 0


def decide(candidates: Iterable[Candidate], *, moment: datetime) -> list[Decision]:
    """One decision per person, in the order of their first line.

    A person is told if any of their lines may be: one without repeat interval, or whose last mail is at least that long
    ago. The mail then names the scenarios of all their lines and how many mails were held back; otherwise all are.
    """
    people: dict[str, list[Candidate]] = {}
    for one in candidates:
        people.setdefault(one.person, []).append(one)
    return [_decide_for(person, lines, moment=moment) for person, lines in people.items()]


def _decide_for(person: str, lines: Sequence[Candidate], *, moment: datetime) -> Decision:
    codes = tuple(scenarios.most_severe_first({one.scenario for one in lines}))
    is_told = any(_may_be_told(one, moment=moment) for one in lines)
    return Decision(
        person=person,
        is_told=is_told,
        lines=tuple(lines),
        scenarios=codes,
        held_back=max((one.held_back for one in lines), default=0) if is_told else 0,
    )


def _may_be_told(one: Candidate, *, moment: datetime) -> bool:
    return (
        not one.repeat_minutes
        or one.told_at is None
        or one.told_at + timedelta(minutes=one.repeat_minutes) <= moment
    )


def choose(occasion: Occasion) -> list[Told]:
    """Everybody who is told of the occasion; stores the marks that protect them from floods and repetitions."""
    codes = set(scenarios.most_severe_first(occasion.scenarios))
    usable = _usable_lines([one.pk for one in occasion.lists], company=occasion.company)
    lines = {line: line.scenario for line in usable if line.scenario in codes and _is_above(line, occasion)}
    user, reason = None, Message.Reason.LIST
    failures = codes & set(occasion.fallback_scenarios)
    if not usable and failures:
        lines, user = _fall_back(occasion, failure=scenarios.most_severe_first(failures)[0])
        reason = Message.Reason.DEFAULT_LIST
    if occasion.once_key or occasion.once:
        lines = _not_yet_told(lines, occasion)
    people: dict[str, Told] = {}
    for line in lines:
        _add(people, line)
    told = [replace(one, told_as=reason) for one in _after_flood_protection(lines, people, occasion)]
    direct = [(one, Message.Reason.ASKED) for one in occasion.also]
    if user is not None:
        direct.append((user, Message.Reason.MAKER))
    told = _with_users(told, direct, codes=codes, company=occasion.company)
    return add_subscribers(told, occasion, codes=codes)


def people_of(found: NotificationList) -> list[tuple[Told, list[NotificationLine]]]:
    """Everybody on a list who can be reached, whether it is enabled or not, each with their lines."""
    people: dict[str, Told] = {}
    lines: dict[str, list[NotificationLine]] = {}
    for line in _reachable(NotificationLine.objects.filter(list=found), company=found.company):
        _add(people, line)
        lines.setdefault(_person(line), []).append(line)
    return [
        (
            replace(
                one, scenarios=tuple(scenarios.most_severe_first({line.scenario for line in lines[key]}))
            ),
            lines[key],
        )
        for key, one in people.items()
    ]


def _usable_lines(lists: Sequence[int], *, company: Company) -> list[NotificationLine]:
    """Lines of enabled lists whose recipient can be reached: users who are active and may enter, enabled targets."""
    if not lists:
        return []
    lines = NotificationLine.objects.filter(list__in=lists, list__is_enabled=True, list__company=company)
    return _reachable(lines, company=company)


def _reachable(lines: QuerySet[NotificationLine], *, company: Company) -> list[NotificationLine]:
    found = list(lines.select_related("user", "target").order_by("pk"))
    entering = _who_may_enter([line.user for line in found if line.user is not None], company=company)
    return [
        line
        for line in found
        if (line.user is None or line.user.pk in entering) and (line.target is None or line.target.is_enabled)
    ]


def _who_may_enter(users: Sequence[Any], *, company: Company) -> set[Any]:
    """The keys of active users who may work in the company, in one query."""
    active = [user.pk for user in users if user.is_active]
    if not active:
        return set()
    return set(companies.users_of(company).filter(pk__in=active).values_list("pk", flat=True))


def _is_above(line: NotificationLine, occasion: Occasion) -> bool:
    if line.threshold_minutes is None or line.scenario not in occasion.minutes:
        return True
    return occasion.minutes[line.scenario] > line.threshold_minutes


def _fall_back(occasion: Occasion, *, failure: str) -> tuple[dict[NotificationLine, str], Any]:
    """The company's default list: all its lines for failures, of whatever kind; without any, the user."""
    default = DefaultList.objects.filter(company=occasion.company).first()
    lines = [] if default is None else _usable_lines([default.list_id], company=occasion.company)
    for_failures = [line for line in lines if (known := scenarios.find(line.scenario)) and known.is_failure]
    if for_failures:
        return dict.fromkeys(for_failures, failure), None
    if occasion.fallback_user is None or not occasion.fallback_user.is_active:
        logger.warning(
            "Nobody is told of %s about %s: no list, no default list of %s, no user who made it.",
            failure,
            occasion.about,
            occasion.company,
        )
        return {}, None
    return {}, occasion.fallback_user


def _not_yet_told(lines: Mapping[NotificationLine, str], occasion: Occasion) -> dict[NotificationLine, str]:
    """The lines that have not been told of this occasion, which they now are.

    Two transactions that notice it at the same moment may both tell it; neither loses what else it has to tell.
    """
    keys = {line: key for line, scenario in lines.items() if (key := occasion.once_key_of(scenario))}
    marks = ToldMark.objects.filter(line__in=[line.pk for line in keys], key__in=set(keys.values()))
    known = set(marks.values_list("line_id", "key"))
    fresh = {line: scenario for line, scenario in lines.items() if (line.pk, keys.get(line)) not in known}
    marks_to_make = [
        ToldMark(line=line, key=keys[line], at=occasion.moment) for line in fresh if line in keys
    ]
    ToldMark.objects.bulk_create(marks_to_make, ignore_conflicts=True)
    return fresh


def _add(people: dict[str, Told], line: NotificationLine) -> None:
    key = _person(line)
    known = people.get(key)
    # A user tells language and zone, so the user wins over the same address written out.
    if known is None or (known.user is None and line.user is not None):
        people[key] = Told(
            name=_name(line.user) if line.user is not None else line.recipient,
            scenarios=(),
            user=line.user,
            address="" if line.user is not None else line.address,
            target=line.target,
        )


def _person(line: NotificationLine) -> str:
    """Equal for lines that reach the same person: addresses count, whoever they belong to, ignoring case."""
    if line.target_id is not None:
        return f"target:{line.target_id}"
    return _person_of_user(line.user) if line.user is not None else f"address:{line.address.strip().lower()}"


def _person_of_user(user: Any) -> str:
    address = (user.email or "").strip().lower()
    return f"address:{address}" if address else f"user:{user.pk}"


def _name(user: Any) -> str:
    return user.get_full_name() or user.get_username()


def _after_flood_protection(
    lines: Mapping[NotificationLine, str], people: Mapping[str, Told], occasion: Occasion
) -> list[Told]:
    marks = _marks(lines, about=occasion.about)
    candidates = [
        Candidate(
            line=line,
            person=_person(line),
            scenario=scenario,
            repeat_minutes=line.repeat_minutes if occasion.about[0] else 0,
            told_at=marks[line.pk].told_at if line.pk in marks else None,
            held_back=marks[line.pk].held_back if line.pk in marks else 0,
        )
        for line, scenario in lines.items()
    ]
    told = []
    for decision in decide(candidates, moment=occasion.moment):
        _store_marks(decision, occasion)
        if decision.is_told:
            person = people[decision.person]
            told.append(replace(person, scenarios=decision.scenarios, held_back=decision.held_back))
    return told


def _marks(lines: Mapping[NotificationLine, str], *, about: tuple[str, str]) -> dict[int, RepeatMark]:
    """The marks of lines with a repeat interval, locked: two runs that end at once do not both count as the first."""
    limited = [line.pk for line in lines if line.repeat_minutes]
    if not limited or not about[0]:
        return {}
    marks = RepeatMark.objects.select_for_update().filter(
        line__in=limited, about_kind=about[0], about_reference=about[1]
    )
    return {mark.line_id: mark for mark in marks}


def _store_marks(decision: Decision, occasion: Occasion) -> None:
    limited = [one.line for one in decision.lines if one.repeat_minutes]
    if not limited:
        return
    kind, reference = occasion.about
    if not decision.is_told:
        RepeatMark.objects.filter(line__in=limited, about_kind=kind, about_reference=reference).update(
            held_back=F("held_back") + 1
        )
        return
    RepeatMark.objects.bulk_create(
        [
            RepeatMark(line=line, about_kind=kind, about_reference=reference, told_at=occasion.moment)
            for line in limited
        ],
        update_conflicts=True,
        unique_fields=["line", "about_kind", "about_reference"],
        update_fields=["told_at", "held_back"],
    )


def _with_users(
    told: list[Told], users: Sequence[tuple[Any, Message.Reason]], *, codes: set[str], company: Company
) -> list[Told]:
    """Adds users who are told without a line, unless they are told already."""
    if not users or not codes:
        return told
    known = {_person_of_told(one) for one in told}
    entering = _who_may_enter([user for user, _reason in users], company=company)
    matched = tuple(scenarios.most_severe_first(codes))
    found = list(told)
    for user, reason in users:
        person = _person_of_user(user)
        if user.pk in entering and person not in known:
            known.add(person)
            found.append(Told(name=_name(user), scenarios=matched, user=user, told_as=reason))
    return found


def _person_of_told(told: Told) -> str:
    if told.target is not None:
        return f"target:{told.target.pk}"
    return _person_of_user(told.user) if told.user is not None else f"address:{told.address.strip().lower()}"
