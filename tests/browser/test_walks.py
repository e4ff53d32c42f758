"""What a person does in a browser, from the first entry to the error of a failing one."""

import re
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from jobqueue import lifecycle
from jobqueue.models import Entry
from jobqueue.scheduler.inline import run_due_tasks
from jobqueue.states import LogStatus, Status
from tests import builders

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(live_server, page, sign_in, shipped_rows):
    """The page of a signed-in administrator, and the address of the default company's admin."""
    user = builders.make_superuser("ann")
    sign_in(user)
    page.base = f"{live_server.url}/c/{builders.default_company().code}/admin/"
    page.user = user
    page.set_default_timeout(8_000)
    return page


@pytest.fixture
def shipped_rows(transactional_db):
    builders.default_company()


def fresh_start(entry: Entry) -> datetime:
    """The moment the entry is due, so that no test waits for it."""
    return Entry.objects.get(pk=entry.pk).earliest_start_at


def at_rest(page: Page) -> None:
    """The page broke no rule of its security policy, missed no file and asked no other host."""
    assert [line for line in page.complaints if "net::ERR_ABORTED" not in line] == []


def test_create_an_entry_set_it_ready_and_see_it_run(admin):
    admin.goto(admin.base)
    admin.get_by_role("link", name="Create the first entry").click()
    admin.get_by_label("Object to run").select_option("90001")
    admin.get_by_label("Description").fill("Post the orders")
    admin.get_by_label("Friday", exact=True).check()
    admin.get_by_label("Starting time").fill("08:00")
    expect(admin.locator("#coming-list li")).to_have_count(20)
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("was created and is On Hold")).to_be_visible()
    admin.locator("#entry-head").get_by_role("button", name="Run Now").or_(
        admin.locator("#entry-head").get_by_role("link", name="Run Now")
    ).click()
    admin.get_by_role("dialog").get_by_role("button", name="Run Now").click()
    expect(admin.get_by_text("One extra run of “Post the orders” starts now")).to_be_visible()
    run_due_tasks(until_idle=True)
    admin.reload()
    expect(admin.get_by_role("region", name="Latest runs").get_by_text("Success")).to_be_visible()
    admin.locator("#entry-head").get_by_role("button", name="Set Status to Ready").click()
    expect(admin.get_by_text("is Ready and runs as ann")).to_be_visible()
    assert Entry.objects.get().status == Status.READY
    at_rest(admin)


def test_choosing_an_object_shows_its_parameters_and_a_missing_one_is_named_on_its_field(admin):
    admin.goto(admin.base + "jobqueue/entry/add/")
    admin.get_by_label("Object to run").select_option("90020")
    customer = admin.locator("[name=parameter_customer]")
    expect(customer).to_be_visible()
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text(re.compile("This field is required"))).to_be_visible()
    admin.locator("[name=parameter_customer]").fill("10000")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("was created and is On Hold")).to_be_visible()
    assert Entry.objects.get().parameters["customer"] == "10000"
    admin.complaints.clear()


def test_a_failing_entry_shows_its_error_everywhere_and_leads_to_the_call_stack(admin):
    entry = builders.make_entry(object_id=90002, description="Print labels", user=admin.user)
    lifecycle.set_ready(entry, actor=builders.actor_of(admin.user))
    run_due_tasks(now=fresh_start(entry), until_idle=True)
    admin.goto(admin.base)
    needs_you = admin.get_by_role("region", name="Needs you")
    expect(needs_you).to_contain_text("The printer ran out of paper.")
    needs_you.get_by_role("link", name="Show Error").click()
    expect(admin.get_by_role("alert").filter(has_text="The printer ran out of paper.")).to_be_visible()
    admin.get_by_text("Show Error Call Stack").click()
    expect(admin.locator(".jw-stack")).to_contain_text("RanOutOfPaper")
    at_rest(admin)


def test_a_hold_is_asked_in_a_dialog_and_explain_shows_its_gate(admin):
    entry = builders.make_entry(status=Status.READY, description="Bank import", user=admin.user)
    admin.goto(f"{admin.base}jobqueue/entry/{entry.pk}/change/")
    admin.locator("#entry-head").get_by_role("link", name="Set On Hold").first.click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text("Put “Bank import” On Hold?")
    dialog.get_by_label("Reason").fill("Year end")
    dialog.get_by_role("button", name="Set On Hold").click()
    expect(admin.locator("#entry-side")).to_contain_text("Not held")
    expect(admin.locator("#entry-side")).to_contain_text("Year end")
    admin.locator("#entry-side").get_by_role("button", name="Set Status to Ready").click()
    expect(admin.get_by_text("is Ready and runs as ann")).to_be_visible()
    at_rest(admin)


def test_the_role_centre_follows_what_happens_without_a_reload(admin):
    entry = builders.make_entry(status=Status.READY, description="Bank import")
    admin.goto(admin.base)
    admin.get_by_label("Refresh every").select_option("2")
    expect(admin.get_by_text("Nothing needs you.")).to_be_visible()
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR, error_message="Timeout contacting bank")
    expect(admin.get_by_role("region", name="Needs you")).to_contain_text("Timeout contacting bank")
    at_rest(admin)


