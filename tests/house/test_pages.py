"""The admin in a real browser: its own content security policy lets it work, and nothing comes from another host."""

import re

import pytest

from tests.builders import make_superuser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_person_signs_in_and_the_browser_has_nothing_to_complain_about(page, live_server):
    user = make_superuser("ann")
    user.set_password("long enough, 42")
    user.save()
    page.goto(live_server.url)
    page.fill("input[name=username]", "ann")
    page.fill("input[name=password]", "long enough, 42")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    assert page.complaints == []


def test_every_list_of_the_admin_opens_without_a_complaint(page, live_server, sign_in):
    requested: list[str] = []
    page.on("request", lambda sent: requested.append(sent.url))
    sign_in(make_superuser())
    page.goto(f"{live_server.url}/admin/")
    paths = "links => [...new Set(links.map(link => link.pathname))]"
    addresses = page.eval_on_selector_all("a[href*='/admin/']", paths)
    lists = [address for address in addresses if re.search(r"/admin/\w+/\w+/$", address)]
    assert lists
    for address in lists:
        answer = page.goto(live_server.url + address, wait_until="networkidle")
        assert answer.status == 200, address
        assert page.complaints == [], address
    assert [url for url in requested if not url.startswith((live_server.url, "data:"))] == []
