"""Microsoft Teams: an adaptive card, as incoming webhooks and the workflow “Post to a channel when a webhook request is
received” take it.

Every text from outside stands in text runs, which Teams shows as they are: markdown in a name or an error stays text.
"""

from dataclasses import replace
from typing import Any

from notifications.channels.posting import json_body
from notifications.letters import Letter, Severity, Table

LONGEST_TEXT = 500
MOST_ROWS = 20
MOST_BYTES = 26_000  # Teams refuses messages of more than 28 KB
COLOURS = {
    Severity.ERROR: "Attention",
    Severity.WARNING: "Warning",
    Severity.SUCCESS: "Good",
    Severity.INFO: "Accent",
}


def card(letter: Letter) -> dict[str, Any]:
    """The letter as a message with one adaptive card (version 1.4), with as many rows as fit into what Teams takes."""
    for most_rows in range(MOST_ROWS, 0, -1):
        found = _card(letter, most_rows=most_rows)
        if len(json_body(found)) <= MOST_BYTES:
            return found
    return _card(replace(letter, table=None, failures=()), most_rows=0)


def _card(letter: Letter, *, most_rows: int) -> dict[str, Any]:
    body = [
        _text(f"{letter.sign} {letter.status}", weight="Bolder", color=COLOURS[letter.severity]),
        _text(letter.heading, weight="Bolder", size="Large", spacing="None"),
        _text(
            " · ".join(part for part in (letter.description, letter.place) if part),
            isSubtle=True,
            spacing="None",
        ),
        _text(letter.happened, weight="Bolder"),
        *(_text(part, spacing="Small") for part in (letter.meaning, letter.next) if part),
        *(
            {"type": "Container", "style": "attention", "items": [_text(_named(one.title, one.text))]}
            for one in letter.failures[:5]
        ),
        *_table(letter.table, most_rows=most_rows),
        *(_pair(fact.name, fact.value) for fact in letter.facts),
        *(_text(note, isSubtle=True, size="Small") for note in letter.notes),
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": letter.subject,
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": link.label, "url": link.address} for link in letter.links
        ],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "summary": letter.subject, "attachments": [attachment]}


def was_throttled(answer: str) -> bool:
    """Incoming webhooks answer 200 also when Teams itself refused the message, and say so in the text."""
    return "returned HTTP error 429" in answer


def _text(text: str, *, spacing: str = "Default", **look: Any) -> dict[str, Any]:
    cut = text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1].rstrip()}…"
    return {
        "type": "RichTextBlock",
        "spacing": spacing,
        "inlines": [{"type": "TextRun", "text": cut, **look}],
    }


def _named(title: str, text: str) -> str:
    return f"{title}: {text}" if title else text


def _pair(name: str, value: str) -> dict[str, Any]:
    return {
        "type": "ColumnSet",
        "spacing": "Small",
        "columns": [
            {"type": "Column", "width": "110px", "items": [_text(name, isSubtle=True, size="Small")]},
            {"type": "Column", "width": "stretch", "items": [_text(value, size="Small")]},
        ],
    }


def _table(table: Table | None, *, most_rows: int) -> list[dict[str, Any]]:
    """The first rows in three columns: order, name with the rest, and result in its colour."""
    if table is None:
        return []
    rows = [
        {
            "type": "ColumnSet",
            "spacing": "Small",
            "columns": [
                {"type": "Column", "width": "40px", "items": [_text(row.cells[0], isSubtle=True)]},
                {
                    "type": "Column",
                    "width": "stretch",
                    "items": [
                        _text(row.cells[1]),
                        *([_text(row.rest, isSubtle=True, size="Small", spacing="None")] if row.rest else []),
                    ],
                },
                {
                    "type": "Column",
                    "width": "auto",
                    "items": [
                        _text(
                            f"{row.sign} {row.cells[table.result_column]}".strip(),
                            color=COLOURS[row.severity] if row.severity else "Default",
                        )
                    ],
                },
            ],
        }
        for row in table.rows[:most_rows]
    ]
    left_out = len(table.rows) - most_rows
    more = [_text(f"+ {left_out}", isSubtle=True)] if left_out > 0 else []
    return [_text(table.title, weight="Bolder", size="Small"), *rows, *more]
