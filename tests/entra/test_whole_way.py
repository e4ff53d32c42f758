"""End to end: the real msal, a real login server behind TLS, and the product's own web server."""

from dataclasses import replace

import httpx
import pytest
from django.utils import timezone

from refresher.entra import credentials
from refresher.entra.errors import SignInFailed
from refresher.entra.sign_in import Credentials
from tests.builders import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed_in(application, live_server):
    """Signs in as the application and calls the live server with the token it got."""

    def call(**changes) -> httpx.Response:
        token = Credentials(replace(credentials.login_of(application), **changes)).token()
        with httpx.Client(trust_env=False) as http:
            return http.get(
                f"{live_server.url}/api/v1/me/", headers={"Authorization": f"Bearer {token.text}"}
            )

    return call


def test_without_consent_the_token_comes_and_is_refused_for_its_missing_role(signed_in, client):
    client.granted.clear()
    answer = signed_in()
    assert (answer.status_code, answer.json()["code"]) == (403, "entra_role_missing")


def test_a_token_for_another_resource_is_refused(signed_in, directory):
    other = directory.add_resource()
    answer = signed_in(resource=f"api://{other.client_id}")
    assert (answer.status_code, answer.json()["code"]) == (401, "entra_wrong_audience")


def test_an_expired_secret_never_reaches_the_product(signed_in, client):
    with pytest.raises(SignInFailed) as caught:
        signed_in(secret=client.add_secret(seconds=-1).text)
    assert caught.value.aadsts == 7000222


def test_consent_withdrawn_takes_effect_with_the_next_token(signed_in, client):
    assert signed_in().status_code == 200
    client.granted.clear()
    assert signed_in().status_code == 403


def test_by_secret(signed_in):
    answer = signed_in()
    assert answer.status_code == 200
    assert (answer.json()["user"], answer.json()["scopes"]) == ("night-runner", ["refresh"])


def test_by_certificate(signed_in, application, client, administrator):
    pem = credentials.new_certificate("Night runner", now=timezone.now())
    credentials.enter_certificate(application, pem, actor=administrator, now=NOW)
    client.certificates["1"] = application.certificate
    assert signed_in().status_code == 200


def test_keys_roll_between_two_calls(signed_in, directory):
    assert signed_in().status_code == 200
    directory.roll_keys()
    assert signed_in().status_code == 200
