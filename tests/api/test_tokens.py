"""API tokens by the API: listed, made, shown once, revoked; and never good for more than what made them."""

from datetime import timedelta

import pytest
from django.test import Client

from jobqueue.models import ApiToken
from jobqueue.scheduler import database_now
from tests import builders
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/api-tokens/"


def later(days: float = 1.0) -> str:
    return (database_now() + timedelta(days=days)).isoformat()


def body(**values):
    return {"name": "Export", "scopes": ["view"], "expires_at": later(0.5), **values}


def robot(name="robot", **fields):
    user = builders.make_user(name, groups=["Operator"], **fields)
    user.is_staff = False
    user.save()
    return user


@pytest.fixture
def minting(calling):
    """A token that may make others."""
    return lambda group="Administrator", scopes=("administer", "tokens"), **named: calling(
        group, scopes=scopes, **named
    )


def test_a_token_is_made_shown_once_used_and_revoked(minting, company):
    client = minting("Operator", scopes=["operate", "tokens"])
    made = client.post(TOKENS, body(scopes=["operate"], company="main"))
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["state"], row["kind"], row["user"]) == ("valid", "personal", client.user.username)
    assert row["token"].startswith(row["prefix"] + "_")
    assert made["Location"].endswith(f"{TOKENS}{row['id']}/")
    child = Client(HTTP_AUTHORIZATION=f"Bearer {row['token']}")
    assert child.get("/api/v1/me/").json()["scopes"] == ["view", "operate"]
    shown = client.get(f"{TOKENS}{row['id']}/")
    assert shown.json()["company"] == "main"
    assert "token" not in shown.json()
    assert row["token"] not in shown.content.decode()
    revoked = client.post(f"{TOKENS}{row['id']}/revoke/").json()
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", client.user.username)
    assert client.post(f"{TOKENS}{row['id']}/revoke/").status_code == 200
    refused(child.get("/api/v1/me/"), 401, "token_revoked")


def test_no_answer_holds_a_digest(minting, company):
    client = minting()
    made = client.post(TOKENS, body())
    stored = ApiToken.objects.get(pk=made.json()["id"]).digest
    for answer in (made, client.get(TOKENS), client.get("/api/v1/setup-changes/")):
        assert answer.status_code in (200, 201)
        assert stored not in answer.content.decode()
        assert client.token.digest not in answer.content.decode()


def test_people_make_tokens_with_their_session(company):
    client = Client()
    client.force_login(builders.make_user(groups=["Viewer"]))
    made = client.post(TOKENS, body(), content_type="application/json")
    assert made.status_code == 201, made.content


def test_a_token_without_the_scope_makes_and_revokes_no_others(calling, company):
    client = calling()
    refused(client.post(TOKENS, body()), 403, "scope_missing")
    other = calling("Viewer", user=client.user, scopes=["view"]).token
    refused(client.post(f"{TOKENS}{other.pk}/revoke/"), 403, "scope_missing")
    assert client.post(f"{TOKENS}{client.token.pk}/revoke/").json()["state"] == "revoked"
    refused(client.get(TOKENS), 401, "token_revoked")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"scopes": ["schedule"]}, "scopes"),
        ({"scopes": ["view", "refresh"]}, "scopes"),
        ({"expires_at": None}, "expires_at"),
        ({"company": None}, "company"),
        ({"company": "other"}, "company"),
    ],
)
def test_a_token_makes_none_that_is_good_for_more(minting, company, wanted, field):
    builders.make_company("other")
    client = minting("Administrator", scopes=["operate", "tokens"], limited_to=company)
    found = refused(client.post(TOKENS, body(company="main") | wanted), 400, "invalid")
    assert [one["field"] for one in found["errors"]] == [field]
    assert ApiToken.objects.count() == 1


