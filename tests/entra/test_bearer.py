"""The product as resource: whatever is wrong with an access token is refused by its own code; then what fits."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from rest_framework.test import APIClient

from refresher.entra import bearer
from refresher.entra.errors import KeysUnavailable
from refresher.entra.keys import SigningKeys
from refresher.entra.models import EntraTenant
from tests import builders
from tests.entra.directory import guid

pytestmark = pytest.mark.django_db


@pytest.fixture
def fitting(login, directory, resource, client, application):
    """The claims of a token that is accepted, with changes on top; None removes a claim."""

    def claims(**changes):
        made = directory.claims(
            client, base=login.base, audience=resource.client_id, roles=directory.roles(client, resource)
        )
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    return claims


def call(token: str):
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {token}").get("/api/v1/me/")


def refused(token: str, status: int, code: str) -> str:
    response = call(token)
    body = json.loads(response.content)
    assert (response.status_code, body["code"]) == (status, code), body
    assert body["detail"].endswith(".")
    assert token not in response.content.decode()
    if status == 401:
        assert 'error="invalid_token"' in response["WWW-Authenticate"]
    return body["detail"]


def part(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


# --- form and signature
def test_a_token_without_signature_is_refused(fitting, directory):
    for algorithm in ("none", "None", "NONE"):
        unsigned = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': directory.newest_key})}.{part(fitting())}."
        refused(unsigned, 401, "entra_algorithm_refused")


def test_a_token_signed_with_the_public_key_as_if_it_were_a_secret_is_refused(fitting, directory):
    public = (
        directory.keys[directory.newest_key]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': directory.newest_key})}.{part(fitting())}"
    seal = base64.urlsafe_b64encode(hmac.new(public, signed.encode(), hashlib.sha256).digest()).rstrip(b"=")
    refused(f"{signed}.{seal.decode()}", 401, "entra_algorithm_refused")


def test_a_token_of_another_algorithm_is_refused(fitting, directory):
    key = directory.keys[directory.newest_key]
    for algorithm in ("RS512", "PS256"):
        token = jwt.encode(fitting(), key, algorithm=algorithm, headers={"kid": directory.newest_key})
        refused(token, 401, "entra_algorithm_refused")


def test_a_forged_signature_is_refused(fitting, directory):
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    forged = jwt.encode(fitting(), stranger, algorithm="RS256", headers={"kid": directory.newest_key})
    refused(forged, 401, "entra_signature_invalid")


def test_changed_claims_are_refused(fitting, directory):
    head, _, seal = directory.sign(fitting()).split(".")
    refused(
        f"{head}.{part(fitting(roles=['JobQueue.Refresh', 'Everything']))}.{seal}",
        401,
        "entra_signature_invalid",
    )


def test_a_key_carried_or_named_in_the_token_does_not_count(fitting, directory, login):
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key()))
    headers = {"kid": "mine", "jwk": own, "jku": f"{login.base}/mine", "x5u": f"{login.base}/mine"}
    token = jwt.encode(fitting(), stranger, algorithm="RS256", headers=headers)
    refused(token, 401, "entra_key_unknown")
    assert login.count("/mine") == 0


@pytest.mark.parametrize(
    "token", ["ey.ey.ey", "eyJhbGciOiJSUzI1NiJ9.e30.", "eyJ..", "ey" + "a" * 9_000 + ".b.c"]
)
def test_what_only_looks_like_a_token_is_refused(application, token):
    refused(token, 401, "entra_token_malformed")


def test_a_token_without_key_id_or_version_is_refused(fitting, directory):
    key = directory.keys[directory.newest_key]
    refused(jwt.encode(fitting(), key, algorithm="RS256"), 401, "entra_token_malformed")
    for version in (None, "3.0", 2):
        refused(directory.sign(fitting(ver=version)), 401, "entra_token_malformed")


# --- whose and for whom
def test_another_audience_is_refused(fitting, directory):
    for audience in (guid(), "https://graph.microsoft.com", [guid()]):
        refused(directory.sign(fitting(aud=audience)), 401, "entra_wrong_audience")
    refused(directory.sign(fitting(aud=None)), 401, "entra_token_malformed")


def test_another_issuer_is_refused(fitting, directory, login):
    for issuer in (
        f"{login.base}/{guid()}/v2.0",
        f"{login.base}/{directory.tenant_id}",
        f"https://evil.example/{directory.tenant_id}/v2.0",
        f"https://sts.windows.net/{directory.tenant_id}/",
    ):
        refused(directory.sign(fitting(iss=issuer)), 401, "entra_wrong_issuer")


def test_a_directory_that_is_not_registered_is_refused_and_not_asked(fitting, login):
    other = login.add_directory()
    foreign = other.add("Night runner")
    claims = other.claims(foreign, base=login.base, audience=fitting()["aud"], roles=["JobQueue.Refresh"])
    refused(other.sign(claims), 401, "entra_tenant_unknown")
    assert login.count(other.tenant_id) == 0


def test_a_directory_cannot_speak_for_another(fitting, directory, login, resource):
    other = login.add_directory()
    EntraTenant.objects.create(name="Other", tenant_id=other.tenant_id, client_id=resource.client_id)
    other.keys = {directory.newest_key: other.keys[other.newest_key]}
    refused(other.sign(fitting()), 401, "entra_signature_invalid")
    refused(other.sign(fitting(tid=other.tenant_id)), 401, "entra_wrong_issuer")


def test_a_directory_that_is_switched_off_is_refused(fitting, directory, tenant):
    EntraTenant.objects.update(is_enabled=False)
    refused(directory.sign(fitting()), 401, "entra_tenant_unknown")


@pytest.mark.parametrize("tid", [None, "", "common", "../../evil", 7])
def test_a_tenant_that_is_no_guid_is_refused(fitting, directory, tid):
    refused(directory.sign(fitting(tid=tid)), 401, "entra_token_malformed")


# --- when
def test_an_expired_token_is_refused_after_the_leeway(fitting, directory):
    now = int(time.time())
    refused(directory.sign(fitting(exp=now - 180)), 401, "entra_token_expired")
    assert call(directory.sign(fitting(exp=now - 60))).status_code == 200


def test_a_token_of_the_future_is_refused_before_the_leeway(fitting, directory):
    now = int(time.time())
    refused(directory.sign(fitting(nbf=now + 180)), 401, "entra_token_too_early")
    assert call(directory.sign(fitting(nbf=now + 60))).status_code == 200


@pytest.mark.parametrize("missing", ["exp", "nbf", "iss"])
def test_a_token_without_its_times_or_issuer_is_refused(fitting, directory, missing):
    refused(directory.sign(fitting(**{missing: None})), 401, "entra_token_malformed")


# --- who
def test_tokens_of_people_are_refused(fitting, directory):
    for changes in (
        {"scp": "user_impersonation"},
        {"preferred_username": "amy@contoso.example"},
        {"upn": "amy@contoso.example"},
        {"idtyp": "user"},
    ):
        refused(directory.sign(fitting(**changes)), 403, "entra_user_token")
    assert call(directory.sign(fitting(idtyp="app"))).status_code == 200


def test_missing_consent_shows_as_a_token_without_roles(fitting, directory):
    sentence = refused(directory.sign(fitting(roles=None)), 403, "entra_role_missing")
    assert "Grant consent" in sentence
    for roles in ([], ["Other.Role"], "JobQueue.Refresh", {"JobQueue.Refresh": 1}, [7]):
        refused(directory.sign(fitting(roles=roles)), 403, "entra_role_missing")


def test_an_application_that_is_not_registered_is_refused(fitting, directory, resource):
    stranger = directory.add("Stranger")
    directory.grant(stranger, resource)
    refused(directory.sign(fitting(azp=stranger.client_id)), 401, "entra_application_unknown")
    refused(directory.sign(fitting(azp=None)), 401, "entra_token_malformed")
    refused(directory.sign(fitting(azp=None, appid=fitting()["azp"])), 401, "entra_token_malformed")


def test_another_object_behind_the_same_client_is_refused(fitting, directory):
    refused(directory.sign(fitting(oid=guid())), 401, "entra_object_mismatch")


def test_a_disabled_application_runner_or_user_is_refused(fitting, directory, application, runner_user):
    token = directory.sign(fitting())
    assert call(token).status_code == 200
    for row, field in (
        (application, "is_enabled"),
        (application.runner, "is_enabled"),
        (runner_user, "is_active"),
    ):
        setattr(row, field, False)
        row.save()
        refused(token, 401, "entra_runner_disabled")
        setattr(row, field, True)
        row.save()
    assert call(token).status_code == 200


def test_the_acting_identity_comes_from_the_token_alone(fitting, directory, runner_user):
    builders.make_superuser("root")
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {directory.sign(fitting())}")
    assert client.get("/api/v1/me/?user=root").status_code == 400
    response = client.get("/api/v1/me/", headers={"X-User": "root", "Remote-User": "root"})
    assert response.json()["user"] == "night-runner"


def test_every_refusal_is_logged_with_its_code_and_without_the_token(fitting, directory, caplog):
    token = directory.sign(fitting(azp=guid()))
    with caplog.at_level(logging.WARNING, "jobqueue.api"):
        call(token)
    (record,) = [record for record in caplog.records if record.name == "jobqueue.api.authentication"]
    assert record.code == "entra_application_unknown"
    assert token not in record.getMessage()


# --- keys
def test_keys_roll_without_notice(fitting, directory, login):
    old = directory.sign(fitting())
    assert call(old).status_code == 200
    directory.roll_keys()
    assert call(directory.sign(fitting())).status_code == 200, "an unknown key is asked for"
    assert call(old).status_code == 200, "the former key is still published"
    assert login.count("/discovery/v2.0/keys") == 2


def test_a_key_that_was_withdrawn_is_dropped_with_the_next_reading(fitting, directory):
    old = directory.sign(fitting())
    assert call(old).status_code == 200
    directory.roll_keys(keep=0)
    assert call(directory.sign(fitting())).status_code == 200
    refused(old, 401, "entra_key_unknown")


def test_unknown_keys_do_not_make_us_ask_without_end(fitting, directory, login):
    for _ in range(5):
        forged = directory.sign(fitting(), headers={"kid": guid()})
        refused(forged, 401, "entra_key_unknown")
    assert login.count("/discovery/v2.0/keys") == 2


def test_keys_are_kept_a_day_and_asked_for_once_a_minute_at_most(directory, login, tenant):
    moment = [0.0]
    keys = SigningKeys(clock=lambda: moment[0])
    known = directory.newest_key
    for moment[0] in (0, 3_600, 86_399):
        assert keys.key(directory.tenant_id, version="2.0", key_id=known)
    assert login.count("/discovery/v2.0/keys") == 1
    moment[0] = 86_400
    assert keys.key(directory.tenant_id, version="2.0", key_id=known)
    assert login.count("/discovery/v2.0/keys") == 2
    for moment[0] in (86_401, 86_402, 86_460, 86_461):
        with pytest.raises(bearer.TokenInvalid):
            keys.key(directory.tenant_id, version="2.0", key_id="unknown")
    assert login.count("/discovery/v2.0/keys") == 4


def test_a_known_key_does_not_wait_while_an_unknown_one_is_asked_for(directory, login, tenant, monkeypatch):
    keys, place = SigningKeys(), {"tenant_id": directory.tenant_id, "version": "2.0"}
    known = keys.key(**place, key_id=directory.newest_key)
    asked, may_answer = threading.Event(), threading.Event()

    def slow(*_, **__):
        asked.set()
        may_answer.wait(10)
        raise ValueError("too late")

    monkeypatch.setattr("refresher.entra.keys._fetch", slow)
    with ThreadPoolExecutor() as pool:
        unknown = pool.submit(keys.key, **place, key_id="unknown")
        assert asked.wait(10)
        try:
            assert pool.submit(keys.key, **place, key_id=directory.newest_key).result(timeout=5) == known
        finally:
            may_answer.set()
    with pytest.raises(KeysUnavailable):
        unknown.result()


def test_a_login_server_that_does_not_answer_is_no_refusal(fitting, directory, login):
    token = directory.sign(fitting())
    login.fail("openid-configuration", 503)
    response = call(token)
    assert (response.status_code, response.json()["code"]) == (503, "entra_keys_unavailable")
    assert call(token).status_code == 503, "it is not asked again at once"
    assert login.count("openid-configuration") == 1


def test_tokens_of_version_1_have_their_own_issuer_audience_and_client_claim(
    login, directory, resource, client, application
):
    claims = directory.claims(
        client,
        base=login.base,
        audience=f"api://{resource.client_id}",
        roles=directory.roles(client, resource),
        version="1.0",
    )
    assert call(directory.sign(claims)).json()["user"] == "night-runner"
    refused(
        directory.sign({**claims, "iss": f"{login.base}/{directory.tenant_id}/v2.0"}),
        401,
        "entra_wrong_issuer",
    )
    refused(directory.sign({**claims, "appid": guid()}), 401, "entra_application_unknown")


# --- what is accepted
def test_the_runner_is_let_in_for_refreshing_only(fitting, directory, application):
    answer = call(directory.sign(fitting())).json()
    assert (answer["user"], answer["credentials"]) == ("night-runner", "entra")
    assert answer["reference"] == str(application.client_id)
    assert answer["scopes"] == ["refresh"]
    document = APIClient(HTTP_AUTHORIZATION=f"Bearer {directory.sign(fitting())}").get("/api/v1/openapi.json")
    assert document.status_code == 200
