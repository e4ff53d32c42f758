"""An accountant sets up a nightly package with nothing but the user guide, and what the pages do beside forms."""

import pytest
from playwright.sync_api import expect

from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.inline import run_due_tasks
from notifications.models import NotificationLine
from packages.models import Package
from packages.states import PackageStatus
from tests import builders
from tests.browser.test_walks import admin, at_rest, shipped_rows
from tests.packages.building import active, add_line, last_run, make_package, nightly, run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["admin", "shipped_rows"]


def test_the_user_guide_leads_from_new_to_an_active_package(admin):
    admin.goto(admin.base)
    admin.get_by_role("link", name="Job queue packages").click()
    admin.get_by_role("link", name="New", exact=True).click()
    admin.get_by_label("Name").fill("Nightly")
    admin.get_by_role("toolbar").get_by_role("button", name="Set Job Queues").click()

    first = admin.locator("[data-line='line-0']")
    first.get_by_label("Object to run").select_option("90020")
    first.locator("[name='line-0-parameter_customer']").fill("10000")
    admin.get_by_role("button", name="New line").click()
    second = admin.locator("[data-line='line-1']")
    second.get_by_label("Object to run").select_option("90001")
    expect(second.get_by_label("Run order")).to_have_value("20")
    admin.get_by_role("button", name="Save and go back to the package").click()

    recurrences = admin.get_by_role("region", name="Recurrences")
    recurrences.get_by_role("button", name="Mon–Fri").click()
    expect(recurrences.get_by_label("Friday", exact=True)).to_be_checked()
    expect(recurrences.get_by_label("Sunday", exact=True)).not_to_be_checked()
    recurrences.get_by_label("Starting time").fill("22:00")
    expect(admin.locator("#coming-list li")).to_have_count(20)
    admin.get_by_role("button", name="New recurrence").click()

    admin.locator("[name='recurrence-1-run_on_saturdays']").check()
    admin.locator("[name='recurrence-1-starting_time']").fill("06:00")
    expect(admin.locator("#coming-list")).to_contain_text("06:00")

    admin.get_by_label("On Error").select_option("finish")

    admin.get_by_role("group", name="Related").get_by_role("button", name="Notifications").click()
    expect(admin.get_by_role("heading", name="Nightly").first).to_be_visible()
    package = Package.objects.get(name="Nightly")
    assert (package.on_error, package.recurrences.count(), package.lines.count()) == ("finish", 2, 2)

    admin.goto(f"{admin.base}packages/package/{package.pk}/change/")
    admin.get_by_role("toolbar").get_by_role("button", name="Set Job Queue Package Active").click()
    expect(admin.locator("#package-head")).to_contain_text("is Active. Next run:")
    expect(admin.locator("#package-head")).to_contain_text("nothing of it can be changed")
    expect(admin.locator("[name=name]")).to_have_count(0)
    admin.get_by_role("group", name="Related").get_by_role("link", name="Log Entries").click()
    expect(admin.get_by_text("Job queue package log entries").first).to_be_visible()
    assert Package.objects.get(name="Nightly").status == PackageStatus.ACTIVE
    at_rest(admin)


def test_lines_are_moved_by_dragging_and_by_keyboard(admin):
    package = make_package(actor=builders.actor_of(admin.user))
    for name in ("Import", "Post", "Report"):
        add_line(package, name)
    admin.goto(f"{admin.base}packages/package/{package.pk}/change/")
    items = admin.locator("[data-order-item]")
    items.nth(2).locator("[data-grip]").drag_to(items.nth(0), target_position={"x": 30, "y": 3})
    expect(items.nth(0)).to_contain_text("Report")
    expect(items.nth(0).locator("[name$=run_order]")).to_have_value("10")
    up = admin.get_by_role("button", name="Move Post up")
    up.focus()
    admin.keyboard.press("Enter")
    expect(items.nth(1)).to_contain_text("Post")
    admin.get_by_role("button", name="Save", exact=True).last.click()
    expect(admin.get_by_text("“Nightly” was saved.")).to_be_visible()
    ordered = package.lines.order_by("run_order").values_list("entry__description", flat=True)
    assert list(ordered) == ["Report", "Post", "Import"]
    at_rest(admin)


def test_a_run_is_followed_on_the_card_and_as_a_gantt(admin):
    package = active(nightly(failing=(20,)), now=database_now())
    admin.goto(f"{admin.base}packages/package/{package.pk}/change/")
    admin.get_by_label("Refresh every").select_option("2")
    admin.get_by_role("toolbar").get_by_role("link", name="Run Now").click()
    admin.get_by_role("dialog").get_by_role("button", name="Run Now").click()
    expect(admin.locator("#package-head")).to_contain_text("Active – running")
    run_due_tasks(until_idle=True)
    expect(admin.locator("#package-head")).to_contain_text("is in Error")
    admin.get_by_role("region", name="Latest runs").get_by_role("link", name="Run ").first.click()
    expect(admin.locator(".jw-bar--error")).to_have_count(1)
    expect(admin.locator(".jw-bar--hatched")).to_have_count(2)
    at_rest(admin)


def test_a_hold_during_a_run_says_what_still_finishes(admin):
    package = active(nightly(), now=database_now())
    admin.goto(f"{admin.base}packages/package/{package.pk}/change/")
    admin.get_by_role("toolbar").get_by_role("link", name="Set Job Queue Package On Hold").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text("An entry that is running finishes; the entries after it do not run.")
    dialog.get_by_label("Reason").fill("Year end")
    dialog.get_by_role("button", name="Set Job Queue Package On Hold").click()
    expect(admin.locator("#package-head")).to_contain_text("“Year end”")
    expect(admin.get_by_label("Name")).to_be_editable()


def test_packages_work_without_javascript(browser, live_server, client, shipped_rows):
    from django.conf import settings

    user = builders.make_superuser("ann")
    client.force_login(user)
    context = browser.new_context(java_script_enabled=False)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/c/main/admin/packages/package/add/")
    page.get_by_label("Name").fill("Nightly")
    page.get_by_role("toolbar").get_by_role("button", name="Set Job Queues").click()
    page.get_by_label("Object to run").select_option("90001")
    page.get_by_role("button", name="Save and go back to the package").click()
    expect(page.get_by_role("heading", name="Nightly").first).to_be_visible()
    page.get_by_label("Monday", exact=True).check()
    page.get_by_role("toolbar").get_by_role("button", name="Set Job Queue Package Active").click()
    expect(page.get_by_text("“Nightly” is Active. Next run:").first).to_be_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(browser, live_server, client, shipped_rows, width, scheme):
    from django.conf import settings

    user = builders.make_superuser("ann")
    long = "A very long name of a package that nobody would type " * 2
    package = active(nightly(name=long[:100].strip(), failing=(20,), description="y" * 300))
    run()
    NotificationLine.objects.all().delete()
    held = nightly(name="Held")
    client.force_login(user)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    for path in (
        "packages/package/",
        "packages/package/add/",
        f"packages/package/{package.pk}/change/",
        f"packages/package/{held.pk}/set-job-queues/",
        f"packages/package/{held.pk}/run-now/",
        "packages/run/",
        f"packages/run/{last_run(package).pk}/change/",
    ):
        page.goto(f"{live_server.url}/c/main/admin/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    context.close()
