"""The published user guide, sentence by sentence, by somebody who has read nothing else.

Each quoted line is the guide's; what is clicked is found only by the words it uses.
"""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from jobqueue.models import ScheduledTask
from jobqueue.scheduler.clock import database_now
from jobqueue.scheduler.inline import run_due_tasks
from notifications.models import Message
from packages.models import Package
from packages.states import PackageStatus
from tests.browser.test_walks import admin, at_rest, shipped_rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
__all__ = ["admin", "shipped_rows"]


def action(page, name: str):
    """An action of the action bar, by its caption in the guide."""
    bar = page.get_by_role("toolbar").first
    return bar.get_by_role("button", name=name, exact=True).or_(
        bar.get_by_role("link", name=name, exact=True)
    )


def related(page, name: str):
    """An action under *Related*."""
    group = page.get_by_role("group", name="Related")
    return group.get_by_role("button", name=name, exact=True).or_(
        group.get_by_role("link", name=name, exact=True)
    )


def test_from_the_guide_alone_to_a_nightly_package_that_has_run(admin):
    # “navigate to the Job Queue Packages page and click on New”
    admin.goto(admin.base)
    admin.get_by_role("link", name="Job Queue Packages").first.click()
    expect(admin).to_have_title(re.compile("Job Queue Packages", re.IGNORECASE))
    admin.get_by_role("link", name="New", exact=True).click()

    # “First, a new name needs to be given to the package.”
    admin.get_by_label("Name").fill("Nightly closing")

    # “job queue entries can be set with the action ‘Set Job Queues’ via the action bar”
    action(admin, "Set Job Queues").click()

    # “The job queue entries can be filled in as normal. For each entry a run order needs to be specified.”
    for number, (order, description) in enumerate(((10, "Import"), (20, "Post"), (30, "Report"))):
        if number:
            admin.get_by_role("button", name="New line").click()
        line = admin.locator(f"[data-line='line-{number}']")
        with admin.expect_response(lambda answer: "line-form" in answer.url):
            line.get_by_label("Object to run").select_option("90002" if description == "Post" else "90001")
        expect(line.get_by_label("Description")).to_have_value("Fail" if description == "Post" else "Succeed")
        line.get_by_label("Description").fill(description)
        expect(line.get_by_label("Run Order")).to_have_value(str(order))
        line.get_by_label("Run Order").fill(str(order))

    # “When everything is filled in, go back to the job queue package.”
    admin.get_by_role("button", name=re.compile("go back to the package", re.IGNORECASE)).click()
    expect(admin.get_by_role("heading", name="Nightly closing").first).to_be_visible()

    # “From the job queue package, the recurrences can be filled in … Multiple recurrences can be filled in”
    recurrences = admin.get_by_role("region", name="Recurrences")
    recurrences.get_by_role("button", name="Mon–Fri").click()
    recurrences.get_by_label("Starting time").fill("22:00")
    admin.get_by_role("button", name="New recurrence").click()
    admin.locator("[name='recurrence-1-run_on_saturdays']").check()
    admin.locator("[name='recurrence-1-starting_time']").fill("06:00")

    # “what should happen in case an error occurs … with the ‘On Error’ field”: the three choices
    choices = admin.get_by_label("On Error").locator("option").all_inner_texts()
    assert [choice.split(" – ")[0] for choice in choices] == ["Stop", "Finish Run, then Stop", "Continue"]
    admin.get_by_label("On Error").select_option(label=choices[2])

    # “set the email functionality with the ‘Notifications’ action under ‘Related’”
    related(admin, "Notifications").click()

    # “From the Notification List, you can choose who will receive an email and also in which scenario.”
    expect(admin.locator("main, #content, body").first).to_contain_text(
        re.compile("Notification List", re.IGNORECASE)
    )
    admin.locator("[name=lines-0-address]").fill("ops@example.com")
    scenarios = admin.locator("[name=lines-0-scenario]").locator("option").all_inner_texts()
    assert "On Error" in scenarios
    assert not [one for one in scenarios if one == "Late"], "scenarios of entries are of no use here"
    admin.locator("[name=lines-0-scenario]").select_option(label="On Error")
    admin.get_by_role("button", name="Save", exact=True).click()

    # “When everything is filled in you can go back to the package.”
    admin.get_by_role("link", name=re.compile("Back to the package", re.IGNORECASE)).click()

    # “the job queue package can now be activated using the ‘Set Job Queue Package Active’ action via the action bar”
    action(admin, "Set Job Queue Package Active").click()

    # “You cannot edit anything anymore … The status is changed and the next run time of the package is shown.”
    head = admin.locator("#package-head")
    expect(head).to_contain_text("Active")
    expect(head).to_contain_text("Next run:")
    expect(head).to_contain_text(re.compile("(22|06):00"))
    expect(admin.locator("[name=name], [name=on_error], [name^=recurrence-], [name^=line-]")).to_have_count(0)
    package = Package.objects.get(name="Nightly closing")
    assert (package.lines.count(), package.recurrences.count()) == (3, 2)

    # It runs at its time, and one sees it.
    now = database_now()
    due_at = now.replace(hour=22, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while due_at.weekday() > 4:
        due_at -= timedelta(days=1)
    Package.objects.filter(pk=package.pk).update(next_run_at=due_at)
    ScheduledTask.objects.filter(pk=package.task_id).update(not_before=due_at)
    admin.get_by_label("Refresh every").select_option("2")
    run_due_tasks()
    expect(head).to_contain_text("Active – running")
    run_due_tasks(until_idle=True)
    expect(head).not_to_contain_text("running")
    expect(admin.get_by_role("region", name="Latest runs")).to_contain_text("Completed with Errors")
    assert [one.address for one in Message.objects.all()] == ["ops@example.com"]

    # “The log entries of the package can also be viewed using the action ‘Log Entries’ under ‘Related’”
    related(admin, "Log Entries").click()
    expect(admin.get_by_text("Completed with Errors").first).to_be_visible()
    admin.locator("a.jw-name").first.click()
    for description in ("Import", "Post", "Report"):
        expect(admin.get_by_text(description).first).to_be_visible()
    expect(admin.get_by_text("The printer ran out of paper.").first).to_be_visible()

    # “To edit or pause the package … via the action ‘Set Job Queue Package On Hold’”
    admin.goto(f"{admin.base}packages/package/{package.pk}/change/")
    action(admin, "Set Job Queue Package On Hold").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text("An entry that is running finishes; the entries after it do not run.")
    dialog.get_by_role("button", name="Set Job Queue Package On Hold").click()
    expect(admin.get_by_label("Name")).to_be_editable()
    package.refresh_from_db()
    assert (package.status, package.next_run_at) == (PackageStatus.ON_HOLD, None)
    at_rest(admin)
