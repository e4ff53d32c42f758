"""*Notification Lists* in the admin: lines, defaults, tests, links to entries, locks and levels."""

from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.actors import Actor
from jobqueue.errors import Refused
from jobqueue.models import Entry
from jobqueue.states import Origin
from notifications import verbs
from notifications.events import before_change_list
from notifications.models import (
    ChannelTarget,
    DefaultList,
    EntryLink,
    Message,
    NotificationLine,
    NotificationList,
)
from tests import builders
from tests.admin.conftest import LEVELS, address, said
from tests.notifications.outbox import add_line, make_list

pytestmark = pytest.mark.django_db
LISTS = "notifications/notificationlist/"


def card(found: NotificationList, verb: str = "change") -> str:
    return address(f"{LISTS}{found.pk}/{verb}/")


def posted(found: NotificationList | None = None, *lines: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The form of the card as a browser sends it: the stored lines first, then new ones."""
    stored = 0 if found is None else found.lines.count()
    data = {
        "name": "On call" if found is None else found.name,
        "description": "",
        "is_enabled": "on",
        "lines-TOTAL_FORMS": str(len(lines)),
        "lines-INITIAL_FORMS": str(stored),
        "lines-MIN_NUM_FORMS": "0",
        "lines-MAX_NUM_FORMS": "1000",
        **fields,
    }
    for number, line in enumerate(lines):
        data |= {f"lines-{number}-{name}": value for name, value in line.items()}
    return data


def as_sent(line: NotificationLine, **changed: Any) -> dict[str, Any]:
    """A stored line as the form shows it, with changes."""
    shown = {
        "id": line.pk,
        "recipient": f"user:{line.user_id}" if line.user_id else "address",
        "address": line.address,
        "scenario": line.scenario,
        "threshold_minutes": line.threshold_minutes or "",
        "repeat_minutes": line.repeat_minutes,
    }
    return shown | changed


NEW = {"recipient": "address", "address": "ops@example.com", "scenario": "entry_error", "repeat_minutes": "0"}


def test_a_list_is_made_with_its_recipients_in_one_form(signed_in):
    client = signed_in()
    user = builders.make_user("eve")
    lines = (NEW, {**NEW, "recipient": f"user:{user.pk}", "address": "", "repeat_minutes": "60"})
    response = client.post(address(f"{LISTS}add/"), posted(None, *lines))
    found = NotificationList.objects.get()
    assert response.headers["Location"] == card(found)
    assert [(line.recipient, line.scenario, line.repeat_minutes) for line in found.lines.all()] == [
        ("ops@example.com", "entry_error", 0),
        ("eve", "entry_error", 60),
    ]


def test_lines_are_changed_removed_and_added_together(signed_in):
    client = signed_in()
    found = make_list(("a@example.com", "entry_error"), ("b@example.com", "entry_error"))
    first, second = found.lines.all()
    data = posted(
        found,
        as_sent(first, DELETE="on"),
        as_sent(second, address="c@example.com", scenario="entry_late", threshold_minutes="15"),
        {**NEW, "address": "a@example.com"},
        name="Night desk",
    )
    client.post(card(found), data)
    found.refresh_from_db()
    assert found.name == "Night desk"
    assert [(line.address, line.scenario, line.threshold_minutes) for line in found.lines.all()] == [
        ("c@example.com", "entry_late", 15),
        ("a@example.com", "entry_error", None),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ({"address": "nonsense"}, "is no e-mail address"),
        ({"address": ""}, "Name the recipient"),
        ({"scenario": ""}, "Choose a scenario"),
        ({"scenario": "entry_late"}, "needs minutes"),
        ({"threshold_minutes": "5"}, "takes no minutes"),
        ({"repeat_minutes": "soon"}, "is no number of minutes"),
        ({"recipient": "user:999999"}, "Select a valid choice"),
        ({"recipient": "target:1 OR 1=1"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_on_it_and_nothing_is_saved(signed_in, line, sentence):
    client = signed_in()
    response = client.post(address(f"{LISTS}add/"), posted(None, NEW | line))
    assert response.status_code == 200
    assert sentence in response.content.decode()
    assert not NotificationList.objects.exists()


def test_the_same_recipient_twice_is_refused_whether_typed_or_stored(signed_in):
    client = signed_in()
    response = client.post(address(f"{LISTS}add/"), posted(None, NEW, {**NEW, "address": "OPS@example.com"}))
    assert "already" in response.content.decode()
    assert not NotificationList.objects.exists()
    found = make_list(("ops@example.com", "entry_error"))
    response = client.post(card(found), posted(found, as_sent(found.lines.get()), NEW))
    assert "already" in response.content.decode()
    assert found.lines.count() == 1


def test_a_user_without_an_address_is_refused_on_entry(signed_in):
    client = signed_in()
    found = make_list()
    user = builders.make_user("mute")
    type(user).objects.filter(pk=user.pk).update(email="")
    page = client.get(card(found)).content.decode()
    assert f"user:{user.pk}" not in page, "who cannot be mailed is not offered"
    client.post(card(found), posted(found, {**NEW, "recipient": f"user:{user.pk}", "address": ""}))
    assert not found.lines.exists()


def test_a_disabled_recipient_does_not_keep_others_from_being_added(signed_in):
    client = signed_in()
    gone = builders.make_user("gone")
    found = make_list((gone, "entry_error"))
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    client.post(card(found), posted(found, as_sent(found.lines.get()), NEW))
    assert found.lines.count() == 2


def test_people_of_other_companies_are_not_offered(signed_in):
    client = signed_in()
    stranger = builders.make_user("stranger")
    builders.make_company("other", members=[stranger])
    assert f"user:{stranger.pk}" not in client.get(address(f"{LISTS}add/")).content.decode()


def test_a_private_list_offers_the_scenarios_of_its_owner_and_keeps_its_name(signed_in):
    client = signed_in("Scheduler")
    found = make_list(owner_kind="package", owner_reference=str(uuid4()), name="Nightly")
    page = client.get(card(found)).content.decode()
    assert "package_stop" in page
    assert "entry_late" not in page
    client.post(card(found), posted(found, {**NEW, "scenario": "package_stop"}, name="Renamed"))
    found.refresh_from_db()
    assert (found.name, found.lines.count()) == ("Nightly", 1)


def test_a_locked_list_is_read_only_with_the_sentence_that_says_why(signed_in):
    def locked(sender: Any, list: NotificationList, **_: Any) -> None:
        raise Refused("“Nightly” is Active. Choose Set Job Queue Package On Hold first.")

    client = signed_in()
    found = make_list(("a@example.com", "package_stop"), owner_kind="package", owner_reference=str(uuid4()))
    before_change_list.connect(locked)
    try:
        page = client.get(card(found)).content.decode()
        assert "Set Job Queue Package On Hold first" in page
        assert "a@example.com" in page
        assert 'name="lines-0-address"' not in page
        response = client.post(card(found), posted(found, as_sent(found.lines.get(), DELETE="on")))
        assert "Nothing was saved." in said(response)
    finally:
        before_change_list.disconnect(locked)
    assert found.lines.count() == 1


# --- defaults, tests, deleting
def test_a_list_becomes_the_default_for_failures_and_stops_being_it(signed_in):
    client = signed_in()
    found = make_list(("a@example.com", "entry_error"))
    assert "has no default list for failures" in client.get(address(LISTS)).content.decode()
    client.post(card(found, "make-default"))
    assert DefaultList.objects.get().list == found
    assert "has no default list" not in client.get(address(LISTS)).content.decode()
    assert "default list" in said(client.post(card(found, "delete-list")))
    client.post(card(found, "end-default"))
    assert not DefaultList.objects.exists()


def test_a_list_without_failures_cannot_be_the_default(signed_in):
    client = signed_in()
    found = make_list(("a@example.com", "entry_success"))
    assert "names nobody for failures" in said(client.post(card(found, "make-default")))


def test_a_test_message_is_asked_for_and_queued_for_everybody(signed_in):
    client = signed_in()
    found = make_list(("a@example.com", "entry_error"), ("b@example.com", "entry_error"))
    assert "Send a test message" in client.get(card(found, "send-test")).content.decode()
    assert not Message.objects.exists(), "a look sends nothing"
    assert "2 test messages queued" in said(client.post(card(found, "send-test")))
    assert Message.objects.filter(is_test=True).count() == 2
    assert "no recipient" in said(client.post(card(make_list(), "send-test")))


def test_a_list_is_deleted_with_its_links(signed_in):
    client = signed_in()
    found = make_list(("a@example.com", "entry_error"))
    verbs.link_entry(builders.make_entry(), found, actor=Actor(client.user, Origin.ADMIN))
    response = client.post(card(found, "delete-list"))
    assert response.headers["Location"] == address(LISTS)
    assert not NotificationList.objects.exists()
    assert not EntryLink.objects.exists()


# --- entries
def of_entry(entry: Entry) -> str:
    return address(f"{LISTS}of-entry/{entry.pk}/")


def test_lists_are_linked_to_an_entry_and_taken_off(signed_in):
    client = signed_in("Scheduler")
    entry = builders.make_entry()
    one, other = make_list(), make_list()
    page = client.get(address(f"jobqueue/entry/{entry.pk}/change/")).content.decode()
    assert "No list is linked." in page
    client.post(of_entry(entry), {"lists": [str(one.pk)]})
    assert one.name in client.get(address(f"jobqueue/entry/{entry.pk}/change/")).content.decode()
    response = client.post(of_entry(entry), {"lists": [str(other.pk)]})
    assert response.headers["Location"] == address(f"jobqueue/entry/{entry.pk}/change/")
    assert [link.list for link in EntryLink.objects.all()] == [other]
    client.post(of_entry(entry), {})
    assert not EntryLink.objects.exists()


def test_a_choice_of_lists_is_stored_as_a_whole_or_not_at_all(signed_in, monkeypatch):
    client = signed_in("Scheduler")
    entry = builders.make_entry()
    one, other = make_list(name="A"), make_list(name="B")
    client.post(of_entry(entry), {"lists": [str(other.pk)]})
    refusal = Refused("The database of lists is being moved.")
    monkeypatch.setattr(verbs, "unlink_entry", Mock(side_effect=refusal))
    client.post(of_entry(entry), {"lists": [str(one.pk)]})
    assert [link.list for link in EntryLink.objects.all()] == [other]


def test_private_and_foreign_lists_cannot_be_linked(signed_in):
    client = signed_in()
    entry = builders.make_entry()
    private = make_list(owner_kind="package", owner_reference=str(uuid4()))
    foreign = make_list(company=builders.make_company("other"))
    for found in (private, foreign):
        assert client.post(of_entry(entry), {"lists": [str(found.pk)]}).status_code == 422
    assert not EntryLink.objects.exists()


def test_the_links_of_an_entry_need_the_right_level_and_company(signed_in):
    entry, found = builders.make_entry(), make_list()
    assert signed_in("Operator").post(of_entry(entry), {"lists": [str(found.pk)]}).status_code == 403
    foreign = builders.make_entry(company=builders.make_company("other"))
    assert signed_in().get(of_entry(foreign)).status_code == 404
    assert not EntryLink.objects.exists()


def test_the_running_user_is_told_of_successes_from_the_card(signed_in):
    client = signed_in("Scheduler")
    page = client.get(address("jobqueue/entry/add/")).content.decode()
    assert 'name="notify_on_success"' in page


# --- who may, and how much it costs
@pytest.mark.parametrize("group", LEVELS)
def test_every_level_sees_lists_and_only_administrators_change_shared_ones(signed_in, group):
    client = signed_in(group)
    found = make_list(("a@example.com", "entry_error"))
    assert client.get(address(LISTS)).status_code == 200
    assert client.get(card(found)).status_code == 200
    client.post(card(found), posted(found, as_sent(found.lines.get(), address="new@example.com")))
    changed = group == "Administrator"
    assert found.lines.get().address == ("new@example.com" if changed else "a@example.com")
    assert client.get(address(f"{LISTS}add/")).status_code == (200 if changed else 403)
    client.post(card(found, "send-test"))
    assert Message.objects.filter(is_test=True).exists() == changed
    client.post(card(found, "make-default"))
    assert DefaultList.objects.exists() == changed
    DefaultList.objects.all().delete()
    client.post(card(found, "delete-list"))
    assert NotificationList.objects.exists() != changed


@pytest.mark.parametrize("tab", ["", "?tab=private"])
def test_the_list_needs_the_same_number_of_queries_for_more_lists(signed_in, tab):
    client = signed_in(user=builders.make_superuser())

    def more(count: int) -> None:
        for _ in range(count):
            make_list((builders.make_user(), "entry_error"), ("x@example.com", "entry_error"))
            add_line(
                make_list(owner_kind="package", owner_reference=str(uuid4())),
                "y@example.com",
                "package_stop",
            )

    more(2)
    client.get(address(LISTS + tab))
    with CaptureQueriesContext(connection) as few:
        client.get(address(LISTS + tab))
    more(8)
    with CaptureQueriesContext(connection) as many:
        client.get(address(LISTS + tab))
    assert len(many) <= len(few)


def test_the_card_needs_the_same_number_of_queries_for_more_lines(signed_in):
    client = signed_in(user=builders.make_superuser())
    found = make_list((builders.make_user(), "entry_error"), ("x@example.com", "entry_error"))
    client.get(card(found))
    with CaptureQueriesContext(connection) as few:
        client.get(card(found))
    for _ in range(8):
        add_line(found, builders.make_user(), "entry_error")
    with CaptureQueriesContext(connection) as many:
        client.get(card(found))
    assert len(many) <= len(few)


def test_targets_are_recipients_too(signed_in):
    client = signed_in()
    found = make_list()
    target = ChannelTarget.objects.create(company=builders.default_company(), name="Ops", kind="slack")
    client.post(card(found), posted(found, {**NEW, "recipient": f"target:{target.pk}", "address": ""}))
    assert found.lines.get().target == target
