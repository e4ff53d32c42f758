"""Role centre, log, inbox, set-up and scheduled tasks."""

from datetime import timedelta

import pytest

from jobqueue import secrets
from jobqueue.admin.badges import entry_badge, log_badge
from jobqueue.admin.words import absolute, duration, relative
from jobqueue.errors import Refused
from jobqueue.events import before_delete_category
from jobqueue.models import (
    Category,
    Company,
    Credential,
    Entry,
    EntryChange,
    LogEntry,
    ReportDocument,
    ScheduledTask,
)
from jobqueue.scheduler import create_task, task_exists
from jobqueue.states import LogStatus, Status
from tests import builders
from tests.admin.conftest import address, said
from tests.jobqueue.driving import connected

pytestmark = pytest.mark.django_db
NOW = builders.NOW


# --- role centre
def test_an_empty_company_says_what_to_do_first(signed_in):
    page = signed_in().get(address("")).content.decode()
    assert "There are no job queue entries" in page
    assert "Create the first entry" in page
    assert "No worker is running" in page


def test_nothing_needs_you_names_the_next_run(signed_in):
    builders.make_entry(
        status=Status.READY, description="Price update", earliest_start_at=NOW.replace(year=2099)
    )
    page = signed_in().get(address("")).content.decode()
    assert "Nothing needs you." in page
    assert "Price update" in page


def test_failed_entries_come_first_with_message_and_buttons(signed_in):
    builders.make_entry(status=Status.ERROR, description="Bank import", error_message="Timeout.\nSecond line")
    page = signed_in().get(address("")).content.decode()
    assert page.index("Needs you") < page.index("jw-tiles")
    assert "Bank import" in page
    assert "Timeout." in page
    assert "Second line" not in page
    assert "/restart/" in page


