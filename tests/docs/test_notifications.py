"""The page on notifications: its commands run, its tables name everything there is and nothing else."""

import re
import shlex
from io import StringIO

import pytest
from django.core.management import call_command

from notifications import scenarios
from notifications.management.commands.notifications import SUBCOMMANDS
from notifications.models import DefaultList, Message
from tests.builders import default_company, make_superuser

from .blocks import blocks, text_of

PAGE = "docs/notifications.md"


@pytest.mark.django_db
def test_the_commands_of_the_page_run():
    default_company()
    make_superuser("admin")
    for block in blocks(PAGE, language="sh"):
        for line in block.splitlines():
            words = shlex.split(line)
            assert words[:2] == ["python", "manage.py"], line
            if words[3] == "message":
                words[4] = str(Message.objects.latest("id").pk)
            call_command(*words[2:], stdout=StringIO())

    assert DefaultList.objects.get().list.name == "On call"
    assert Message.objects.get().is_test


def test_every_subcommand_is_described():
    rows = re.findall(r"^\| (`[a-z].+?) \|", text_of(PAGE), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}
    assert described == set(SUBCOMMANDS)


def test_every_scenario_of_an_entry_is_described():
    described = re.findall(r"^\| [A-Z].+? \(`(\w+)`\)", text_of(PAGE), re.MULTILINE)
    assert sorted(described) == sorted(one.code for one in scenarios.registered("entry"))
