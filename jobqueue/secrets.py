"""Stored credentials: encrypting, revealing and rotating secrets. On every door they are write-only.

Keys come from ``JOBQUEUE["CREDENTIAL_KEYS"]`` (Fernet keys: 32 bytes in URL-safe base64). The first key encrypts, all
decrypt: to replace a key put the new one first, call :func:`rotate` until it returns 0, then drop the old one.
"""

from collections.abc import Iterator
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db.models import Model, Q

from jobqueue.conf import settings
from jobqueue.errors import JobQueueError, NotFound
from jobqueue.models import Company, Credential

HIDDEN = "•••"
_sealed_columns: list[tuple[type[Model], str]] = [(Credential, "secret_encrypted")]


class CredentialUnusable(JobQueueError):
    """A secret cannot be encrypted or decrypted; the message says what an administrator has to do."""

    code = "credential_unusable"


def set_secret(credential: Credential, value: str, *, now: datetime) -> None:
    """Stores the secret encrypted and saves only that; ``now`` is aware. An empty value removes it.

    Raises ``CredentialUnusable`` without a usable key.
    """
    credential.secret_encrypted = seal(value)
    credential.changed_at = now
    credential.save(update_fields=["secret_encrypted", "changed_at"])


def has_secret(credential: Credential) -> bool:
    return bool(bytes(credential.secret_encrypted))


def reveal(credential: Credential) -> str:
    """The secret in clear text. Only for the code of a job that uses it: never show, store or log it.

    Raises ``CredentialUnusable`` if none is stored or no configured key fits.
    """
    if not has_secret(credential):
        raise CredentialUnusable(
            f"The credential “{credential.name}” has no secret yet. Enter it on its page."
        )
    return unseal(credential.secret_encrypted, what=f"The credential “{credential.name}”")


def seal(value: str) -> bytes:
    """What to store of a secret: encrypted with the first key; nothing for an empty one. Raises ``CredentialUnusable``.

    Other apps keep secrets of their own this way, in a binary column they name to :func:`register_sealed`.
    """
    return _keys().encrypt(value.encode()) if value else b""


def unseal(stored: bytes | memoryview, *, what: str) -> str:
    """The secret in clear text, for the code that uses it. ``what`` names it in the error, capitalised.

    Raises ``CredentialUnusable`` if no configured key fits.
    """
    try:
        return _keys().decrypt(bytes(stored)).decode()
    except InvalidToken:
        raise CredentialUnusable(
            f"{what} was encrypted with a key this installation does not have. "
            "Restore the key in CREDENTIAL_KEYS, or enter the secret again."
        ) from None


def register_sealed(model: type[Model], column: str) -> None:
    """Lets :func:`rotate` and the doctor take care of a column of sealed secrets; call it in ``AppConfig.ready``."""
    if (model, column) not in _sealed_columns:
        _sealed_columns.append((model, column))


def sealed_rows() -> Iterator[tuple[Model, str, bytes]]:
    """Every stored secret as row, column and stored bytes."""
    for model, column in _sealed_columns:
        for row in model._default_manager.exclude(**{column: b""}).order_by("pk").iterator():
            yield row, column, bytes(getattr(row, column))


def find_credential(name: str, *, company: Company | None) -> Credential:
    """The company's credential of that name, else the one shared by all companies; raises ``NotFound``."""
    own_or_shared = Q(company=None) if company is None else Q(company=company) | Q(company=None)
    found = list(Credential.objects.filter(own_or_shared, name=name))
    if not found:
        raise NotFound(
            f"There is no credential “{name}” for this company. Create it, or correct the name.",
            code="unknown_credential",
        )
    return min(found, key=lambda credential: credential.company_id is None)


def rotate(*, limit: int = 500) -> int:
    """Encrypts up to ``limit`` secrets anew with the first key; returns how many were not yet under it.

    Repeat until 0. Raises ``CredentialUnusable`` naming the credential if no configured key fits one.
    """
    keys = _keys()
    first = Fernet(settings().credential_keys[0])
    changed = 0
    for row, column, stored in sealed_rows():
        if _fits(first, stored):
            continue
        secret = keys.encrypt(unseal(stored, what=f"The {row._meta.verbose_name} “{row}”").encode())
        # Guarded by the old value: a secret entered meanwhile stays.
        changed += row._meta.default_manager.filter(pk=row.pk, **{column: stored}).update(**{column: secret})  # type: ignore[union-attr]
        if changed >= limit:
            break
    return changed


def _keys() -> MultiFernet:
    keys = settings().credential_keys
    if not keys:
        raise CredentialUnusable(
            "No key for credentials is configured. Set CREDENTIAL_KEYS to a Fernet key, the same on every host."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise CredentialUnusable(
            "CREDENTIAL_KEYS holds a text that is no Fernet key (32 bytes in URL-safe base64). Correct it."
        ) from None


def _fits(key: Fernet, stored: bytes) -> bool:
    try:
        key.decrypt(stored)
    except InvalidToken:
        return False
    return True
