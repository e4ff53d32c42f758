"""Properties of entries no column holds: how they are read, and filtered and ordered by in the database all the same.

What columns do hold is looked up first: there are few objects, languages and time zones, however many entries.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, Q, Value, When
from django.db.models.functions import ExtractHour, ExtractMinute, ExtractSecond

from jobqueue.api_v2.kinds import OPERATORS, UNSET_MOMENT
from jobqueue.api_v2.spelling import language_number
from jobqueue.models import Entry
from jobqueue.objects import registry
from jobqueue.schedule import load_zone, to_utc

REFERENCE_DAY = date(2000, 1, 1)
BEFORE_ALL = -(10**9)


# --- the caption of the object
def caption_of(entry: Entry) -> str:
    job = registry.find(entry.object_type, entry.object_id)
    return job.caption if job is not None else ""


def caption_is(word: str, wanted: str) -> Q:
    """The installed objects whose caption fits, by their numbers."""
    jobs, found = registry.all(), Q(pk__in=[])
    for job in jobs:
        if _holds(word, job.caption, wanted):
            found |= _entries_of(job)
    if _holds(word, "", wanted):
        known = Q(pk__in=[])
        for job in jobs:
            known |= _entries_of(job)
        found |= ~known
    return found


def caption_key() -> Any:
    captions = [When(_entries_of(job), then=Value(job.caption)) for job in registry.all()]
    return Case(*captions, default=Value(""), output_field=CharField())


def _entries_of(job: Any) -> Q:
    return Q(object_type=int(job.object_type), object_id=job.object_id)


def _holds(word: str, caption: str, wanted: str) -> bool:
    if word in OPERATORS:
        return OPERATORS[word](caption, wanted)
    return {
        "contains": wanted in caption,
        "startswith": caption.startswith(wanted),
        "endswith": caption.endswith(wanted),
    }[word]


# --- the number of the language
def language_of(entry: Entry) -> int:
    return language_number(entry.user_language)


def language_is(word: str, wanted: int) -> Q:
    """The languages in use whose numbers fit."""
    return Q(user_language__in=[tag for tag in _languages() if OPERATORS[word](language_number(tag), wanted)])


def language_key() -> Any:
    numbers = [When(user_language=tag, then=Value(language_number(tag))) for tag in _languages()]
    return Case(*numbers, default=Value(0), output_field=BigIntegerField())


def _languages() -> list[str]:
    return list(Entry.objects.order_by().values_list("user_language", flat=True).distinct())


# --- the starting time on the reference day, as a moment
def reference_of(entry: Entry) -> datetime | None:
    return None if entry.starting_time is None else _reference(entry.starting_time, entry.time_zone)


def reference_is(word: str, wanted: datetime) -> Q:
    """The starting times in use, zone by zone, whose moments fit; entries without one count as the unset moment."""
    fitting: dict[str, list[time]] = defaultdict(list)
    rows = Entry.objects.exclude(starting_time=None).order_by()
    for at, zone in rows.values_list("starting_time", "time_zone").distinct():
        if at is not None and OPERATORS[word](_reference(at, zone), wanted):
            fitting[zone].append(at)
    found = Q(pk__in=[])
    for zone, times in fitting.items():
        found |= Q(time_zone=zone, starting_time__in=times)
    return found | Q(starting_time=None) if OPERATORS[word](UNSET_MOMENT, wanted) else found


def reference_key() -> Any:
    """Seconds from the midnight of the reference day in UTC; entries without a starting time come first."""
    zones = Entry.objects.order_by().values_list("time_zone", flat=True).distinct()
    clock = ExtractHour("starting_time") * 3_600 + ExtractMinute("starting_time") * 60
    seconds = clock + ExtractSecond("starting_time")
    whole = BigIntegerField()
    offsets = Case(*(When(time_zone=zone, then=Value(_offset(zone))) for zone in zones), output_field=whole)
    unset = When(starting_time=None, then=Value(BEFORE_ALL))
    return Case(unset, default=seconds - offsets, output_field=whole)


def _offset(zone: str) -> int:
    midnight = datetime.combine(REFERENCE_DAY, time(0), UTC)
    return int((midnight - _reference(time(0), zone)).total_seconds())


def _reference(at: time, zone: str) -> datetime:
    return to_utc(REFERENCE_DAY, at, zone=load_zone(zone)).astimezone(UTC)
