"""docs/refresher-worker.md: its example is a configuration, its options and exit statuses are those there are."""

import re
import tomllib
from dataclasses import fields

import pytest

from refresher.worker import program, work
from refresher.worker.parsing import SECTIONS, load
from tests.docs.blocks import blocks, text_of

PAGE = "docs/refresher-worker.md"


def test_the_example_is_a_configuration(tmp_path):
    (text,) = blocks(PAGE, language="toml")
    file = tmp_path / "worker.toml"
    file.write_text(text)
    found = load(file, {})
    assert [runner.name for runner in found.runners] == ["night-runner", "day-runner"]
    assert found.mail.recipients == ("oncall@example.com",)


def test_every_option_in_the_table_exists_with_its_default():
    named = re.findall(r"`(\w+)\.(\w+)`", text_of(PAGE))
    for section, name in (one for one in named if one[0] in SECTIONS and one != ("status", "json")):
        assert name in {one.name for one in fields(SECTIONS[section])}, f"{section}.{name}"
    for row, default in re.findall(r"^\| `(\w+\.\w+)` \| `([^`]+)` \|", text_of(PAGE), re.M):
        section, name = row.split(".")
        (one,) = (one for one in fields(SECTIONS[section]) if one.name == name)
        shown = type(one.default)(default)
        assert shown == one.default, row


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (program.FAILED, "an unforeseen error"),
        (program.UNUSABLE, "command line or configuration"),
        (work.RUNNERS_FAILED, "a runner user failed"),
        (work.PRODUCT_UNWELL, "Jobwarden is away"),
        (program.ALREADY_RUNNING, "another worker holds"),
    ],
)
def test_exit_statuses_are_those_of_the_program(status, words):
    assert f"| {status} | {words}" in text_of(PAGE)


def test_every_option_of_the_command_line_is_described():
    options = {name for action in program._parser()._actions for name in action.option_strings}
    for name in options - {"-h", "--help"}:
        assert f"| `{name}" in text_of(PAGE), name


def test_the_downloaded_head_is_toml():
    from refresher.handing_over import HEAD, PLACES
    from tests.builders import NOW

    assert tomllib.loads(HEAD.format(name="robot", now=NOW) + PLACES)["status"]["file"]
