"""Idempotency keys: a call repeated with the same key and body starts nothing and gets the answer of the first.

A key belongs to a user and a company and is good for 24 hours. It is stored in the transaction that creates the entry:
of two calls at the same time one waits for the other and then finds its key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from jobqueue import lifecycle
from jobqueue.actors import Actor
from jobqueue.errors import JobQueueError, Refused
from jobqueue.models import Company, IdempotencyKey

KEPT = timedelta(hours=24)
LONGEST_KEY = 200
KEY = re.compile(r"[\x21-\x7E]{1,200}")
BATCH = 1_000


class KeyReused(Refused):
    """The key was used before with another body."""

    code = "idempotency_key_reused"
    http_status = 422


class KeyMalformed(JobQueueError):
    code = "idempotency_key"


@dataclass(frozen=True)
class Call:
    """What became of a call: the entry it made, and the answer of an earlier call with the same key, if it is known."""

    entry_id: UUID
    key_id: UUID | None = None
    is_repeated: bool = False
    answer: tuple[int, Any] | None = None


def key_of(text: str | None) -> str:
    """The key as sent; empty without one. Raises ``KeyMalformed``."""
    if text is None:
        return ""
    if not KEY.fullmatch(text):
        raise KeyMalformed(
            f"An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters without blanks, such as a UUID."
        )
    return text


def enqueue_once(
    company: Company, values: Mapping[str, Any], *, key: str, body: Any, actor: Actor, now: datetime
) -> Call:
    """Creates and releases an entry, unless a call with this key did so already.

    ``body`` is the call's JSON: the same key with another one raises ``KeyReused``. What the verb refuses leaves
    neither entry nor key behind. Without a key every call creates an entry.
    """
    if not key or actor.user is None:
        with transaction.atomic():
            return Call(lifecycle.create_ready(company, values, actor=actor, now=now).id)
    digest = _digest(body)
    known = _known(company, key=key, digest=digest, actor=actor, now=now)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            row = IdempotencyKey(company=company, user=actor.user, key=key, digest=digest, created_at=now)
            row.entry_id = row.id  # until the entry is there: the row holds the key while it is being made
            row.save(force_insert=True)
            row.entry_id = lifecycle.create_ready(company, values, actor=actor, now=now).id
            row.save(update_fields=["entry_id"])
    except IntegrityError:
        found = _known(company, key=key, digest=digest, actor=actor, now=now)
        if found is None:
            raise
        return found
    return Call(row.entry_id, row.id)


def remember(call: Call, *, status: int, body: Any) -> tuple[int, Any]:
    """Keeps the answer for calls that repeat this one; returns the answer to give, which is the first that was kept."""
    if call.key_id is None:
        return status, body
    stored = json.loads(json.dumps(body, default=str))
    kept = IdempotencyKey.objects.filter(pk=call.key_id, answer_status=None)
    if kept.update(answer_status=status, answer=stored):
        return status, body
    row = IdempotencyKey.objects.filter(pk=call.key_id).first()
    return (status, body) if row is None or row.answer_status is None else (row.answer_status, row.answer)


def purge(now: datetime) -> int:
    """Forgets keys older than 24 hours, some at a time; returns how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    return IdempotencyKey.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()[0]


def _known(company: Company, *, key: str, digest: str, actor: Actor, now: datetime) -> Call | None:
    rows = IdempotencyKey.objects.filter(company=company, user=actor.user, key=key)
    rows.filter(created_at__lt=now - KEPT).delete()
    row = rows.first()
    if row is None:
        return None
    if row.digest != digest:
        raise KeyReused(
            f"The Idempotency-Key “{key[:50]}” was used before with another body. Use a new key for a new call."
        )
    answer = None if row.answer_status is None else (row.answer_status, row.answer)
    return Call(row.entry_id, row.id, is_repeated=True, answer=answer)


def _digest(body: Any) -> str:
    return sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
