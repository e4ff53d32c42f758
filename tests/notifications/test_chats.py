"""The shapes of Teams and Slack: within their limits, and texts from outside stay texts."""

import json
import re
from typing import Any

from notifications.channels import slack, teams
from notifications.channels.posting import json_body
from notifications.letters import compose
from tests.notifications.test_letters import ENTRY, LINES, RUN

NASTY = "<!channel> *now* [click](https://evil.example) & `x` @here"
LONG_RUN = {
    **RUN,
    "lines": [
        {**LINES[1], "order": 10 * n, "description": NASTY, "error": "é<" * 2_000} for n in range(1, 200)
    ],
}


def texts(part: Any) -> list[str]:
    """Every text below a part of a payload."""
    if isinstance(part, dict):
        own = [part["text"]] if isinstance(part.get("text"), str) else []
        return own + [text for value in part.values() for text in texts(value)]
    return [text for value in part for text in texts(value)] if isinstance(part, list) else []


def test_a_teams_card_says_what_the_mail_says():
    letter = compose("package_run_ended", RUN)
    payload = teams.card(letter)
    [attachment] = payload["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    shown = texts(card["body"])
    for text in ("■ Error", "Nightly", letter.happened, letter.meaning, letter.next, "Import", "■ Error"):
        assert text in shown
    assert [(action["title"], action["url"]) for action in card["actions"]] == [
        ("Open run", RUN["run_address"]),
        ("Open package", RUN["package_address"]),
    ]


def test_texts_from_outside_are_text_runs_in_teams():
    card = teams.card(compose("entry_failed", {**ENTRY, "name": NASTY, "error": NASTY}))
    body = card["attachments"][0]["content"]["body"]
    assert '"TextBlock"' not in json.dumps(body), "a TextBlock reads markdown"
    assert NASTY in texts(body)


def test_a_teams_card_stays_below_what_teams_takes():
    for run in (
        LONG_RUN,
        {**LONG_RUN, "lines": [{**line, "description": "漢" * 250} for line in LONG_RUN["lines"]]},
    ):
        assert 8_000 < len(json_body(teams.card(compose("package_run_ended", run)))) < 28_000


def test_teams_own_refusal_inside_a_success_is_noticed():
    assert teams.was_throttled(
        "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId …"
    )
    assert not teams.was_throttled("1")


def test_slack_blocks_say_what_the_mail_says():
    letter = compose("entry_failed", ENTRY)
    payload = slack.blocks(letter)
    kinds = [block["type"] for block in payload["blocks"]]
    assert kinds[0] == "header"
    assert kinds[-1] == "actions"
    shown = " ".join(texts(payload["blocks"]))
    for text in ("■ Error: Bank import", letter.happened, letter.meaning, "Timeout contacting bank."):
        assert text in shown
    assert payload["text"] == "■ [Jobwarden] Job queue entry Bank import: Error"
    buttons = payload["blocks"][-1]["elements"]
    assert [button["url"] for button in buttons] == [ENTRY["log_address"], ENTRY["address"]]


def test_nothing_from_outside_calls_people_or_formats_in_slack():
    payload = slack.blocks(
        compose("entry_failed", {**ENTRY, "name": NASTY, "error": NASTY, "category": NASTY})
    )
    read_as_markup = {**payload, "blocks": [b for b in payload["blocks"] if b["type"] != "header"]}
    written = re.sub("```.*?```", "", json.dumps(read_as_markup), flags=re.S)
    assert "<!channel>" not in written
    assert "&lt;!channel&gt;" in written
    assert "*now*" not in written


def test_slack_payloads_stay_within_its_limits():
    payload = slack.blocks(compose("package_run_ended", LONG_RUN))
    assert len(payload["blocks"]) <= 50
    for block in payload["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        if block["type"] == "section" and "text" in block:
            assert len(block["text"]["text"]) <= 3_000
            assert "&l" not in block["text"]["text"].replace("&lt;", ""), "no half escapes"
        assert len(block.get("fields", [])) <= 10
