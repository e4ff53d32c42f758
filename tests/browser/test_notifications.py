"""Notification lists and the mail log in a browser: adding a recipient, reading a message, a phone."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from notifications.models import Message, NotificationList
from tests import builders
from tests.notifications.admin.test_mail_log import make_message

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(live_server, page, sign_in, transactional_db):
    """The page of a signed-in administrator, and the address of the default company's admin."""
    code = builders.default_company().code
    sign_in(builders.make_superuser("ann"))
    page.base = f"{live_server.url}/c/{code}/admin/"
    page.set_default_timeout(8_000)
    return page


def at_rest(page: Page) -> None:
    """The page broke no rule of its security policy, missed no file and asked no other host."""
    assert [line for line in page.complaints if "net::ERR_ABORTED" not in line] == []


def test_make_a_list_with_two_recipients_and_try_it_out(admin):
    admin.goto(admin.base)
    admin.get_by_role("link", name="Notification lists").click()
    admin.get_by_role("link", name="Add notification list").first.click()
    admin.get_by_label("Name").fill("On call")
    admin.locator("[name=lines-0-address]").fill("ops@example.com")
    admin.locator("[name=lines-0-scenario]").select_option("entry_error")
    admin.get_by_text("Add another Recipient").click()
    admin.locator("[name=lines-1-recipient]").select_option(label="ann")
    admin.locator("[name=lines-1-scenario]").select_option("entry_late")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("needs minutes")).to_be_visible()
    admin.locator("[name=lines-1-threshold_minutes]").fill("15")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("The notification list “On call” was created.")).to_be_visible()
    assert [line.recipient for line in NotificationList.objects.get().lines.all()] == [
        "ops@example.com",
        "ann",
    ]
    admin.get_by_role("link", name="Send Test Mail").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text("Send a test message to everybody on “On call”?")
    dialog.get_by_role("button", name="Send Test Mail").click()
    expect(admin.get_by_text("2 test messages queued.")).to_be_visible()
    assert Message.objects.filter(is_test=True).count() == 2
    at_rest(admin)


def test_read_a_message_in_the_mail_log_and_send_it_again(admin):
    make_message("failed", failed_at=builders.NOW, last_error="550 No such user", name="Bank import")
    admin.goto(admin.base + "notifications/message/")
    admin.get_by_role("link", name="[Jobwarden] Bank import: Warning").click()
    expect(admin.get_by_role("alert").filter(has_text="550 No such user")).to_be_visible()
    shown = admin.frame_locator("iframe[title='The message as HTML']")
    expect(shown.get_by_role("heading", name="Bank import")).to_be_visible()
    admin.get_by_role("link", name="Send again").click()
    admin.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(admin.get_by_text("is queued and will be sent within seconds.")).to_be_visible()
    at_rest(admin)


def test_lists_are_linked_on_the_card_of_an_entry(admin):
    NotificationList.objects.create(company=builders.default_company(), name="On call")
    entry = builders.make_entry(description="Bank import")
    admin.goto(f"{admin.base}jobqueue/entry/{entry.pk}/change/")
    admin.get_by_role("link", name="Choose lists").click()
    dialog = admin.get_by_role("dialog")
    dialog.get_by_label("On call").check()
    dialog.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("“On call” hears of “Bank import”.")).to_be_visible()
    expect(admin.locator("section[aria-labelledby=notifications]")).to_contain_text("On call")
    at_rest(admin)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_notifications_scrolls_sideways(
    browser, live_server, client, transactional_db, width, scheme
):
    company = builders.default_company()
    client.force_login(builders.make_superuser("ann"))
    message = make_message(
        "failed", failed_at=builders.NOW, last_error="y" * 400, name="A very long name " * 9
    )
    found = message.company.notification_lists.first()
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    for path in (
        "notificationlist/",
        f"notificationlist/{found.pk}/change/",
        "notificationlist/add/",
        "message/",
        f"message/{message.pk}/change/",
        f"message/{message.pk}/preview/",
        "channeltarget/add/",
        "recipientpreference/",
        "recipientpreference/mail-setup/",
    ):
        page.goto(f"{live_server.url}/c/{company.code}/admin/notifications/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
