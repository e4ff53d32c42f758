"""Signing in: no way out to another host, and an end to guessing."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from tests import builders

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture
def ann():
    user = builders.make_user("ann", groups=["Viewer"])
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(client, password, *, then=""):
    address = reverse("admin:login") + (f"?next={then}" if then else "")
    return client.post(address, {"username": "ann", "password": password, "next": then})


@pytest.mark.parametrize(
    "then", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_host(client, ann, then):
    response = sign_in(client, PASSWORD, then=then)
    assert response.status_code == 302
    assert "evil" not in response["Location"]
    assert "javascript" not in response["Location"]


def test_guessing_ends_on_a_page_that_says_when_to_try_again(client, ann, settings):
    settings.AXES_ENABLED = True
    for _ in range(10):
        response = sign_in(client, "wrong")
    assert response.status_code == 429
    assert "Try again in 15 minutes." in response.content.decode()
    assert sign_in(client, PASSWORD).status_code == 429


def test_a_disabled_user_cannot_sign_in(client, ann):
    get_user_model().objects.filter(pk=ann.pk).update(is_active=False)
    assert "_auth_user_id" not in client.session
    sign_in(client, PASSWORD)
    assert "_auth_user_id" not in client.session


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client, ann):
    sign_in(client, PASSWORD)
    (cookie,) = [value for name, value in client.cookies.items() if "session" in name]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
