"""Every address of the admin, whoever knocks: nothing changes on a look, nothing opens across companies or levels."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core import serializers

from jobqueue import secrets
from jobqueue.models import CompanyMember, Credential
from notifications.models import ChannelTarget
from tests import builders
from tests.admin.conftest import LEVELS, address
from tests.admin.test_pages import one_of_everything
from tests.notifications.admin.test_mail_log import make_message

pytestmark = pytest.mark.django_db

SECRET = "hunter2-secret"
FORGED = {
    "action": "set-ready",
    "_confirmed": "1",
    "post": "yes",
    "reason": "x",
    "next": "//evil.example/",
    "name": "forged",
    "code": "FORGED",
}
KEYS = ("<path:object_id>", "<uuid:document_id>", "<int:entry_no>", "<id>")
# People and worker processes belong to the installation, not to a company.
SHARED_BY_COMPANIES = ("user", "group", "cluster", "workersession")
# What people choose for themselves is theirs to change.
OWN = ("recipientpreference",)


def pages() -> Iterator[tuple[Any, Any]]:
    return ((model, page) for model, page in admin.site._registry.items() if of_ours(model))


def of_ours(model: Any) -> bool:
    return model._meta.app_label in ("jobqueue", "auth", "notifications")


def one_row_of_each() -> dict[str, Any]:
    """One row behind every page, made by somebody else in the default company."""
    one_of_everything(builders.make_superuser())
    credential = Credential.objects.create(company=builders.default_company(), name="bank", kind="password")
    secrets.set_secret(credential, SECRET, now=builders.NOW)
    builders.make_category("BANK")
    make_message("failed")
    ChannelTarget.objects.create(
        company=builders.default_company(),
        name="Ops",
        address_encrypted=secrets.seal(f"https://x.example/{SECRET}"),
    )
    rows = {model._meta.model_name: model._base_manager.order_by("pk").last() for model, _ in pages()}
    return rows | {"company": builders.default_company()}


def key(row: Any) -> str:
    return str(row.pk) if row is not None else "1"


def addresses(rows: dict[str, Any]) -> list[tuple[str, str]]:
    """Every address below the job queue's and the people's pages, with the name of its model."""
    found = []
    for model, page in pages():
        name = model._meta.model_name
        for pattern in page.urls:
            route = str(pattern.pattern)
            for placeholder in KEYS:
                route = route.replace(placeholder, key(rows[name]))
            assert "<" not in route
            found.append((name, f"{model._meta.app_label}/{name}/{route}"))
    return [*dict.fromkeys(found), ("", "")]


def everything() -> list[str]:
    return [
        line
        for model, _ in pages()
        if model._meta.model_name not in OWN
        for line in serializers.serialize("jsonl", model._base_manager.order_by("pk")).splitlines()
    ]


@pytest.mark.parametrize("group", [*LEVELS, "nobody"])
def test_a_look_changes_nothing_is_no_fault_and_shows_no_secret(signed_in, group):
    client = signed_in(user=builders.make_user(groups=[group] if group in LEVELS else []))
    rows = one_row_of_each()
    before = everything()
    for _, path in addresses(rows):
        response = client.get(address(path))
        assert response.status_code in (200, 302, 403, 404), path
        assert SECRET.encode() not in response.content, path
    assert everything() == before


@pytest.mark.parametrize("group", ["Viewer", "nobody"])
def test_a_forged_form_changes_nothing_without_the_level(signed_in, group):
    client = signed_in(user=builders.make_user(groups=[group] if group in LEVELS else []))
    rows = one_row_of_each()
    before = everything()
    for name, path in addresses(rows):
        chosen = {"_selected_action": key(rows[name])} if name else {}
        response = client.post(address(path), FORGED | chosen)
        assert response.status_code in (200, 302, 403, 404), path
        assert "evil.example" not in response.get("Location", ""), path
    assert everything() == before


def test_rows_of_another_company_are_not_found_through_any_address(signed_in):
    mine = builders.make_company("mine")
    user = builders.make_user(groups=["Administrator"])
    CompanyMember.objects.create(company=mine, user=user)
    client = signed_in(user=user)
    rows = one_row_of_each()
    before = everything()
    for name, path in addresses(rows):
        assert client.get(address(path)).status_code == 404, path
        if not name or name in SHARED_BY_COMPANIES or f"/{key(rows[name])}/" not in path:
            continue
        for send in (client.get, client.post):
            response = send(address(path, company=mine), FORGED)
            leads_to_404 = response.get("Location", "").endswith(f"/{key(rows[name])}/change/")
            assert response.status_code in (403, 404) or leads_to_404, path
    for name in ("entry", "logentry", "scheduledtask", "reportdocument"):
        for verb in ("set-ready", "mark-as-error", "cancel-task", "delete-document"):
            chosen = {"_selected_action": key(rows[name]), "action": verb}
            client.post(address(f"jobqueue/{name}/", company=mine), FORGED | chosen)
    assert everything() == before


def test_a_limited_administrator_neither_lifts_the_limit_nor_touches_what_every_company_uses(signed_in):
    mine = builders.make_company("mine")
    client = signed_in("Administrator")
    CompanyMember.objects.create(company=mine, user=client.user)
    shared = Credential.objects.create(
        company=None, name="shared", kind="basic", allowed_hosts="bank.example"
    )
    card = address(f"jobqueue/credential/{shared.pk}/change/", company=mine)
    assert (
        client.post(card, {"name": "shared", "kind": "basic", "allowed_hosts": "evil.example"}).status_code
        == 403
    )
    assert client.get(address("jobqueue/company/add/", company=mine)).status_code == 403
    page = client.get(address(f"jobqueue/company/{mine.pk}/change/", company=mine)).content.decode()
    assert "companymember" not in page
    client.post(
        address(f"jobqueue/company/{mine.pk}/change/", company=mine),
        {"name": "Mine", "time_zone": "UTC", "is_default": "on", "companymember_set-TOTAL_FORMS": "0"},
    )
    mine.refresh_from_db()
    assert (mine.name, mine.is_default) == ("Mine", False)
    assert CompanyMember.objects.filter(user=client.user).count() == 1
    shared.refresh_from_db()
    assert shared.allowed_hosts == "bank.example"


def test_a_disabled_user_is_signed_out_at_once(signed_in):
    client = signed_in("Administrator")
    client.user.is_active = False
    client.user.save()
    assert "/login/" in client.get(address("jobqueue/entry/"))["Location"]
