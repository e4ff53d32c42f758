"""The real msal against a real OAuth 2 server: any failure is a sentence with its code; then the ways that work."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import jwt
import pytest

from refresher.entra import credentials
from refresher.entra.errors import SignInFailed
from refresher.entra.sign_in import Credentials, Login
from tests.conftest import ROOT
from tests.entra.directory import REFRESH_ROLE, guid


@pytest.fixture
def wanted(login, directory, resource, client) -> Login:
    return Login(
        authority=f"{login.base}/{directory.tenant_id}",
        client_id=client.client_id,
        resource=f"api://{resource.client_id}",
        secret=client.add_secret().text,
        ca_file=login.ca_file,
        timeout_seconds=5,
    )


def failure(login: Login) -> SignInFailed:
    with pytest.raises(SignInFailed) as caught:
        Credentials(login).token()
    assert caught.value.message.endswith(".")
    assert "Traceback" not in caught.value.message
    if login.secret:
        assert login.secret not in caught.value.message
    return caught.value


def test_a_wrong_secret_is_told_from_an_expired_one(wanted, client):
    wrong = failure(replace(wanted, secret="nonsense"))
    assert (wrong.error, wrong.aadsts, wrong.code) == ("invalid_client", 7000215, "entra_invalid_client")
    assert "secret is wrong" in wrong.message
    assert "secret's id" in wrong.message
    expired = failure(replace(wanted, secret=client.add_secret(seconds=-1).text))
    assert (expired.aadsts, expired.transient) == (7000222, False)
    assert "has expired" in expired.message


def test_an_application_the_directory_does_not_know(wanted):
    unknown = failure(replace(wanted, client_id=guid()))
    assert (unknown.error, unknown.aadsts) == ("unauthorized_client", 700016)
    assert "not known in this directory" in unknown.message


def test_a_disabled_application(wanted, client):
    client.disabled = True
    assert failure(wanted).aadsts == 7000112


def test_a_wrong_tenant(wanted, login):
    wrong = failure(replace(wanted, authority=f"{login.base}/{guid()}"))
    assert (wrong.code, wrong.aadsts) == ("entra_invalid_tenant", 90002)
    assert "Check the tenant id" in wrong.message


def test_a_resource_that_is_not_there(wanted):
    missing = failure(replace(wanted, resource=f"api://{guid()}"))
    assert (missing.error, missing.aadsts) == ("invalid_resource", 500011)


def test_no_credential_at_all(wanted):
    assert failure(replace(wanted, secret="")).code == "entra_credential_missing"


def test_a_certificate_the_application_does_not_have(wanted):
    pem = credentials.new_certificate("stranger", now=datetime.now(UTC))
    key, _, certificate = pem.partition("-----BEGIN CERTIFICATE-----")
    refused = failure(
        replace(wanted, secret="", private_key=key, certificate=f"-----BEGIN CERTIFICATE-----{certificate}")
    )
    assert (refused.error, refused.aadsts) == ("invalid_client", 700027)
    assert "certificate was not accepted" in refused.message
    assert (
        failure(replace(wanted, secret="", private_key="x", certificate="y")).code
        == "entra_credential_unusable"
    )


def test_a_server_nobody_vouches_for(wanted):
    untrusted = failure(replace(wanted, ca_file=""))
    assert untrusted.code == "entra_certificate_untrusted"
    assert "ENTRA_CA_FILE" in untrusted.message


def test_a_server_that_cannot_be_reached_may_be_tried_again(wanted):
    away = failure(replace(wanted, authority="https://localhost:1/tenant"))
    assert (away.code, away.transient) == ("entra_unreachable", True)


def test_an_address_that_is_none(wanted):
    assert failure(replace(wanted, authority="http://localhost/x")).code == "entra_invalid_authority"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_may_be_tried_again(wanted, login, status):
    identity = Credentials(wanted)
    login.fail("/oauth2/v2.0/token", status, **{"Retry-After": "7"})
    with pytest.raises(SignInFailed) as caught:
        identity.token()
    assert (caught.value.code, caught.value.transient) == ("entra_unavailable", True)


# --- what works
def test_a_secret_gets_a_token_with_the_role(wanted, resource, client, directory):
    token = Credentials(wanted).token()
    claims = jwt.decode(token.text, options={"verify_signature": False})
    assert (claims["aud"], claims["azp"], claims["roles"]) == (
        resource.client_id,
        client.client_id,
        [REFRESH_ROLE],
    )
    assert claims["iss"].endswith(f"/{directory.tenant_id}/v2.0")
    assert 3_000 < token.expires_in_seconds <= 3_900
    assert token.text not in repr(token)
    assert wanted.secret not in repr(wanted)


def test_a_certificate_gets_a_token(wanted, client):
    pem = credentials.new_certificate("night runner", now=datetime.now(UTC))
    key, _, rest = pem.partition("-----BEGIN CERTIFICATE-----")
    certificate = f"-----BEGIN CERTIFICATE-----{rest}"
    client.certificates[guid()] = certificate
    assert Credentials(replace(wanted, secret="", private_key=key, certificate=certificate)).token().text


def test_missing_consent_is_a_valid_token_without_roles(wanted, client):
    client.granted.clear()
    claims = jwt.decode(Credentials(wanted).token().text, options={"verify_signature": False})
    assert "roles" not in claims


def test_a_token_is_used_again_while_it_has_five_minutes_left(wanted, login):
    identity = Credentials(wanted)
    first = identity.token().text
    assert identity.token().text == first
    login.token_seconds = 240
    short = Credentials(wanted)
    assert short.token().text != short.token().text


def test_a_refusal_is_repeated_from_memory_until_one_asks_anew(wanted, login, directory):
    unknown = replace(wanted, client_id=guid())
    identity = Credentials(unknown)
    for _ in range(2):
        with pytest.raises(SignInFailed):
            identity.token()
    assert login.count("/oauth2/v2.0/token") == 1
    directory.add("late", client_id=unknown.client_id).secrets.extend(
        directory.applications[wanted.client_id].secrets
    )
    assert Credentials(unknown).token().text


def test_signing_in_needs_no_django():
    program = "import sys, refresher.entra.sign_in; print('django' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert ended.stdout.strip() == "False"
