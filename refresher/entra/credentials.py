"""The credential of an Entra application: entered or made, stored encrypted, handed over once.

Secrets go in and never come out, except once, in the configuration of the worker.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jobqueue import secrets
from jobqueue.actors import Actor
from jobqueue.errors import Invalid, Problem, Refused
from refresher.entra import addresses
from refresher.entra.models import CredentialKind, EntraApplication
from refresher.entra.sign_in import Login
from refresher.models.runner import WARNING_DAYS
from refresher.rights import require_rights

CERTIFICATE_DAYS = 365
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def enter_secret(
    application: EntraApplication,
    secret: str,
    *,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    key_id: UUID | None = None,
) -> None:
    """Stores a client secret made in Entra ID in place of the present credential.

    Raises ``Invalid`` for what cannot be one, such as the secret's id.
    """
    require_rights(actor)
    secret = secret.strip()
    if not secret or not secret.isprintable():
        raise Invalid(
            [Problem("secret", "invalid_secret", "Enter the value of the client secret, on one line.")]
        )
    if GUID.fullmatch(secret):
        sentence = "This is the id of a client secret. Enter its value, which Entra ID shows only once."
        raise Invalid([Problem("secret", "secret_id", sentence)])
    _store(
        application,
        kind=CredentialKind.SECRET,
        secret=secret,
        certificate="",
        now=now,
        expires_at=expires_at,
        key_id=key_id,
    )


def enter_certificate(
    application: EntraApplication, pem: str, *, actor: Actor, now: datetime, key_id: UUID | None = None
) -> None:
    """Stores a private key and its certificate (both PEM, in one text) in place of the present credential.

    Raises ``Invalid`` saying what is missing or does not fit.
    """
    require_rights(actor)
    key, certificate = _read(pem)
    _store(
        application,
        kind=CredentialKind.CERTIFICATE,
        secret=key,
        certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(),
        now=now,
        expires_at=certificate.not_valid_after_utc,
        key_id=key_id,
    )


def new_certificate(name: str, *, now: datetime) -> str:
    """A new private key and a certificate over it that nobody signed, valid for a year (PEM).

    The private key never leaves the product but in the worker's configuration; Entra ID gets the certificate.
    """
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (private + certificate.public_bytes(pem)).decode()


def login_of(application: EntraApplication) -> Login:
    """What signs in as the application, the secret in clear text: only for the code that signs in.

    Raises ``CredentialUnusable`` if the secret cannot be read.
    """
    stored = bytes(application.secret_encrypted)
    what = f"The credential of the Entra application “{application}”"
    secret = secrets.unseal(stored, what=what) if stored else ""
    by_certificate = application.credential_kind == CredentialKind.CERTIFICATE
    return Login(
        authority=addresses.authority(application.tenant.tenant_id),
        client_id=str(application.client_id),
        resource=application.tenant.audience_uri,
        secret="" if by_certificate else secret,
        private_key=secret if by_certificate else "",
        certificate=application.certificate,
        ca_file=addresses.option("CA_FILE"),
        timeout_seconds=addresses.option("TIMEOUT_SECONDS"),
    )


def hand_over(application: EntraApplication, *, actor: Actor, now: datetime) -> Login:
    """The credential, once, for the configuration of the worker; a second time needs a new credential.

    Raises ``Refused`` if there is none, or it was handed over already.
    """
    require_rights(actor)
    login = login_of(application)
    if not application.has_credential:
        raise Refused(
            f"“{application}” has no credential yet. Enter or make one first.",
            code="entra_credential_missing",
        )
    changed = EntraApplication.objects.filter(pk=application.pk, handed_over_at=None).update(
        handed_over_at=now
    )
    if not changed:
        raise Refused(
            f"The credential of “{application}” left the product already. Rotate it to get a new one.",
            code="credential_handed_over",
        )
    application.handed_over_at = now
    return login


def expiring(
    *, now: datetime, within: timedelta = timedelta(days=WARNING_DAYS)
) -> Iterable[EntraApplication]:
    """Enabled applications whose credential ends within the time, or has ended, the soonest first."""
    return (
        EntraApplication.objects.filter(is_enabled=True, credential_expires_at__lte=now + within)
        .exclude(secret_encrypted=b"")
        .select_related("runner__user", "tenant")
        .order_by("credential_expires_at")
    )


def _store(
    application: EntraApplication,
    *,
    kind: CredentialKind,
    secret: str,
    certificate: str,
    now: datetime,
    expires_at: datetime | None,
    key_id: UUID | None,
) -> None:
    if expires_at is not None and expires_at <= now:
        sentence = f"The credential expired on {expires_at:%Y-%m-%d}. Make a new one."
        raise Invalid([Problem("expires_at", "credential_expired", sentence)])
    application.credential_kind = kind
    application.secret_encrypted = secrets.seal(secret)
    application.certificate = certificate
    application.credential_key_id = key_id
    application.credential_changed_at = now
    application.credential_expires_at = expires_at
    application.handed_over_at = application.warned_days = None
    application.tested_at = application.test_succeeded = None
    application.test_code = application.test_answer = ""
    application.save(
        update_fields=[
            "credential_kind",
            "secret_encrypted",
            "certificate",
            "credential_key_id",
            "credential_changed_at",
            "credential_expires_at",
            "handed_over_at",
            "warned_days",
            "tested_at",
            "test_succeeded",
            "test_code",
            "test_answer",
        ]
    )


def _read(pem: str) -> tuple[str, x509.Certificate]:
    """The private key (PEM) and the certificate in the text, which must belong together."""
    data = pem.strip().encode()
    try:
        certificate = x509.load_pem_x509_certificate(data)
    except ValueError:
        raise _unreadable(
            "no_certificate", "There is no certificate (-----BEGIN CERTIFICATE-----) in the text."
        ) from None
    try:
        key = serialization.load_pem_private_key(_key_part(data), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unreadable(
            "no_private_key",
            "There is no private key without a password (BEGIN PRIVATE KEY) in the text.",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 2_048:
        raise _unreadable("weak_key", "Entra ID takes RSA keys of at least 2048 bits. Make such a one.")
    if key.public_key() != certificate.public_key():
        raise _unreadable(
            "key_mismatch", "Private key and certificate do not belong together. Enter those that do."
        )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate


def _key_part(data: bytes) -> bytes:
    found = re.search(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", data, re.S)
    return found[0] if found else b""


def _unreadable(code: str, sentence: str) -> Invalid:
    return Invalid([Problem("certificate", code, sentence)])