def test_the_role_centre_answers_304_until_something_changes(signed_in):
    client = signed_in("Viewer")
    entry = builders.make_entry(status=Status.READY, earliest_start_at=NOW.replace(year=2099))
    first = client.get(address(""), headers={"X-Region": "1"})
    assert "<html" not in first.content.decode()
    again = client.get(address(""), headers={"X-Region": "1", "If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Entry.objects.filter(pk=entry.pk).update(status=Status.ERROR)
    assert (
        client.get(address(""), headers={"X-Region": "1", "If-None-Match": first["ETag"]}).status_code == 200
    )


# --- list
def test_tabs_count_and_filter(signed_in):
    builders.make_entry(status=Status.ERROR, description="Broken one")
    builders.make_entry(status=Status.READY, description="Late one", earliest_start_at=NOW)
    client = signed_in()
    response = client.get(address("jobqueue/entry/?tab=error"))
    counts = {tab["name"]: tab["count"] for tab in response.context["tabs"]}
    assert counts == {"": 2, "ready": 1, "late": 1, "in-process": 0, "waiting": 0, "on-hold": 0, "error": 1}
    page = response.content.decode()
    assert "Broken one" in page
    assert "Late one" not in page
    assert "Late one" in client.get(address("jobqueue/entry/?tab=late")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("user:ann", "A"),
        ("category:bank", "B"),
        ("job:fail", "C"),
        ("error:printer", "C"),
        ("job:90002", "C"),
    ],
)
def test_search_qualifiers_narrow_one_field(signed_in, query, found):
    builders.make_entry(description="Entry A", user=builders.make_superuser("ann"))
    builders.make_entry(description="Entry B", category_code="BANK")
    builders.make_entry(description="Entry C", object_id=builders.FAILING_OBJECT, error_message="printer jam")
    page = signed_in().get(address("jobqueue/entry/"), {"q": query}).content.decode()
    assert [letter for letter in "ABC" if f"Entry {letter}" in page] == [found]


def test_an_entry_in_error_prints_its_first_error_line(signed_in):
    builders.make_entry(status=Status.ERROR, error_message="Timeout contacting bank\nmore")
    page = signed_in().get(address("jobqueue/entry/")).content.decode()
    assert '<span class="jw-line jw-line--error">Timeout contacting bank</span>' in page


def test_every_status_is_an_icon_and_a_word():
    for status in Status:
        badge = entry_badge(Entry(status=status), now=NOW)
        assert "<svg" in badge
        assert status.label.split()[0] in badge or "Inactive" in badge
    for status in LogStatus:
        assert status.label in log_badge(LogEntry(status=status))


# --- log
def test_the_log_card_shows_error_stack_lines_and_parameters(signed_in):
    log = builders.make_log_entry(
        status=LogStatus.ERROR,
        error_message="It broke.",
        error_call_stack="Traceback <b>",
        parameters={"x": "<i>"},
    )
    log.lines.create(at=NOW, text="posted <1>")
    page = signed_in("Viewer").get(address(f"jobqueue/logentry/{log.pk}/change/")).content.decode()
    for text in ("It broke.", "Traceback &lt;b&gt;", "posted &lt;1&gt;", "&lt;i&gt;", "Show Job Queue Entry"):
        assert text in page


def test_the_log_of_a_deleted_entry_stays_readable(signed_in):
    log = builders.make_log_entry()
    Entry.objects.all().delete()
    client = signed_in("Viewer")
    assert client.get(address(f"jobqueue/logentry/{log.pk}/change/")).status_code == 200
    assert log.description in client.get(address(f"jobqueue/logentry/?entry={log.entry_id}")).content.decode()


def test_set_status_to_error_warns_and_is_for_running_rows_only(signed_in):
    entry = builders.make_entry(status=Status.IN_PROCESS)
    running = builders.make_log_entry(entry, status=LogStatus.IN_PROCESS)
    done = builders.make_log_entry(entry, due_at=NOW + timedelta(minutes=1))
    client = signed_in("Operator")
    page = address(f"jobqueue/logentry/{running.pk}/mark-as-error/")
    assert "may still be running" in client.get(page).content.decode()
    refused = client.post(address(f"jobqueue/logentry/{done.pk}/mark-as-error/"))
    assert "Only runs in process" in said(refused)
    client.post(page)
    assert LogEntry.objects.get(pk=running.pk).status == LogStatus.ERROR


def test_deleting_the_log_is_asked_first_for_administrators_and_spares_running_rows(signed_in):
    entry = builders.make_entry()
    builders.make_log_entry(entry)
    running = builders.make_log_entry(entry, status=LogStatus.IN_PROCESS, due_at=NOW + timedelta(minutes=1))
    page = address("jobqueue/logentry/delete-all/")
    assert signed_in("Scheduler").post(page).status_code == 403
    client = signed_in()
    assert "cannot be undone" in client.get(page).content.decode()
    assert LogEntry.objects.count() == 2
    assert "1 log entry deleted." in said(client.post(page))
    assert list(LogEntry.objects.all()) == [running]


# --- inbox
def make_document(user, **values) -> ReportDocument:
    return ReportDocument.objects.create(
        company=builders.default_company(),
        user=user,
        entry_id=builders.make_entry().id,
        object_id=3,
        description="Stock",
        output_type=5,
        file_name="stöck.csv",
        content_type="text/html",
        content=b"<script>",
        size_bytes=8,
        created_at=NOW,
        **values,
    )


def test_documents_are_for_their_user_only(signed_in):
    document = make_document(builders.make_user())
    client = signed_in()
    assert client.get(address(f"jobqueue/reportdocument/{document.pk}/download/")).status_code == 404
    assert "stöck" not in client.get(address("jobqueue/reportdocument/")).content.decode()


def test_a_download_is_an_attachment_that_nothing_runs_in_and_marks_it_read(signed_in):
    client = signed_in("Viewer")
    document = make_document(client.user)
    response = client.get(address(f"jobqueue/reportdocument/{document.pk}/download/"))
    assert response.content == b"<script>"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert ReportDocument.objects.get().is_read


def test_documents_can_be_marked_and_deleted_by_their_user(signed_in):
    client = signed_in("Viewer")
    document = make_document(client.user)
    client.post(address(f"jobqueue/reportdocument/{document.pk}/mark-read/"))
    assert ReportDocument.objects.get().is_read
    client.post(address(f"jobqueue/reportdocument/{document.pk}/delete-document/"))
    assert not ReportDocument.objects.exists()


# --- set-up
def test_a_secret_goes_in_and_never_comes_out(signed_in):
    client = signed_in()
    response = client.post(
        address("jobqueue/credential/add/"),
        {
            "name": "bank",
            "kind": "basic",
            "user_name": "cronus",
            "secret": "s3cr3t-value",
            "allowed_hosts": "bank.example.com",
        },
    )
    assert response.status_code == 302
    credential = Credential.objects.get()
    assert credential.company == builders.default_company()
    assert secrets.reveal(credential) == "s3cr3t-value"
    for page in ("jobqueue/credential/", f"jobqueue/credential/{credential.pk}/change/"):
        assert "s3cr3t-value" not in client.get(address(page)).content.decode()
    client.post(
        address(f"jobqueue/credential/{credential.pk}/change/"),
        {
            "name": "bank2",
            "kind": "basic",
            "user_name": "cronus",
            "secret": "",
            "allowed_hosts": "bank.example.com",
        },
    )
    credential.refresh_from_db()
    assert credential.name == "bank2"
    assert secrets.reveal(credential) == "s3cr3t-value"


def test_renaming_a_category_renames_it_in_its_entries(signed_in):
    category = builders.make_category("BANK")
    entry = builders.make_entry(category_code="BANK")
    client = signed_in()
    client.post(
        address(f"jobqueue/category/{category.pk}/change/"),
        {"code": "bnk", "description": "Bank", "slots": "2"},
    )
    category.refresh_from_db()
    assert (category.code, category.slots) == ("BNK", 2)
    assert Entry.objects.get(pk=entry.pk).category_code == "BNK"


def test_a_category_belongs_to_the_company_of_the_address_and_its_code_is_unique_there(signed_in):
    client = signed_in()
    data = {"code": "bank", "description": "", "slots": "1"}
    client.post(address("jobqueue/category/add/"), data)
    assert Category.objects.get().company == builders.default_company()
    response = client.post(address("jobqueue/category/add/"), data)
    assert "already" in str(response.context["adminform"].form.errors)


def test_exactly_one_company_stays_the_default(signed_in):
    first = builders.default_company()
    other = builders.make_company("other")
    client = signed_in(user=builders.make_superuser())
    members = {"companymember_set-TOTAL_FORMS": "0", "companymember_set-INITIAL_FORMS": "0"}
    data = {"name": "Other", "time_zone": "UTC", **members}
    client.post(address(f"jobqueue/company/{other.pk}/change/"), {**data, "is_default": "on"})
    assert list(Company.objects.filter(is_default=True)) == [other]
    response = client.post(address(f"jobqueue/company/{other.pk}/change/"), data)
    assert "Mark another one instead" in str(response.context["adminform"].form.errors)
    assert Company.objects.get(is_default=True) == other
    assert not Company.objects.get(pk=first.pk).is_default


# --- scheduled tasks
def test_cancelling_a_task_puts_its_entry_on_hold_and_is_for_administrators(signed_in):
    entry = builders.make_entry(status=Status.READY)
    task = create_task(
        "jobqueue.dispatch", company=entry.company, record=entry.id, not_before=NOW.replace(year=2099)
    )
    Entry.objects.update(system_task_id=task)
    page = address(f"jobqueue/scheduledtask/{task}/cancel-task/")
    assert "needs the group" in said(signed_in("Scheduler").post(page))
    assert "is On Hold" in said(signed_in().post(page))
    assert not task_exists(task)
    assert Entry.objects.get().status == Status.ON_HOLD


def test_set_task_ready_wakes_a_waiting_entry(signed_in):
    entry = builders.make_entry(status=Status.WAITING)
    task = create_task("jobqueue.dispatch", company=entry.company, record=entry.id, is_ready=False)
    Entry.objects.update(system_task_id=task)
    signed_in().post(address(f"jobqueue/scheduledtask/{task}/set-task-ready/"))
    assert ScheduledTask.objects.get().is_ready
    assert Entry.objects.get().status == Status.READY
    change = EntryChange.objects.get(action="set-task-ready")
    assert change.changes == {"Status": ["Waiting", "Ready"]}


# --- words
def test_times_in_words():
    for seconds, expected in ((0.4, "now"), (90, "in 2 min"), (3 * 3600 - 20, "in 3 h"), (-40, "40 s ago")):
        assert relative(NOW + timedelta(seconds=seconds), now=NOW) == expected
    assert absolute(NOW + timedelta(hours=2), now=NOW) == "11:00"
    assert absolute(NOW + timedelta(days=2), now=NOW) == "Wed 09:00"
    assert absolute(NOW + timedelta(days=20), now=NOW) == "22 Mar 09:00"
    assert duration(400) == "0.4 s"
    assert duration(7_500_000) == "2 h 5 min"


def test_in_process_counts_and_shows_extra_runs_too(signed_in):
    """The tile, the tab and the list agree, and a run beside the status is said on its line."""
    builders.make_entry(status=Status.IN_PROCESS, description="Scheduled run")
    extra = builders.make_entry(status=Status.READY, description="Extra run")
    builders.make_log_entry(extra, status=LogStatus.IN_PROCESS)
    builders.make_log_entry(builders.make_entry(status=Status.READY, description="Resting"))
    client = signed_in("Viewer")
    tiles = client.get(address("")).context["tiles"]
    [tile] = [tile for tile in tiles if tile.name == "In Process"]
    assert tile.count == 2
    page = client.get(tile.address)
    [tab] = [tab for tab in page.context["tabs"] if tab["name"] == "in-process"]
    assert tab["count"] == 2
    content = page.content.decode()
    assert "Scheduled run" in content
    assert "Extra run" in content
    assert "Resting" not in content
    assert content.count("a run is in process") == 1


def test_a_category_and_a_credential_are_deleted_on_their_pages(signed_in, company):
    """Django's page of deletion, with nothing left over in its own log."""
    category = builders.make_category("OLD")
    credential = Credential.objects.create(company=company, name="Bank")
    client = signed_in()
    for page, model in (
        (f"jobqueue/category/{category.pk}/delete/", Category),
        (f"jobqueue/credential/{credential.pk}/delete/", Credential),
    ):
        answer = client.post(address(page), {"post": "yes"})
        assert answer.status_code == 302
        assert not model.objects.exists()


def test_a_category_somebody_needs_is_not_deleted_and_says_why(signed_in):
    category = builders.make_category("BANK")

    def refuse(**_):
        raise Refused("The category “BANK” is used by a package. Give it another one first.")

    with connected(before_delete_category, refuse):
        answer = signed_in().post(address(f"jobqueue/category/{category.pk}/delete/"), {"post": "yes"})
    assert answer.status_code == 302
    assert "is used by a package" in said(answer)
    assert Category.objects.filter(pk=category.pk).exists()
