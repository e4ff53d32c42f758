"""docs/refresher.md: its example registers, its commands and settings exist, its messages are those people get."""

import re
from datetime import time

import pytest

from notifications import scenarios
from refresher import events
from refresher.management.commands.refresher import SUBCOMMANDS, Command
from refresher.models import MonitoredJob, RefreshSetup
from refresher.registration import register_all
from refresher.setting_up import SETTABLE
from tests.builders import NOW
from tests.docs.blocks import blocks, text_of
from tests.refresher.situations import external_mode

PAGE = "docs/refresher.md"


@pytest.mark.django_db
def test_the_example_registers_its_jobs():
    receivers = list(events.register_jobs.receivers)
    defined = {"__name__": "sales.jobs"}  # kept: signals hold their receivers weakly
    try:
        for block in blocks(PAGE, language="python"):
            exec(compile(block, PAGE, "exec"), defined)
        found = register_all(external_mode(default_time_zone="Europe/Copenhagen"), now=NOW)
    finally:
        events.register_jobs.receivers = receivers
        events.register_jobs.sender_receivers_cache.clear()
    assert [one.error for one in found] == ["", ""]
    tidy, inboxes = MonitoredJob.objects.order_by("pk")
    assert (tidy.next_run_date_formula, tidy.starting_time, tidy.ending_time) == ("1D", time(2), time(4))
    assert (tidy.registered_as, tidy.time_zone) == ("sales.jobs:tidy-log", "Europe/Copenhagen")
    assert (inboxes.is_customisable, inboxes.minutes_between_runs) == (True, 60)


def test_the_commands_shown_can_be_given():
    command = Command()
    (shown,) = blocks(PAGE, language="console")
    for line in shown.strip().splitlines():
        words = line.split()
        assert words[:2] == ["manage.py", "refresher"]
        options = command.create_parser("manage.py", "refresher").parse_args(words[2:])
        assert options.subcommand in SUBCOMMANDS
    named = {
        name
        for row in re.findall(r"^\| (`.*?`) \|", text_of(PAGE), re.M)
        for name in re.findall(r"`([\w-]+)`", row)
    }
    assert named == set(SUBCOMMANDS)


def test_every_setting_and_message_is_described_under_its_own_name():
    text = text_of(PAGE)
    for name in SETTABLE:
        label = str(RefreshSetup._meta.get_field(name).verbose_name)
        assert label.lower() in text.lower(), label
    for scenario in scenarios.registered("refresher"):
        assert scenario.caption in text, scenario.caption
