"""The company travels in the address: the same link is the same company for everybody."""

import pytest
from django.urls import get_script_prefix

from tests import builders
from tests.admin.conftest import address

pytestmark = pytest.mark.django_db


def test_an_address_without_company_leads_to_the_default_one(signed_in):
    response = signed_in().get("/admin/jobqueue/entry/?tab=error")
    assert response.status_code == 302
    assert response["Location"] == address("jobqueue/entry/?tab=error")


def test_a_form_sent_to_an_address_without_company_keeps_its_method(signed_in):
    response = signed_in().post("/admin/jobqueue/entry/add/", {"description": "x"})
    assert response.status_code == 307
    assert response["Location"] == address("jobqueue/entry/add/")


def test_the_company_seen_last_is_where_the_next_visit_begins(signed_in):
    other = builders.make_company("other")
    client = signed_in()
    client.get(address("", company=other))
    assert client.get("/admin/")["Location"] == "/c/other/admin/"


def test_links_of_a_page_stay_in_its_company(signed_in):
    other = builders.make_company("other")
    page = signed_in().get(address("", company=other)).content.decode()
    assert "/c/other/admin/jobqueue/entry/" in page
    assert 'href="/admin/' not in page


def test_an_unknown_company_is_not_found(signed_in):
    assert signed_in().get("/c/nowhere/admin/").status_code == 404


def test_a_company_the_user_is_not_limited_to_is_not_found(signed_in):
    user = builders.make_user(groups=["Administrator"])
    builders.make_company("mine", members=[user])
    builders.make_company("theirs")
    client = signed_in(user=user)
    assert client.get("/c/mine/admin/").status_code == 200
    assert client.get("/c/theirs/admin/").status_code == 404
    assert client.get("/admin/")["Location"] == "/c/mine/admin/"


def test_anonymous_visitors_are_asked_to_sign_in_for_every_company_alike(client, company):
    for code in (company.code, "nowhere"):
        response = client.get(f"/c/{code}/admin/jobqueue/entry/")
        assert response.status_code == 302
        assert response["Location"].endswith(f"/admin/login/?next=/c/{code}/admin/jobqueue/entry/")


def test_rows_of_another_company_do_not_exist_here(signed_in):
    entry = builders.make_entry(company=builders.make_company("other"))
    client = signed_in()
    assert entry.description not in client.get(address("jobqueue/entry/")).content.decode()
    for page in ("change", "set-ready", "live", "show-error"):
        response = client.get(address(f"jobqueue/entry/{entry.pk}/{page}/"))
        assert response.status_code == 404, page
        assert entry.description not in response.content.decode(), page
    assert client.post(address(f"jobqueue/entry/{entry.pk}/set-ready/")).status_code == 404


def test_the_switch_names_the_companies_open_to_the_user(signed_in):
    builders.make_company("other", name="Other Ltd")
    page = signed_in().get(address("")).content.decode()
    assert "Other Ltd" in page
    assert "/c/other/admin/" in page


def test_the_script_prefix_is_given_back_after_the_request(signed_in):
    before = get_script_prefix()
    signed_in().get(address(""))
    assert get_script_prefix() == before


def test_a_missing_slash_is_added_inside_the_company(signed_in):
    response = signed_in().get(address("jobqueue/entry"))
    assert response.status_code == 301
    assert response["Location"] == address("jobqueue/entry/")


def test_moments_are_shown_in_the_zone_the_browser_reported(signed_in):
    entry = builders.make_entry(earliest_start_at=builders.NOW)
    client = signed_in()
    client.cookies["jobwarden_zone"] = "Asia%2FTokyo"
    page = client.get(address(f"jobqueue/entry/{entry.pk}/change/")).content.decode()
    assert "2026-03-02T18:00:00" in page
