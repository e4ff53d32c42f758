"""The audit log: who changed what of the set-up, through which door, from what to what (kept by django-auditlog).

Entries and monitored jobs have a history of their own (``jobqueue.history``); this one is about everything else people
and integrations change: companies, categories, credentials, tokens, lists, targets, packages, runners, users. Secrets
never reach it. The door is noted once per request or command (:func:`note_door`, :func:`acting`); what programs and the
system change has none.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from auditlog import get_logentry_model
from auditlog.context import auditlog_value, set_extra_data
from auditlog.diff import model_instance_diff
from auditlog.registry import auditlog
from django.db.models import Model

from jobqueue.actors import Actor
from jobqueue.states import Origin


def watch(
    model: type[Model],
    *,
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    sets: Sequence[str] = (),
) -> None:
    """Records every creation, change and deletion of rows of ``model``: of the fields ``only``, or all but ``without``.

    ``sets`` names many-to-many fields. Call it in ``AppConfig.ready``. Rows written by ``QuerySet.update`` are not
    noticed: see :func:`record_update`.
    """
    if not auditlog.contains(model):
        auditlog.register(model, include_fields=only, exclude_fields=list(without), m2m_fields=set(sets))


def record_update(before: Model, after: Model, names: Iterable[str]) -> None:
    """Records a change that was written by ``QuerySet.update``; nothing if none of the fields differ."""
    changes = model_instance_diff(before, after, fields_to_check=list(names))
    if changes:
        rows = get_logentry_model()
        rows.objects.log_create(after, action=rows.Action.UPDATE, changes=changes)


def door(actor: Actor) -> dict[str, Any]:
    """What is noted beside a change that ``actor`` makes."""
    return {
        "actor": actor.user,
        "additional_data": {"origin": actor.origin.value, "credentials": actor.through[:120]},
    }


def acting(actor: Actor) -> AbstractContextManager[None]:
    """Whatever is changed inside, the actor changed."""
    return set_extra_data(door(actor))


def note_door(actor: Actor) -> None:
    """Says who the rest of this request acts as, where the middleware could not know: credentials of the API."""
    noted = auditlog_value.get(None)
    if noted is not None:
        noted.update(door(actor))


def origin_of(additional: Any) -> str:
    """The door of a recorded change; what has none was changed by a program or the system."""
    found = additional.get("origin") if isinstance(additional, dict) else None
    return found if found in {origin.value for origin in Origin} else Origin.SYSTEM.value


def credentials_of(additional: Any) -> str:
    """Which token or other credentials were used; empty for people at the screens."""
    return str(additional.get("credentials") or "") if isinstance(additional, dict) else ""


def in_words(changes: Any) -> dict[str, list[str]]:
    """Field → [old, new] as texts, unset ones empty; members of a set that came or went stand on their side."""
    found: dict[str, list[str]] = {}
    for name, change in (changes or {}).items():
        if isinstance(change, dict):
            members = ", ".join(str(one) for one in change.get("objects", ()))
            found[name] = [members, ""] if change.get("operation") == "delete" else ["", members]
        else:
            found[name] = ["" if side in (None, "None") else str(side) for side in change]
    return found
