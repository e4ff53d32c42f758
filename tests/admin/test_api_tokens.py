"""The pages of API tokens: made and shown once, one's own and application users', revoked with a question first."""

import re
from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from jobqueue import api_tokens
from jobqueue.models import ApiToken
from jobqueue.scheduler import database_now
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db
LIST = "jobqueue/apitoken/"


@pytest.fixture
def robot():
    user = builders.make_user("robot", groups=["Integrator"])
    user.is_staff = False
    user.save()
    return user


def filled(**changes):
    return {"name": "Export", "scope_choice": ["operate"], "reach": "here", "lifetime": "90", **changes}


def token_of(user, **fields):
    now = database_now()
    values = {"name": "old", "scopes": ["view"], "now": now, "expires_at": now + timedelta(days=5), **fields}
    return api_tokens.make_personal(builders.actor_of(user), **values)


def test_the_token_is_shown_once_and_works(signed_in):
    client = signed_in("Operator")
    response = client.post(address(f"{LIST}add/"), filled())
    page = response.content.decode()
    text = re.search(r'id="token-text"[^>]*>(jw_[^<]+)<', page)[1]
    assert "no-store" in response["Cache-Control"]
    assert 'data-copy="token-text"' in page
    token = ApiToken.objects.get()
    assert (token.user, token.kind, token.company) == (client.user, "personal", builders.default_company())
    for path in (LIST, f"{LIST}{token.pk}/change/"):
        html = client.get(address(path)).content.decode()
        assert token.prefix in html
        assert text not in html
        assert token.digest not in html
    caller = APIClient(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert caller.get("/api/v1/me/").json()["user"] == client.user.username


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"scope_choice": []}, "This field is required"),
        ({"scope_choice": ["everything"]}, "not one of the available choices"),
        ({"lifetime": "never"}, "not one of the available choices"),
        ({"lifetime": "99999"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_said_on_its_field(signed_in, changes, sentence):
    page = signed_in("Viewer").post(address(f"{LIST}add/"), filled(**changes)).content.decode()
    assert sentence in page
    assert not ApiToken.objects.exists()


def test_personal_tokens_never_last_for_ever_and_the_form_says_so(signed_in):
    page = signed_in().post(address(f"{LIST}add/"), filled(lifetime="never")).content.decode()
    assert "expires within a year" in page
    assert not ApiToken.objects.exists()


def test_administrators_make_tokens_of_application_users(signed_in, robot):
    signed_in().post(
        address(f"{LIST}add/"),
        filled(application=robot.pk, lifetime="never", reach="all", scope_choice=["schedule"]),
    )
    token = ApiToken.objects.get()
    assert (token.user, token.kind, token.expires_at, token.company) == (robot, "application", None, None)


def test_nobody_else_does_and_no_person_is_offered(signed_in, robot):
    person = builders.make_user("amy")
    page = signed_in().get(address(f"{LIST}add/")).content.decode()
    assert f'value="{robot.pk}"' in page
    assert f'value="{person.pk}"' not in page
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("main", members=[limited])
    for client in (signed_in("Scheduler"), signed_in(user=limited)):
        client.post(address(f"{LIST}add/"), filled(application=robot.pk))
        assert ApiToken.objects.get().user == client.user
        ApiToken.objects.all().delete()


def test_everybody_sees_their_own_and_administrators_all(signed_in):
    theirs, _ = token_of(builders.make_user("amy", groups=["Viewer"]), name="amys token")
    client = signed_in("Scheduler")
    own, _ = token_of(client.user, name="my own token")
    html = client.get(address(LIST)).content.decode()
    assert "my own token" in html
    assert "amys token" not in html
    assert client.get(address(f"{LIST}{theirs.pk}/change/")).status_code == 404
    assert client.post(address(f"{LIST}{theirs.pk}/revoke/")).status_code == 404
    html = signed_in().get(address(LIST)).content.decode()
    assert "my own token" in html
    assert "amys token" in html


def test_revoking_asks_first(signed_in):
    client = signed_in("Viewer")
    token, _ = token_of(client.user)
    path = address(f"{LIST}{token.pk}/revoke/")
    assert "Revoke “old" in client.get(path).content.decode()
    assert ApiToken.objects.get().revoked_at is None
    assert "was revoked" in said(client.post(path))
    assert ApiToken.objects.get().revoked_at is not None
    assert "Revoked" in client.get(address(LIST)).content.decode()
    assert "was revoked already" in said(client.post(path))


def test_a_token_is_neither_changed_nor_deleted(signed_in):
    client = signed_in()
    token, _ = token_of(client.user)
    client.post(address(f"{LIST}{token.pk}/change/"), filled(name="other", scope_choice=["administer"]))
    assert client.post(address(f"{LIST}{token.pk}/delete/"), {"post": "yes"}).status_code == 403
    assert (ApiToken.objects.get().name, ApiToken.objects.get().scopes) == ("old", ["view"])


def test_states_are_words(signed_in):
    client = signed_in()
    now = database_now()
    token_of(client.user, name="soon")
    token_of(client.user, name="valid", expires_at=now + timedelta(days=90))
    token_of(client.user, name="gone", now=now - timedelta(days=9), expires_at=now - timedelta(days=1))
    html = client.get(address(LIST)).content.decode()
    assert all(word in html for word in ("Expires soon", "Valid", "Expired"))
    assert address(LIST) in client.get(address("")).content.decode(), "it is in the menu"
