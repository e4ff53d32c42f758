"""What pages say and how they are named: once, in words of the product, and for those who hear them as well."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from jobqueue.states import HoldKind, Status
from tests import builders
from tests.admin.conftest import address
from tests.packages.building import add_line, make_package

pytestmark = pytest.mark.django_db


def html_of(response) -> str:
    return response.content.decode()


def test_the_title_of_the_window_names_the_row_once(signed_in):
    entry = builders.make_entry(description="Import bank statement")
    page = html_of(signed_in().get(address(f"jobqueue/entry/{entry.pk}/change/")))
    [title] = re.findall(r"<title>(.*?)</title>", page, re.S)
    assert title.count("Import bank statement") == 1


def test_lists_say_new_and_their_search_box_has_a_name(signed_in):
    page = html_of(signed_in().get(address("jobqueue/entry/")))
    assert re.search(r'class="addlink[^>]*>.*?New</a>', page)
    assert re.search(r'id="searchbar-submit" aria-label="Search"', page)
    assert re.search(r'<input type="text"[^>]*aria-label="Search, or user: category: job: error: id:"', page)
    assert "addlink" not in html_of(signed_in().get(address("jobqueue/category/add/")))
    assert "addlink" not in html_of(signed_in("Viewer").get(address("jobqueue/entry/")))


def test_a_deletion_is_asked_for_by_name_and_button(signed_in):
    category = builders.make_category("BANK")
    page = html_of(signed_in().get(address(f"jobqueue/category/{category.pk}/delete/")))
    assert f"Delete the category “{category}”?" in page
    assert re.search(r'<button type="submit"[^>]*>Delete</button>', page)


def test_who_cannot_be_deleted_is_said_with_what_to_do_instead():
    admin, used = builders.make_superuser(), builders.make_user("used")
    builders.make_entry(user=used)
    client = Client()
    client.force_login(admin)
    page = html_of(client.get(address(f"auth/user/{used.pk}/delete/")))
    assert "1 job queue entry runs as this user. Disable the user instead of deleting it." in page
    assert ">Delete</button>" not in page


def test_access_is_ticked_by_group_and_explained():
    client = Client()
    client.force_login(builders.make_superuser())
    olga = builders.make_user("olga", groups=["Viewer"])
    page = html_of(client.get(address(f"auth/user/{olga.pk}/change/")))
    assert "May sign in here" in page
    assert len(re.findall(r'type="checkbox" name="groups"', page)) >= 6
    assert "Operator also sets ready, holds, runs and cancels" in page


def test_the_page_of_the_password_lists_no_apps(signed_in):
    page = html_of(signed_in().get("/admin/password_change/"))
    assert "Role centre" in page
    for app in ("Axes", "Task engine", "Audit log"):
        assert app not in page


def test_a_wrong_password_is_answered_in_one_sentence(client, db):
    page = html_of(client.post("/admin/login/", {"username": "ann", "password": "wrong"}))
    assert page.count("Name or password is wrong") == 1
    assert "Please correct" not in page
    assert "case-sensitive" not in page


def test_an_owned_entry_in_error_leaves_the_next_step_to_its_owner(signed_in):
    package = make_package()
    line = add_line(package, "Import")
    type(line.entry).objects.filter(pk=line.entry.pk).update(status=Status.ERROR, error_message="No file.")
    page = html_of(signed_in().get(address(f"jobqueue/entry/{line.entry.pk}/change/")))
    assert "failed. Its package decides when it runs again." in page
    assert "until somebody restarts it" not in page
    assert "is in Error: No file." in page


def test_the_tile_of_holds_counts_what_somebody_holds(signed_in):
    add_line(make_package(), "Rests between runs")
    builders.make_entry(status=Status.ON_HOLD, hold_kind=HoldKind.MANUAL, description="Held")
    client = signed_in()
    [tile] = [one for one in client.get(address("")).context["tiles"] if one.name == "On Hold"]
    assert tile.count == 1
    shown = client.get(tile.address).context["cl"].result_list
    assert [str(entry) for entry in shown] == ["Held"]


def test_moments_of_plain_fields_are_written_as_everywhere():
    client = Client()
    client.force_login(builders.make_superuser())
    olga = builders.make_user("olga", date_joined=datetime(2026, 3, 2, 16, 30, tzinfo=UTC))
    page = html_of(client.get(address(f"auth/user/{olga.pk}/change/")))
    assert "Mon 2 Mar 2026 16:30:00" in page
    assert "p.m." not in page


def test_the_way_above_a_page_leads_to_the_role_centre_and_never_to_a_list_of_tables(signed_in):
    client = signed_in()
    page = html_of(client.get(address("jobqueue/entry/")))
    assert f'href="{address("jobqueue/")}"' in page
    assert client.get(address("jobqueue/"))["Location"] == address("")
