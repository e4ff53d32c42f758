"""The history of an entry: who did what on purpose, with old and new values in the words of the screens."""

import re
from datetime import datetime
from typing import Any

from jobqueue.actors import Actor
from jobqueue.models import Entry, EntryChange
from jobqueue.states import HOLD_WORDS, HoldKind, Status
from jobqueue.validation import SETTABLE, label
from jobqueue.validation.fields import field

SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|authori[sz]ation|api.?key|credential.?value", re.I
)
SECRET_TEXT = re.compile(
    r"(?i)((?:pass(?:word|wd|phrase)?|secret|token|api.?key|authorization)\s*[=:]\s*)[^\s;,&]+"
)
HIDDEN = "•••"

RECORDED = (*SETTABLE, "user", "recurring", "owner_kind", "owner_reference")
ANSWERS = {True: "Yes", False: "No"}


def record(
    entry: Entry,
    *,
    actor: Actor,
    action: str,
    now: datetime,
    reason: str = "",
    changes: dict[str, list[str]] | None = None,
) -> EntryChange:
    """Writes one row: ``action`` is the verb, ``changes`` what :func:`differences` found."""
    return EntryChange.objects.create(
        company_id=entry.company_id,
        entry_id=entry.id,
        entry_description=str(entry)[:250],
        at=now,
        user=actor.user,
        origin=actor.origin,
        credentials=actor.through[:120],
        action=action,
        reason=reason[:250],
        changes=changes or {},
    )


def status_change(old: int, new: int) -> dict[str, list[str]]:
    """A change of the status as :func:`record` takes it; empty if it stayed."""
    return {} if old == new else {label("status"): [Status(old).label, Status(new).label]}


def differences(before: dict[str, Any], entry: Entry) -> dict[str, list[str]]:
    """Field name in words → [old, new] in words; ``before`` comes from :func:`snapshot`. Secrets are never shown."""
    after = snapshot(entry)
    return {
        label(name): [in_words(name, before[name]), in_words(name, after[name])]
        for name in before
        if before[name] != after[name]
    }


def snapshot(entry: Entry) -> dict[str, Any]:
    """The present values of every recorded field."""
    return {name: getattr(entry, name) for name in RECORDED}


def in_words(name: str, value: Any) -> str:
    """A stored value as a person reads it; unset is an empty text."""
    if value is None or value == "" or value == {}:
        return ""
    if choices := field(name).flatchoices:
        return str(dict(choices).get(value, value))
    if isinstance(value, bool):
        return ANSWERS[value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(key, item)}" for key, item in value.items())[:1000]
    return SECRET_TEXT.sub(rf"\1{HIDDEN}", str(value))


def hold_in_words(entry: Entry) -> str:
    """Why the entry is held: its reason, else the kind of hold."""
    return entry.hold_reason or (HOLD_WORDS[HoldKind(entry.hold_kind)] if entry.hold_kind else "")


def _shown(key: str, value: Any) -> str:
    if SECRET_NAME.search(str(key)):
        return HIDDEN
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_shown(name, item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(key, item) for item in value)}]"
    return SECRET_TEXT.sub(rf"\1{HIDDEN}", str(value))