def test_several_rows_are_set_ready_at_once_and_refusals_are_named(admin):
    for number in (1, 2):
        builders.make_entry(description=f"Held {number}", user=admin.user)
    builders.make_entry(status=Status.IN_PROCESS, description="Running one")
    admin.goto(admin.base + "jobqueue/entry/")
    for box in admin.locator("input.action-select").all():
        box.check()
    admin.locator("select[name=action]").select_option("set-ready")
    admin.get_by_title("Run the selected action").click()
    expect(admin.get_by_text("2 set to Ready.")).to_be_visible()
    expect(admin.get_by_text("1 refused")).to_be_visible()


def test_reading_and_verbs_work_without_javascript(browser, live_server, client, shipped_rows):
    user = builders.make_superuser("ann")
    entry = builders.make_entry(status=Status.READY, description="Bank import", user=user)
    client.force_login(user)
    context = browser.new_context(java_script_enabled=False)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/c/main/admin/jobqueue/entry/{entry.pk}/change/")
    expect(page.get_by_role("heading", name="Bank import").first).to_be_visible()
    page.locator("#entry-head").get_by_role("link", name="Set On Hold").first.click()
    page.get_by_label("Reason").fill("Year end")
    page.get_by_role("button", name="Set On Hold").click()
    expect(page.get_by_text("“Bank import” is On Hold.", exact=True)).to_be_visible()
    assert Entry.objects.get().hold_reason == "Year end"
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(browser, live_server, client, shipped_rows, width, scheme):
    user = builders.make_superuser("ann")
    entry = builders.make_recurring_entry(
        status=Status.ERROR, error_message="x" * 400, description="A very long description " * 6, user=user
    )
    log = builders.make_log_entry(
        entry, status=LogStatus.ERROR, error_message="y" * 400, error_call_stack="z" * 400
    )
    client.force_login(user)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    for path in (
        "",
        "jobqueue/entry/",
        f"jobqueue/entry/{entry.pk}/change/",
        "jobqueue/entry/add/",
        "jobqueue/logentry/",
        f"jobqueue/logentry/{log.pk}/change/",
        f"jobqueue/entry/{entry.pk}/set-on-hold/",
        "jobqueue/cluster/",
        f"auth/user/{user.pk}/change/",
        "notifications/channeltarget/add/",
    ):
        page.goto(f"{live_server.url}/c/main/admin/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()


@pytest.mark.parametrize("width", [1024, 1280, 1400])
def test_the_entry_list_fits_beside_the_sidebar(browser, live_server, client, shipped_rows, width):
    user = builders.make_superuser("josephine.vandenberghe")
    builders.make_category("WAREHOUSE")
    builders.make_recurring_entry(
        status=Status.READY,
        category_code="WAREHOUSE",
        description="Recalculate customer balances",
        time_zone="Australia/Lord_Howe",
        earliest_start_at=timezone.now() + timedelta(days=3),
        user=user,
    )
    client.force_login(user)
    context = browser.new_context(viewport={"width": width, "height": 800}, timezone_id="Europe/Brussels")
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/c/main/admin/jobqueue/entry/")
    menu = page.get_by_role("button", name="Actions for Recalculate customer balances")
    expect(menu).to_be_visible()
    box = menu.bounding_box()
    assert box["x"] + box["width"] <= width
    cut = "e => e.scrollWidth - e.clientWidth"
    assert all(wrapper.evaluate(cut) <= 0 for wrapper in page.locator(".simplebar-content-wrapper").all())
    context.close()


def test_a_button_that_cannot_be_used_says_why_to_fingers_and_to_the_keyboard(admin):
    entry = builders.make_entry(status=Status.ERROR, error_message="No file.", description="Import")
    why = admin.locator(".jw-why")
    admin.goto(f"{admin.base}jobqueue/entry/{entry.pk}/change/")
    cancel = admin.locator("#entry-head").get_by_role("button", name="Cancel Run")
    cancel.click(force=True)  # people press what looks unusable, too
    expect(why).to_have_text("Nothing is running. To keep the entry from starting, set it On Hold.")
    admin.keyboard.press("Escape")
    expect(why).to_be_hidden()
    admin.locator("#entry-head").get_by_role("link", name="Run Once").focus()
    admin.keyboard.press("Tab")
    expect(cancel).to_be_focused()
    expect(why).to_be_visible()
    admin.keyboard.press("Tab")
    expect(why).to_be_hidden()

    admin.goto(f"{admin.base}jobqueue/entry/")
    admin.get_by_role("button", name="Actions for Import").click()
    admin.locator(".jw-menu:popover-open").get_by_role("button", name="Cancel Run").click(force=True)
    expect(why).to_contain_text("Nothing is running.")
    expect(admin.locator(".jw-menu:popover-open")).to_be_visible()
    at_rest(admin)
