"""Stored credentials by the API: write-only secrets, and shared ones for administrators of every company."""

import pytest

from jobqueue import secrets
from jobqueue.models import Credential
from tests import builders
from tests.api.refusing import refused

pytestmark = pytest.mark.django_db
CREDENTIALS = "/api/v1/companies/main/credentials/"
BODY = {
    "name": "bank",
    "kind": "basic",
    "user_name": "jobwarden",
    "secret": "open sesame",
    "allowed_hosts": "api.bank.example,sandbox.bank.example:8443",
}


def test_a_credential_is_stored_shown_without_its_secret_changed_and_deleted(calling, company):
    client = calling()
    made = client.post(CREDENTIALS, BODY)
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["allowed_hosts"] == "api.bank.example, sandbox.bank.example:8443"
    assert (row["has_secret"], row["shared"]) == (True, False)
    stored = Credential.objects.get()
    assert secrets.reveal(stored) == "open sesame"
    one = f"{CREDENTIALS}{row['id']}/"
    answers = [made, client.get(one), client.get(CREDENTIALS), client.patch(one, {"secret": "new one"})]
    answers.append(client.get("/api/v1/setup-changes/"))
    for answer in answers:
        assert answer.status_code in (200, 201)
        assert "sesame" not in answer.content.decode()
        assert bytes(stored.secret_encrypted).decode() not in answer.content.decode()
    assert secrets.reveal(Credential.objects.get()) == "new one"
    client.patch(one, {"user_name": "other", "secret": ""})
    changed = Credential.objects.get()
    assert (secrets.reveal(changed), changed.user_name) == ("new one", "other")
    assert client.delete(one).status_code == 204
    refused(client.delete(one), 404, "not_found")


def test_credentials_are_for_administrators(calling, company):
    client = calling("Scheduler")
    refused(client.get(CREDENTIALS), 403, "not_allowed")
    refused(client.post(CREDENTIALS, BODY), 403, "not_allowed")
    refused(calling(scopes=["schedule"]).post(CREDENTIALS, BODY), 403, "scope_missing")


def test_what_every_company_uses_is_changed_by_those_who_work_in_all(calling, company):
    boss = calling()
    shared = boss.post(CREDENTIALS, BODY | {"shared": True}).json()
    assert shared["shared"] is True
    assert Credential.objects.get().company is None
    one = f"{CREDENTIALS}{shared['id']}/"
    limited = builders.make_user(groups=["Administrator"])
    builders.make_company("main", members=[limited])
    client = calling(user=limited)
    assert client.get(one).json()["name"] == "bank"
    for answer in (
        client.patch(one, {"user_name": "x"}),
        client.delete(one),
        client.post(CREDENTIALS, BODY | {"name": "other", "shared": True}),
    ):
        refused(answer, 403, "not_allowed")
    narrow = calling(limited_to=company)
    for answer in (narrow.patch(one, {"user_name": "x"}), narrow.delete(one)):
        refused(answer, 403, "scope_missing")
    own = client.post(CREDENTIALS, BODY | {"name": "own"}).json()
    refused(client.patch(f"{CREDENTIALS}{own['id']}/", {"shared": True}), 403, "not_allowed")
    assert boss.patch(one, {"shared": False}).json()["shared"] is False
    assert Credential.objects.get(pk=shared["id"]).company == company


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        ({"name": ""}, "name", "blank"),
        ({"kind": "magic"}, "kind", "invalid_choice"),
        ({"allowed_hosts": "not a host!"}, "allowed_hosts", "invalid"),
        ({"secret": "two\nlines"}, "secret", "invalid"),
        ({"user_name": "two\nlines"}, "user_name", "invalid"),
        ({"secret_encrypted": "x"}, "secret_encrypted", "unknown_field"),
        ({"name": "taken"}, "name", "taken"),
    ],
)
def test_what_is_no_credential(calling, company, wanted, field, code):
    Credential.objects.create(company=company, name="taken")
    found = refused(calling().post(CREDENTIALS, BODY | wanted), 400, "invalid")
    assert (found["errors"][0]["field"], found["errors"][0]["code"]) == (field, code)
    assert "open sesame" not in str(found)
    assert Credential.objects.count() == 1


def test_credentials_of_another_company_do_not_exist(calling, company):
    other = builders.make_company("other")
    row = Credential.objects.create(company=other, name="theirs")
    client = calling()
    for answer in (
        client.get(f"{CREDENTIALS}{row.pk}/"),
        client.patch(f"{CREDENTIALS}{row.pk}/", {"name": "x"}),
        client.delete(f"{CREDENTIALS}{row.pk}/"),
    ):
        refused(answer, 404, "not_found")
