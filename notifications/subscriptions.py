"""Webhooks that hear of events of a whole company, whatever lists say: one more way into the same outbox.

A subscription is a webhook target with events, which are the scenarios of the lists. Who subscribes to ends of runs
makes the company's entries watched ones (``Entry.is_watched``); where nobody does, runs keep to the fast lane.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import F

from jobqueue.models import Company, Entry
from notifications import scenarios
from notifications.entry_scenarios import LATE, ON_RECOVERY, ON_SUCCESS, RAN_LONGER
from notifications.models import ChannelTarget, EntryLink, Message, ToldMark
from notifications.occasion import Occasion, Told

ENDS = frozenset({ON_SUCCESS.code, ON_RECOVERY.code, RAN_LONGER.code})
"""Events of ends of runs: entries tell of those only while they are watched."""

KNOWN_SECONDS = 2.0

_known: tuple[float, frozenset[UUID]] | None = None


def subscribers(company_id: UUID) -> list[ChannelTarget]:
    """The enabled webhooks of the company that subscribe to anything; one query."""
    rows = ChannelTarget.objects.filter(
        company=company_id, kind=ChannelTarget.Kind.WEBHOOK, is_enabled=True
    ).exclude(events=[])
    return list(rows.order_by("pk"))


def wants(company_id: UUID, *codes: str) -> bool:
    """Whether somebody in the company subscribes to one of these events."""
    return any(set(codes) & set(one.events) for one in subscribers(company_id))


def wants_ends(company_id: UUID) -> bool:
    """Whether the company's entries have to tell how their runs end."""
    return wants(company_id, *ENDS)


def add_subscribers(told: Sequence[Told], occasion: Occasion, *, codes: set[str]) -> list[Told]:
    """Adds the webhooks that subscribe to what happened; one that is told by a list gets one message for both."""
    found = {one.target.pk if one.target is not None else object(): one for one in told}
    for target in subscribers(occasion.company.pk):
        matched = [code for code in scenarios.most_severe_first(set(target.events)) if code in codes]
        matched = [code for code in matched if _is_above(target, code, occasion)]
        matched = _not_yet_told(target, matched, occasion)
        if not matched:
            continue
        known = found.get(target.pk)
        if known is None:
            found[target.pk] = Told(
                name=target.name, scenarios=tuple(matched), target=target, told_as=Message.Reason.SUBSCRIBED
            )
        else:
            both = scenarios.most_severe_first({*known.scenarios, *matched})
            found[target.pk] = replace(known, scenarios=tuple(both))
    return list(found.values())


def wanting_late() -> dict[UUID, list[ChannelTarget]]:
    """By company the webhooks that want to hear of entries that are late."""
    rows = ChannelTarget.objects.filter(kind=ChannelTarget.Kind.WEBHOOK, is_enabled=True).exclude(events=[])
    found: dict[UUID, list[ChannelTarget]] = {}
    for target in rows:
        if LATE.code in target.events:
            found.setdefault(target.company_id, []).append(target)
    return found


def keep_watch(company: Company, *, before: bool) -> None:
    """After a change of webhooks: the company's entries are watched from now on, or no longer.

    ``before`` is what :func:`wants_ends` said before the change. Belongs to the transaction of the change.
    """
    global _known
    _known = None
    after = wants_ends(company.pk)
    if after == before:
        return
    entries = Entry.objects.filter(company=company, owner_kind="", is_system=False, is_watched=not after)
    if not after:
        entries = entries.exclude(id__in=EntryLink.objects.values("entry_id"))
    # The raised revision makes a run that goes on read the entry again at its end.
    entries.update(is_watched=after, revision=F("revision") + 1)


def watch_new_entry(sender: Any, entry: Entry, **_: Any) -> None:
    """Receiver of ``before_insert_entry``: a new entry tells how its runs end if somebody subscribes to that."""
    if not entry.owner_kind and not entry.is_system and entry.company_id in _companies_wanting_ends():
        entry.is_watched = True


def _companies_wanting_ends() -> frozenset[UUID]:
    """Asked every two seconds at most: an entry that is enqueued costs no query of its own."""
    global _known
    now = time.monotonic()
    if _known is None or now - _known[0] > KNOWN_SECONDS:
        rows = ChannelTarget.objects.filter(kind=ChannelTarget.Kind.WEBHOOK, is_enabled=True)
        found = rows.exclude(events=[]).values_list("company_id", "events")
        _known = now, frozenset(company for company, events in found if ENDS & set(events))
    return _known[1]


def _is_above(target: ChannelTarget, code: str, occasion: Occasion) -> bool:
    return code not in occasion.minutes or occasion.minutes[code] > target.threshold_minutes


def _not_yet_told(target: ChannelTarget, codes: Sequence[str], occasion: Occasion) -> list[str]:
    keys = {code: occasion.once_key_of(code) for code in codes}
    wanted = {key for key in keys.values() if key}
    if not wanted:
        return list(codes)
    known = set(ToldMark.objects.filter(target=target, key__in=wanted).values_list("key", flat=True))
    new = [ToldMark(target=target, key=key, at=occasion.moment) for key in sorted(wanted - known)]
    ToldMark.objects.bulk_create(
        new, ignore_conflicts=True
    )  # another transaction may notice it at this moment, too
    return [code for code in codes if not keys[code] or keys[code] not in known]
