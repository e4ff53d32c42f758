"""What people read: every template in every language, in their time zone, and nothing they must not read."""

import html.parser
import re
from typing import Any

import pytest

from notifications.letters import LANGUAGES, Severity, compose, render
from notifications.letters.rendering import _composers, known_language

BASE = {
    "product": "Jobwarden",
    "company": "Harbour Trading",
    "environment": "production",
    "time_zone": "Europe/Amsterdam",
    "told_for": ["On Error", "On Stop"],
    "held_back": 2,
}
ENTRY = {
    **BASE,
    "name": "Bank import",
    "job": "Codeunit 50100 Import bank statements",
    "attempts": 3,
    "due_at": "2026-11-20T05:00:00+00:00",
    "started_at": "2026-11-20T05:00:02+00:00",
    "ended_at": "2026-11-20T05:03:12+00:00",
    "status_after": "error",
    "error": "Timeout contacting bank.",
    "address": "https://jobs.example.com/c/demo/admin/jobqueue/entry/7/change/",
    "log_address": "https://jobs.example.com/c/demo/admin/jobqueue/logentry/9/change/",
}
LINES = [
    {
        "order": 10,
        "description": "Import",
        "result": "success",
        "started_at": "2026-11-20T21:00:01+00:00",
        "ended_at": "2026-11-20T21:00:20+00:00",
        "attempts": 1,
    },
    {
        "order": 20,
        "description": "Calculate",
        "result": "error",
        "started_at": "2026-11-20T21:00:21+00:00",
        "ended_at": "2026-11-20T21:04:20+00:00",
        "attempts": 3,
        "error": "Posting period 2026-10 is closed.",
    },
    {"order": 30, "description": "Post", "result": "skipped"},
    {"order": 40, "description": "Report", "result": "not_run"},
]
RUN = {
    **BASE,
    "name": "Nightly",
    "description": "Closes the day",
    "run_number": 214,
    "trigger": "scheduled",
    "outcome": "error",
    "package_status": "error",
    "due_at": "2026-11-20T21:00:00+00:00",
    "started_at": "2026-11-20T21:00:01+00:00",
    "ended_at": "2026-11-20T21:04:20+00:00",
    "lines": LINES,
    "line": LINES[1],
    "run_address": "https://jobs.example.com/c/demo/admin/packages/run/214/change/",
    "package_address": "https://jobs.example.com/c/demo/admin/packages/package/1/change/",
}
ALARM = {
    **BASE,
    "name": "Refresher",
    "happened": "No refresher has called for 2 hours.",
    "meaning": "Monitored jobs that stop are not restarted.",
    "next": "Start it on its host.",
    "address": "https://jobs.example.com/c/demo/admin/refresher/",
}


def facts_for(template: str) -> dict[str, Any]:
    if template.startswith("entry_"):
        return ENTRY
    return RUN if template.startswith("package_") else ALARM


