"""The shared notification list of Harbour Trading: who hears of failures nobody else is listed for."""

from datetime import datetime

from config.demo.packages import ON_CALL
from jobqueue.actors import Actor
from jobqueue.models import Company
from notifications import entry_scenarios, verbs
from packages import scenarios

LATE_MINUTES = 15
HALF_HOUR = 30


def make(company: Company, *, actor: Actor, now: datetime) -> None:
    """Makes the list and lets it be the company's default one."""
    values = {"name": "On call", "description": "Whoever carries the phone this week"}
    found = verbs.create_list(company, values, actor=actor, now=now)
    for told in (
        {"scenario": entry_scenarios.ON_ERROR.code, "repeat_minutes": HALF_HOUR},
        {"scenario": entry_scenarios.ON_RECOVERY.code},
        {"scenario": entry_scenarios.LATE.code, "threshold_minutes": LATE_MINUTES},
        {"scenario": scenarios.ON_STOP.code},
    ):
        verbs.add_line(found, {"address": ON_CALL, **told}, actor=actor, now=now)
    verbs.set_default_list(company, found, actor=actor)