def test_a_child_does_not_outlive_its_parent(minting, company):
    client = minting()
    found = refused(client.post(TOKENS, body(expires_at=later(2))), 400, "invalid")
    assert found["errors"][0]["code"] == "beyond_own"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": " "}, "blank"),
        ({"scopes": []}, "min_length"),
        ({"scopes": ["fly"]}, "unknown_scope"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry_in_the_past"),
        ({"expires_at": "soon"}, "invalid"),
        ({"colour": "red"}, "unknown_field"),
        ({"company": "nowhere"}, "unknown_company"),
    ],
)
def test_what_makes_no_token(minting, company, wanted, code):
    found = refused(minting().post(TOKENS, body() | wanted), 400, "invalid")
    assert found["errors"][0]["code"] == code
    assert ApiToken.objects.count() == 1


def test_tokens_of_application_users_are_for_administrators_of_every_company(minting, calling, company):
    robot()
    made = minting().post(TOKENS, body(user="robot", scopes=["operate"]))
    assert (made.status_code, made.json()["user"], made.json()["kind"]) == (201, "robot", "application")
    refused(
        minting("Operator", scopes=["operate", "tokens"]).post(TOKENS, body(user="robot")),
        403,
        "scope_missing",
    )
    refused(minting("Operator").post(TOKENS, body(user="robot")), 403, "not_allowed")
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("main", members=[limited])
    refused(minting(user=limited).post(TOKENS, body(user="robot")), 403, "not_allowed")
    one_company = minting(limited_to=company)
    refused(one_company.post(TOKENS, body(user="robot", company="main")), 403, "scope_missing")
    refused(minting().post(TOKENS, body(user="nobody")), 404, "not_found")
    builders.make_user("anna")
    refused(minting().post(TOKENS, body(user="anna")), 409, "not_an_application")


def test_one_sees_ones_own_and_administrators_all(calling, company):
    theirs = calling("Viewer", scopes=["view"])
    mine = calling("Viewer", scopes=["view"])

    def seen(client):
        return {row["prefix"] for row in client.get(TOKENS).json()["results"]}

    assert seen(mine) == {mine.token.prefix}
    refused(mine.get(f"{TOKENS}{theirs.token.pk}/"), 404, "not_found")
    refused(mine.post(f"{TOKENS}{theirs.token.pk}/revoke/"), 404, "not_found")
    boss = calling(scopes=["administer", "tokens"])
    assert seen(boss) == {one.token.prefix for one in (theirs, mine, boss)}
    narrow = calling(user=boss.user, scopes=["view"])
    assert seen(narrow) == {boss.token.prefix, narrow.token.prefix}
    assert seen(calling(user=boss.user, limited_to=company)) != seen(boss)
    assert boss.post(f"{TOKENS}{theirs.token.pk}/revoke/").json()["state"] == "revoked"
    refused(theirs.get(TOKENS), 401, "token_revoked")


def test_tokens_are_found_by_what_lists_filter_on(minting, company):
    client = minting()
    ids = [client.post(TOKENS, body(name=f"Job {number}")).json()["id"] for number in range(3)]
    client.post(f"{TOKENS}{ids[0]}/revoke/")

    def found(query):
        return [row["name"] for row in client.get(f"{TOKENS}?{query}").json()["results"]]

    assert found("revoked=true") == ["Job 0"]
    assert found("search=job&ordering=name") == ["Job 0", "Job 1", "Job 2"]
    assert found("kind=application") == []
    assert found(f"user={client.user.username}&revoked=false&search=Job&ordering=-name") == ["Job 2", "Job 1"]


def test_revoking_what_changed_meanwhile_is_412(minting, company):
    client = minting()
    one = f"{TOKENS}{client.post(TOKENS, body()).json()['id']}/"
    seen = client.get(one)["ETag"]
    refused(client.post(f"{one}revoke/", headers={"If-Match": '"other"'}), 412, "changed_meanwhile")
    assert client.post(f"{one}revoke/", headers={"If-Match": seen}).status_code == 200
    refused(client.post(f"{one}revoke/", headers={"If-Match": seen}), 412, "changed_meanwhile")