class Page(html.parser.HTMLParser):
    """What a page asks a mail program to load or run, and whether its tags close."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(name)
            if name in ("src", "href", "background", "action", "srcset"):
                self.addresses.append(f"{tag} {value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(document: str) -> Page:
    page = Page()
    page.feed(document)
    assert page.open == []
    return page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", sorted(_composers))
def test_every_template_says_what_happened_and_loads_nothing(template, language):
    facts = facts_for(template)
    letter = compose(template, facts, language=language, time_zone="Europe/Amsterdam")
    mail = render(letter, language=language, time_zone="Europe/Amsterdam")
    assert mail.subject.startswith("[Jobwarden] ")
    assert facts["name"] in mail.subject
    for text in (mail.text, mail.html):
        assert facts["name"] in text
        assert "Harbour Trading" in text
        assert "production" in text
    assert letter.happened in mail.text
    assert "{" not in mail.text
    assert "%(" not in mail.text + mail.html
    page = read(mail.html)
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "form", "object", "svg"})
    assert not page.handlers
    assert all(address.startswith("a https://jobs.example.com/") for address in page.addresses)
    assert "url(" not in mail.html
    assert "@import" not in mail.html
    assert f'lang="{language}"' in mail.html


def test_a_failed_entry_tells_what_it_means_and_what_to_do():
    letter = compose("entry_failed", ENTRY, time_zone="Europe/Amsterdam")
    assert letter.subject == "[Jobwarden] Job queue entry Bank import: Error"
    assert letter.severity is Severity.ERROR
    assert letter.happened == "It failed for good: 3 attempts ended in an error."
    assert letter.meaning == "The entry has been stopped and will not run again until somebody restarts it."
    assert letter.next == "Repair the cause, then choose Restart on the entry's card."
    assert [failure.text for failure in letter.failures] == ["Timeout contacting bank."]
    assert ("Started", "Fri 20 Nov 2026 06:00 (Europe/Amsterdam)") in [
        (f.name, f.value) for f in letter.facts
    ]
    assert letter.notes == ("2 earlier messages of this kind were held back because of the repeat interval.",)


def test_a_stopped_package_tells_that_its_schedule_is_off():
    letter = compose("package_run_ended", RUN, time_zone="Europe/Amsterdam")
    assert letter.subject == "[Jobwarden] Job queue package Nightly: Error"
    assert letter.happened == "The entry “Calculate” failed for good, and later entries did not run."
    assert letter.meaning == "The package has been stopped and will not run again until it is set active."
    assert [row.cells for row in letter.table.rows] == [
        ("10", "Import", "Success", "22:00:01", "19 s", "1"),
        ("20", "Calculate", "Error", "22:00:21", "3 min 59 s", "3"),
        ("30", "Post", "Skipped", "–", "–", "–"),
        ("40", "Report", "Not Run", "–", "–", "–"),
    ]


@pytest.mark.parametrize(
    ("outcome", "word", "severity"),
    [
        ("success", "Success", Severity.SUCCESS),
        ("completed_with_errors", "Completed with errors", Severity.ERROR),
        ("error", "Error", Severity.ERROR),
        ("stopped", "Stopped", Severity.WARNING),
    ],
)
def test_the_subject_carries_the_outcome(outcome, word, severity):
    facts = {
        **RUN,
        "outcome": outcome,
        "package_status": "active",
        "next_run_at": "2026-11-21T21:00:00+00:00",
    }
    letter = compose("package_run_ended", facts, time_zone="Europe/Amsterdam")
    assert letter.subject == f"[Jobwarden] Job queue package Nightly: {word}"
    assert letter.severity is severity
    assert letter.meaning == "Next run: Sat 21 Nov 2026 22:00 (Europe/Amsterdam)."


def test_moments_are_told_in_the_readers_zone_and_in_that_of_the_schedule():
    facts = {**RUN, "package_status": "active", "next_run_at": "2026-11-21T21:00:00+00:00"}
    letter = compose("package_run_ended", facts, time_zone="America/New_York")
    assert letter.meaning == (
        "Next run: Sat 21 Nov 2026 16:00 (America/New_York) = Sat 21 Nov 2026 22:00 (Europe/Amsterdam)."
    )


def test_an_unknown_zone_or_language_reads_utc_and_english():
    letter = compose("entry_failed", ENTRY, language="tlh", time_zone="Mars/Olympus")
    assert "20 Nov 2026 05:00 (UTC)" in str(letter.facts)
    assert known_language("de_AT") == "de"
    assert known_language("nl-BE") == "nl"
    assert known_language("") == "en"
    assert known_language("del") == "en"


def test_a_message_of_an_error_is_cut_and_carries_no_stack_trace():
    trace = 'Boom.\nTraceback (most recent call last):\n  File "/srv/secret.py", line 3'
    assert compose("entry_failed", {**ENTRY, "error": trace}).failures[0].text == "Boom."
    long = compose("entry_failed", {**ENTRY, "error": "x" * 5_000}).failures[0].text
    assert long == "x" * 1_000 + "…"
    assert (
        compose("entry_failed", {**ENTRY, "error": ""}).failures[0].text == "No error message was recorded."
    )


def test_names_and_errors_cannot_write_html_or_headers():
    nasty = 'Import\r\nBcc: eve@example.com <script>alert("x")</script>'
    facts = {**ENTRY, "name": nasty, "error": nasty, "category": nasty}
    letter = compose("entry_failed", facts)
    mail = render(letter)
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert "<script" not in mail.html
    assert "script" not in read(mail.html).tags
    assert '<script>alert("x")</script>' in mail.text, "plain text is not escaped"


def test_a_name_of_any_length_keeps_the_subject_short():
    mail = render(compose("package_run_ended", {**RUN, "name": "Ä" * 900}))
    assert len(mail.subject) <= 250


def test_links_without_a_public_address_are_left_out():
    facts = {name: value for name, value in ENTRY.items() if not name.endswith("address")}
    mail = render(compose("entry_failed", facts))
    assert "http" not in mail.text
    assert "href" not in mail.html


def test_an_unknown_template_still_reads_as_an_alarm():
    letter = compose("of_an_app_that_is_gone", ALARM)
    assert letter.subject == "[Jobwarden] Refresher: Warning"
    assert letter.happened == "No refresher has called for 2 hours."


@pytest.mark.parametrize("template", sorted(_composers))
def test_missing_facts_never_keep_a_message_from_being_written(template):
    mail = render(compose(template, {}))
    assert mail.subject.startswith("[Jobwarden]")
    assert re.search(r"\w", mail.text)
