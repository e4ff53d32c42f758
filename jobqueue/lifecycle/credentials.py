"""Storing, changing and deleting credentials: for administrators; what every company uses, for those limited to none.

The secret goes in and never comes out: ``jobqueue.secrets`` encrypts it, and only the code of a job reveals it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from jobqueue import companies, secrets
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, NotAllowed, Problem
from jobqueue.models import Company, Credential
from jobqueue.permissions import require
from jobqueue.scheduler import database_now

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:[0-9]{1,5})?", re.I)
WRITTEN = ("name", "kind", "user_name", "allowed_hosts")
ON_ONE_LINE = "Line breaks and control characters are not allowed here."


def create_credential(
    company: Company,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime | None = None,
    into: Credential | None = None,
) -> Credential:
    """Stores a new credential: ``name``, ``kind``, ``user_name``, ``allowed_hosts``, ``secret``, and ``shared`` to let
    the jobs of every company use it. ``into`` is an unsaved row to fill. Raises ``NotAllowed``, ``Invalid``, and
    ``CredentialUnusable`` without a key.
    """
    require(actor, "administer", company)
    return _store(into or Credential(), company, values, actor=actor, now=now or database_now())


def change_credential(
    credential: Credential,
    company: Company,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime | None = None,
) -> Credential:
    """Changes a credential seen in ``company``; a secret that is not given, or empty, stays. Raises as above."""
    require(actor, "administer", company)
    _require_theirs(credential, actor)
    return _store(credential, company, values, actor=actor, now=now or database_now())


def delete_credential(credential: Credential, company: Company, *, actor: Actor) -> None:
    """Deletes the credential and its secret; jobs that name it fail from now on, saying so."""
    require(actor, "administer", company)
    _require_theirs(credential, actor)
    credential.delete()


def hosts_in_order(text: str) -> str:
    """The hosts of a comma-separated text, tidied; raises ``ValueError`` with a sentence for what is no host."""
    hosts = [item.strip() for item in text.split(",") if item.strip()]
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ValueError(
                f"“{host}” is no host. Write names such as api.example.com or api.example.com:8443, separated "
                "by commas."
            )
    return ", ".join(hosts)


def name_taken(name: str, company: Company | None, *, but: Credential) -> str:
    """Why the name cannot be had; empty if it can."""
    if not Credential.objects.filter(company=company, name=name).exclude(pk=but.pk).exists():
        return ""
    return f"{company or 'Every company'} already has a credential “{name}”. Choose another name."


def _store(
    credential: Credential, company: Company, values: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Credential:
    shared = values.get("shared", credential.pk is not None and credential.company_id is None)
    if shared and not companies.works_in_every(actor.user):
        raise _limited(actor)
    is_new = credential.pk is None
    with transaction.atomic():
        # One after the other: no name twice.
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)
        credential.company = None if shared else company
        for name in WRITTEN:
            setattr(credential, name, values.get(name, getattr(credential, name)))
        secret = values.get("secret") or ""
        problems = list(_problems(credential, secret))
        if problems:
            raise Invalid(problems)
        credential.allowed_hosts = hosts_in_order(credential.allowed_hosts)
        try:
            with transaction.atomic():
                credential.save(update_fields=None if is_new else ["company", *WRITTEN])
        except IntegrityError as error:  # stored in another company for every company at the same moment
            sentence = f"There is a credential “{credential.name}” already. Choose another name."
            raise Invalid([Problem("name", "taken", sentence)]) from error
        if secret:
            secrets.set_secret(credential, secret, now=now)
    return credential


def _problems(credential: Credential, secret: str) -> Iterator[Problem]:
    try:
        credential.clean_fields(exclude=["company"])
    except ValidationError as error:
        for name, words in error.message_dict.items():
            yield Problem(name, "invalid", " ".join(words))
    for name, text in (("user_name", credential.user_name), ("secret", secret)):
        # Both travel in a header, which ends at the first line break.
        if text and not text.isprintable():
            yield Problem(name, "invalid", ON_ONE_LINE)
    try:
        hosts_in_order(credential.allowed_hosts)
    except ValueError as refusal:
        yield Problem("allowed_hosts", "invalid", str(refusal))
    if taken := name_taken(credential.name, credential.company, but=credential):
        yield Problem("name", "taken", taken)


def _require_theirs(credential: Credential, actor: Actor) -> None:
    if credential.company_id is None and not companies.works_in_every(actor.user):
        raise _limited(actor)


def _limited(actor: Actor) -> NotAllowed:
    return NotAllowed(
        f"“{actor.name}” is limited to some companies, and this credential is for all of them. Ask an administrator "
        "who works in every company."
    )
