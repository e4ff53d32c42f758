"""What may be told, and whom: handed from whoever notices something to the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobqueue.models import Company
from notifications.models import ChannelTarget, Message, NotificationList


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Something people may want to be told, at one ``moment`` (aware).

    ``scenarios``: the codes that match at this moment. ``lists``: those of the package, entry, … in question, private
    and shared. ``template`` names the templates of the mail, ``facts`` is what they tell (JSON; names ending in
    ``_at`` are moments; ``pages``, by name an admin view and its arguments, become links). ``about`` (kind, reference)
    is what repeat intervals are counted for, ``source`` (kind, reference) the run or entry the message is shown with.

    ``fallback_user`` and ``fallback_scenarios``: if the lists are empty and one of these scenarios matches (failures),
    the company's default list is told, and if that is empty, the user. ``also`` are users who are told in any case.
    ``minutes`` is what was measured, by scenario: a line that names minutes is told only above them. With ``once_key``
    (for all scenarios) or ``once`` (by scenario) a line is told once for this key, however often it is noticed.
    ``templates``, by scenario, are used instead of ``template`` for people whose most severe scenario it is.
    """

    company: Company
    scenarios: tuple[str, ...]
    template: str
    facts: Mapping[str, Any]
    moment: datetime
    lists: tuple[NotificationList, ...] = ()
    about: tuple[str, str] = ("", "")
    source: tuple[str, str] = ("", "")
    fallback_user: Any = None
    fallback_scenarios: tuple[str, ...] = ()
    also: tuple[Any, ...] = ()
    minutes: Mapping[str, float] = field(default_factory=dict)
    once_key: str = ""
    once: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)

    def once_key_of(self, scenario: str) -> str:
        return self.once.get(scenario, self.once_key)


@dataclass(frozen=True, slots=True)
class Told:
    """A person or target that gets a message; ``scenarios`` most severe first."""

    name: str
    scenarios: tuple[str, ...]
    user: Any = None
    address: str = ""
    target: ChannelTarget | None = None
    held_back: int = 0
    told_as: str = Message.Reason.LIST
