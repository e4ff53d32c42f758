"""Which findings people must hear of now: each incident once, its end once, and now and then a reminder."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from refresher.worker.state import Incident
from refresher.worker.watching import family

Sentences = dict[str, str]


@dataclass(slots=True)
class Telling:
    """What changed, by key; ``over`` holds for each the incident that ended."""

    new: Sentences = field(default_factory=dict)
    reminded: Sentences = field(default_factory=dict)
    over: dict[str, Incident] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.new or self.reminded or self.over)


def judge(
    incidents: dict[str, Incident],
    findings: Mapping[str, str],
    *,
    known: Set[str],
    now: float,
    remind_seconds: float,
) -> Telling:
    """Brings ``incidents`` up to date with what was found, and says what to tell. ``remind_seconds`` 0: no reminders.

    What was not looked at (its family is not ``known``) stays as it is.
    """
    telling = Telling()
    for key, sentence in findings.items():
        incident = incidents.get(key)
        if incident is None:
            incidents[key] = Incident(sentence, since=now, told_at=now)
            telling.new[key] = sentence
            continue
        incident.sentence = sentence
        if remind_seconds and now - incident.told_at >= remind_seconds:
            incident.told_at = now
            telling.reminded[key] = sentence
    for key in list(incidents):
        if key not in findings and family(key) in known:
            telling.over[key] = incidents.pop(key)
    return telling
