"""Credentials of Entra applications: what is taken, how it is kept, that it leaves once, and who may do any of it."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobqueue import secrets
from jobqueue.errors import Invalid, NotAllowed, Refused
from jobqueue.secrets import CredentialUnusable
from refresher.entra import applications, credentials
from refresher.entra.models import CredentialKind, EntraApplication
from tests import builders

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def pem_of(key) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def parts(pem: str) -> tuple[str, str]:
    key, mark, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    return key, mark + rest


@pytest.fixture
def refused(application, administrator):
    """Enters a text as certificate and returns the code of its refusal."""

    def enter(pem: str) -> str:
        before = EntraApplication.objects.values().get()
        with pytest.raises(Invalid) as caught:
            credentials.enter_certificate(application, pem, actor=administrator, now=NOW)
        assert EntraApplication.objects.values().get() == before
        return caught.value.problems[0].code

    return enter


def test_a_certificate_needs_its_own_private_key(refused):
    key, certificate = parts(credentials.new_certificate("one", now=NOW))
    other, _ = parts(credentials.new_certificate("two", now=NOW))
    assert refused("") == "no_certificate"
    assert refused(key) == "no_certificate"
    assert refused(certificate) == "no_private_key"
    assert refused(other + certificate) == "key_mismatch"
    assert refused(pem_of(ec.generate_private_key(ec.SECP256R1())) + certificate) == "weak_key"
    assert (
        refused(pem_of(rsa.generate_private_key(public_exponent=65_537, key_size=1_024)) + certificate)
        == "weak_key"
    )


def test_a_certificate_with_a_locked_key_is_refused(refused):
    key, certificate = parts(credentials.new_certificate("one", now=NOW))
    locked = serialization.load_pem_private_key(key.encode(), password=None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    assert refused(locked.decode() + certificate) == "no_private_key"


def test_an_expired_certificate_is_refused(refused):
    assert refused(credentials.new_certificate("old", now=NOW - timedelta(days=400))) == "credential_expired"


def test_a_new_certificate_is_good_for_a_year(application, administrator):
    credentials.enter_certificate(
        application, credentials.new_certificate("night", now=NOW), actor=administrator, now=NOW
    )
    application.refresh_from_db()
    assert application.credential_kind == CredentialKind.CERTIFICATE
    assert application.credential_expires_at == NOW + timedelta(days=365)
    certificate = x509.load_pem_x509_certificate(application.certificate.encode())
    assert isinstance(certificate.public_key(), rsa.RSAPublicKey)
    assert certificate.public_key().key_size == 2_048
    stored = EntraApplication.objects.values().get()
    assert "PRIVATE" not in str({**stored, "secret_encrypted": bytes(stored["secret_encrypted"])})


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "3F9A1C2B-0000-4000-8000-000000000000"])
def test_what_is_no_secret_is_refused(application, administrator, text):
    with pytest.raises(Invalid):
        credentials.enter_secret(application, text, actor=administrator, now=NOW)


def test_a_credential_leaves_once_until_there_is_a_new_one(application, administrator, client):
    login = credentials.hand_over(application, actor=administrator, now=NOW)
    assert login.secret == client.secrets[0].text
    with pytest.raises(Refused) as caught:
        credentials.hand_over(EntraApplication.objects.get(), actor=administrator, now=NOW)
    assert caught.value.code == "credential_handed_over"
    credentials.enter_secret(application, "another", actor=administrator, now=NOW)
    assert credentials.hand_over(application, actor=administrator, now=NOW).secret == "another"


def test_without_a_credential_nothing_leaves(application, administrator):
    EntraApplication.objects.update(secret_encrypted=b"")
    with pytest.raises(Refused) as caught:
        credentials.hand_over(EntraApplication.objects.get(), actor=administrator, now=NOW)
    assert caught.value.code == "entra_credential_missing"
    assert EntraApplication.objects.get().handed_over_at is None


def test_every_verb_is_for_administrators_of_every_company(application):
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("mine", members=[limited])
    before = EntraApplication.objects.values().get()
    for user in (limited, builders.make_user(groups=["Scheduler"])):
        actor = builders.actor_of(user)
        for act in (
            lambda actor: credentials.enter_secret(application, "x", actor=actor, now=NOW),
            lambda actor: credentials.enter_certificate(application, "x", actor=actor, now=NOW),
            lambda actor: credentials.hand_over(application, actor=actor, now=NOW),
            lambda actor: applications.try_sign_in(application, actor=actor, now=NOW),
            lambda actor: applications.set_enabled(application, False, actor=actor),
            lambda actor: applications.remove(application, actor=actor),
            lambda actor: applications.runner_named("x", actor=actor, now=NOW),
        ):
            with pytest.raises(NotAllowed):
                act(actor)
    assert EntraApplication.objects.values().get() == before


def test_changing_the_key_of_credentials_takes_these_along(application, settings):
    old, new = settings.JOBQUEUE["CREDENTIAL_KEYS"], Fernet.generate_key().decode()
    before = credentials.login_of(application).secret
    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": [new, *old]}
    assert secrets.rotate() == 1
    assert secrets.rotate() == 0
    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": [new]}
    assert credentials.login_of(EntraApplication.objects.get()).secret == before


def test_a_lost_key_is_named(application, settings):
    settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": [Fernet.generate_key().decode()]}
    with pytest.raises(CredentialUnusable, match="Entra application “Night runner”"):
        credentials.login_of(application)


def test_the_soonest_to_end_come_first(application, administrator):
    ends = NOW + timedelta(days=10)
    EntraApplication.objects.update(credential_expires_at=ends)
    assert list(credentials.expiring(now=NOW)) == [application]
    assert list(credentials.expiring(now=NOW, within=timedelta(days=9))) == []
