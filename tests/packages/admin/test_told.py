"""The notification list of a package in the admin: whose it is, what else is told, and what a message is about."""

import pytest

from notifications.models import Message
from packages import lists
from tests import builders
from tests.admin.conftest import address
from tests.notifications.outbox import make_list
from tests.packages.building import make_package

pytestmark = pytest.mark.django_db


def card(found):
    return address(f"notifications/notificationlist/{found.pk}/change/")


def test_a_private_list_names_its_package_and_the_shared_lists_told_too(signed_in):
    client = signed_in("Scheduler")
    package = make_package(name="Nightly")
    shared = make_list(("ops@example.com", "package_stop"), name="On call")
    package.notification_lists.add(shared)
    page = client.get(card(lists.private_list(package))).content.decode()
    assert address(f"packages/package/{package.pk}/change/") in page
    assert "On call" in page
    shown = client.get(card(shared)).content.decode()
    assert "Package Nightly" in shown
    assert shown.count(address(f"packages/package/{package.pk}/change/")) == 1
    listed = client.get(address("notifications/notificationlist/?tab=private")).content.decode()
    assert "Of the package Nightly" in listed


def test_a_message_about_a_run_leads_to_run_and_package(signed_in):
    client = signed_in("Viewer")
    package = make_package(name="Nightly")
    message = Message.objects.create(
        company=package.company,
        recipient="ops@example.com",
        address="ops@example.com",
        scenario="package_stop",
        scenarios=["package_stop"],
        template="package_run_ended",
        facts={"name": "Nightly", "outcome": "error"},
        about_kind="package",
        about_reference=str(package.uuid),
        source_kind="package_run",
        source_reference="999999",
        occurred_at=builders.NOW,
        queued_at=builders.NOW,
    )
    page = client.get(address(f"notifications/message/{message.pk}/change/")).content.decode()
    assert address(f"packages/package/{package.pk}/change/") in page
    assert "packages/run/999999/" not in page, "a run that is gone has no page"


def test_packages_that_refer_to_a_shared_list_are_named_once(signed_in):
    package = make_package(name="Nightly")
    shared = make_list(("ops@example.com", "package_stop"), name="On call")
    package.notification_lists.add(shared)
    page = signed_in("Scheduler").get(card(shared)).content.decode()
    assert page.count(f'href="{address(f"packages/package/{package.pk}/change/")}"') == 1
