"""Stored credentials: encrypted, revealed only with the right key, rotated without being shown."""

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from jobqueue import secrets
from jobqueue.errors import NotFound
from jobqueue.models import Credential
from tests.builders import make_company

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings):
    def use(*values):
        settings.JOBQUEUE = {**settings.JOBQUEUE, "CREDENTIAL_KEYS": list(values)}

    use(OLD)
    return use


@pytest.fixture
def credential(keys):
    found = Credential.objects.create(name="bank")
    secrets.set_secret(found, "s3cret Ærø", now=NOW)
    return Credential.objects.get(pk=found.pk)


def test_a_secret_is_stored_encrypted_and_reads_back_for_job_code(credential):
    assert secrets.reveal(credential) == "s3cret Ærø"
    assert b"s3cret" not in bytes(credential.secret_encrypted)
    assert credential.changed_at == NOW
    assert secrets.has_secret(credential)


def test_a_missing_secret_a_missing_key_and_a_wrong_key_each_say_what_to_do(credential, keys):
    keys(NEW)
    with pytest.raises(
        secrets.CredentialUnusable, match=r"“bank” was encrypted with a key this installation does not"
    ):
        secrets.reveal(credential)
    keys()
    with pytest.raises(secrets.CredentialUnusable, match=r"Set CREDENTIAL_KEYS to a Fernet key"):
        secrets.reveal(credential)
    keys("nonsense")
    with pytest.raises(secrets.CredentialUnusable, match=r"no Fernet key"):
        secrets.set_secret(credential, "x", now=NOW)
    keys(OLD)
    secrets.set_secret(credential, "", now=NOW)
    with pytest.raises(secrets.CredentialUnusable, match=r"“bank” has no secret yet"):
        secrets.reveal(credential)


def test_a_key_is_replaced_by_putting_the_new_one_first(credential, keys):
    keys(NEW, OLD)
    assert secrets.rotate() == 1
    assert secrets.rotate() == 0
    keys(NEW)
    assert secrets.reveal(Credential.objects.get(pk=credential.pk)) == "s3cret Ærø"


def test_rotation_goes_in_batches(credential, keys):
    for number in range(3):
        secrets.set_secret(Credential.objects.create(name=f"c{number}"), "x", now=NOW)
    keys(NEW, OLD)
    assert [secrets.rotate(limit=3), secrets.rotate(limit=3), secrets.rotate(limit=3)] == [3, 1, 0]


def test_a_company_has_its_own_credential_before_the_shared_one(credential):
    company, other = make_company(), make_company()
    own = Credential.objects.create(name="bank", company=company)
    assert secrets.find_credential("bank", company=company) == own
    assert secrets.find_credential("bank", company=other) == credential
    assert secrets.find_credential("bank", company=None) == credential
    own.delete()
    Credential.objects.create(name="private", company=company)
    with pytest.raises(NotFound, match=r"There is no credential “private” for this company"):
        secrets.find_credential("private", company=other)
