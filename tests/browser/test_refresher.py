"""A job is monitored, changed by hand, seen as drifted and repaired; and no page of the refresher scrolls sideways."""

import pytest
from playwright.sync_api import expect

from jobqueue.models import Entry
from refresher.models import MonitoredJob, RefreshLog
from tests.browser.test_walks import admin, at_rest, shipped_rows
from tests.refresher.situations import external_mode, login_mode, make_runner, ready_job

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["admin", "shipped_rows"]


def test_a_job_is_monitored_from_scratch_drifts_and_is_repaired(admin):
    login_mode()
    admin.goto(admin.base)
    admin.get_by_role("link", name="Monitored jobs").click()
    admin.get_by_role("link", name="Create from Entries").click()
    admin.get_by_role("link", name="Create a monitored job from scratch").click()
    admin.get_by_label("Object to run").select_option("90001")
    admin.get_by_label("Description").fill("Post the orders")
    admin.get_by_label("Friday", exact=True).check()
    admin.get_by_label("Starting time").fill("08:00")
    expect(admin.locator("#coming-list li")).to_have_count(20)
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("“Post the orders” is monitored; its entry was created")).to_be_visible()
    expect(admin.get_by_text("The entry is as expected.")).to_be_visible()

    job = MonitoredJob.objects.get()
    Entry.objects.filter(id=job.entry_id).update(max_attempts=7)
    admin.get_by_role("link", name="Monitored jobs").first.click()
    expect(admin.get_by_role("row", name="Post the orders")).to_contain_text("Drifted")
    admin.get_by_role("link", name="Post the orders").click()
    region = admin.get_by_role("region", name="Expected against actual")
    expect(region.get_by_role("row", name="Maximum no. of attempts to run")).to_contain_text("7")
    admin.get_by_role("link", name="Repair Now").click()
    admin.get_by_role("dialog").get_by_role("button", name="Repair Now").click()
    expect(admin.get_by_text("“Post the orders”: restarted.")).to_be_visible()
    assert Entry.objects.get(id=job.entry_id).max_attempts == job.max_attempts
    admin.get_by_role("region", name="Latest passes").get_by_text("Restarted").click()
    expect(admin.get_by_role("row", name="Maximum no. of attempts to run")).to_be_visible()
    at_rest(admin)


def test_the_setup_is_the_way_into_everything(admin):
    login_mode()
    ready_job(description="Post")
    admin.goto(f"{admin.base}refresher/refreshsetup/")
    admin.get_by_role("button", name="Refresh Now").click()
    expect(admin.get_by_text("1 pass asked for")).to_be_visible()
    assert RefreshLog.objects.get().state == "queued"
    admin.get_by_role("link", name="Simulate a Pass").click()
    expect(admin.get_by_text("Nothing is changed.")).to_be_visible()
    admin.go_back()
    admin.get_by_role("link", name="Recreate Monitored Jobs").click()
    expect(admin.get_by_text("Recreate the monitored jobs?")).to_be_visible()
    admin.get_by_role("link", name="Go back").click()
    admin.get_by_role("link", name="Enable External JQ Refresher").click()
    admin.get_by_role("dialog").get_by_role("button", name="Enable External JQ Refresher").click()
    expect(admin.get_by_text("The external refresher is enabled")).to_be_visible()
    expect(admin.get_by_text("Refreshed by nobody: “Post”")).to_be_visible()
    admin.get_by_role("link", name="Show External JQ Refresher Users").click()
    expect(admin.get_by_text("no runner user, and no default one")).to_be_visible()
    at_rest(admin)


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_the_refresher_scrolls_sideways(admin, width):
    long = "A very long name of a job that nobody would type " * 3
    runner = make_runner("a-runner-with-a-long-name-of-its-own", failed_attempts=15, last_error="x" * 900)
    setup = external_mode(default_runner=runner)
    make_runner("good")
    entry, job = ready_job(description=long[:120].strip())
    Entry.objects.filter(pk=entry.pk).update(parameter_string="y" * 240, max_attempts=9)
    MonitoredJob.objects.filter(pk=job.pk).update(last_error="z" * 400, last_refresh_status="error")
    admin.set_viewport_size({"width": width, "height": 800})
    for path in (
        "",
        f"refresher/refreshsetup/{setup.pk}/change/",
        "refresher/monitoredjob/",
        f"refresher/monitoredjob/{job.pk}/change/",
        "refresher/monitoredjob/add/",
        "refresher/monitoredjob/simulate/",
        "refresher/monitoredjob/distribute/",
        "refresher/monitoredjob/recreate/",
        "refresher/monitoredjob/from-entries/",
        "refresher/refreshlog/",
        "refresher/runner/",
        f"refresher/runner/{runner.pk}/change/",
        "jobqueue/entry/",
        f"jobqueue/entry/{entry.pk}/change/",
    ):
        admin.goto(f"{admin.base}{path}")
        assert admin.evaluate("document.documentElement.scrollWidth") <= width, path
