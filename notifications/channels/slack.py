"""Slack: a message in blocks, as incoming webhooks take it.

Everything from outside is escaped, so that a name or an error can neither format, link nor call people
(``<!channel>``).
"""

from typing import Any

from notifications.letters import Letter, Link, Table

LONGEST_HEADER = 150
LONGEST_SECTION = 2_900  # Slack takes 3,000 characters
LONGEST_QUOTE = 2_400
MOST_FIELDS = 10
MOST_ROWS = 20
MOST_FAILURES = 5


def blocks(letter: Letter) -> dict[str, Any]:
    """The letter as the payload of an incoming webhook; ``text`` is what notifications on a phone show."""
    found: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": _plain(f"{letter.sign} {letter.status}: {letter.heading}", LONGEST_HEADER),
        },
        _context(" · ".join(part for part in (letter.description, letter.place) if part)),
        _section(
            f"*{escaped(letter.happened)}*",
            *(escaped(part) for part in (letter.meaning, letter.next) if part),
        ),
        *(
            _section(*([f"*{escaped(one.title)}*"] if one.title else []), f"```{_quoted(one.text)}```")
            for one in letter.failures[:MOST_FAILURES]
        ),
        *_table(letter.table),
        *_fields(letter),
        *(_context(note) for note in letter.notes),
    ]
    if letter.links:
        buttons = [_button(link, main=number == 0) for number, link in enumerate(letter.links)]
        found.append({"type": "actions", "elements": buttons})
    return {"text": escaped(f"{letter.sign} {letter.subject}"), "blocks": [one for one in found if one]}


def escaped(text: str) -> str:
    """The three signs Slack gives a meaning to, as it wants them; the rest of its markup needs word boundaries and is
    kept from them by an invisible joiner."""
    safe = _three_signs(text)
    for sign in "*_~`":
        safe = safe.replace(sign, f"\u2060{sign}\u2060")
    return safe


def _quoted(text: str) -> str:
    """Inside a code block only the three signs and the end of the block have a meaning."""
    safe = _three_signs(text).replace("`", "ʼ")
    if len(safe) <= LONGEST_QUOTE:
        return safe
    cut = safe[:LONGEST_QUOTE]
    return (cut if ";" in cut[-5:] or "&" not in cut[-5:] else cut[: cut.rindex("&")]) + "…"


def _three_signs(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str, length: int) -> dict[str, Any]:
    cut = text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
    return {"type": "plain_text", "text": cut, "emoji": False}


def _section(*parts: str) -> dict[str, Any]:
    text = "\n".join(parts)
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_plain(text, LONGEST_SECTION)]} if text else {}


def _fields(letter: Letter) -> list[dict[str, Any]]:
    shown = [
        {"type": "mrkdwn", "text": f"{escaped(fact.name)}\n{escaped(fact.value)}", "verbatim": True}
        for fact in letter.facts[:MOST_FIELDS]
    ]
    return [{"type": "section", "fields": shown}] if shown else []


def _table(table: Table | None) -> list[dict[str, Any]]:
    if table is None:
        return []
    rows = [
        f"{escaped(row.cells[0])}  {row.sign or '–'} {escaped(row.cells[1])}: "
        + escaped(row.cells[table.result_column])
        + (f" ({escaped(row.rest)})" if row.rest else "")
        for row in table.rows[:MOST_ROWS]
    ]
    left_out = len(table.rows) - MOST_ROWS
    more = [f"+ {left_out}"] if left_out > 0 else []
    return [_section(f"*{escaped(table.title)}*"), *_in_sections([*rows, *more])]


def _in_sections(rows: list[str]) -> list[dict[str, Any]]:
    """Whole rows only: a section that is cut in the middle of an escape would show half of it."""
    found: list[list[str]] = [[]]
    for row in rows:
        if sum(len(part) + 1 for part in found[-1]) + len(row) > LONGEST_SECTION:
            found.append([])
        found[-1].append(row)
    return [_section(*part) for part in found if part]


def _button(link: Link, *, main: bool) -> dict[str, Any]:
    look = {"style": "primary"} if main else {}
    return {"type": "button", "text": _plain(link.label, 75), "url": link.address, **look}
