"""Buttons of an entry: POST only, asked where it matters, refused in a sentence, written to the history."""

import pytest

from jobqueue.models import Entry, EntryChange, ScheduledTask
from jobqueue.states import HoldKind, LogStatus, Status
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db


def verb(entry, name: str) -> str:
    return address(f"jobqueue/entry/{entry.pk}/{name}/")


def fresh(entry) -> Entry:
    return Entry.objects.get(pk=entry.pk)


def bulk(client, action: str, *entries, **values):
    data = {
        "action": action,
        "_selected_action": [entry.pk for entry in entries],
        "select_across": "0",
        **values,
    }
    return client.post(address("jobqueue/entry/"), data)


def test_a_look_at_a_verb_asks_and_changes_nothing(signed_in):
    entry = builders.make_entry(description="Bank import")
    for name in ("set-ready", "set-on-hold", "restart", "run-now", "copy", "delete-entry", "run-once"):
        response = signed_in().get(verb(entry, name))
        assert response.status_code == 200, name
        assert "Bank import" in response.content.decode(), name
    assert fresh(entry).status == Status.ON_HOLD
    assert Entry.objects.count() == 1


def test_set_status_to_ready_schedules_the_entry_as_the_person_who_did_it(signed_in):
    entry = builders.make_entry()
    client = signed_in("Operator")
    response = client.post(verb(entry, "set-ready"))
    assert response.status_code == 302
    assert f"is Ready and runs as {client.user.username}" in said(response)
    stored = fresh(entry)
    assert stored.status == Status.READY
    assert stored.user == client.user
    assert stored.system_task_id is not None
    change = EntryChange.objects.get(entry_id=entry.id)
    assert (change.action, change.user, change.origin) == ("set-ready", client.user, "admin")


def test_a_hold_keeps_who_why_and_until(signed_in):
    entry = builders.make_entry(status=Status.READY)
    client = signed_in("Operator")
    client.cookies["jobwarden_zone"] = "UTC"
    response = client.post(verb(entry, "set-on-hold"), {"reason": "Bank closed", "until": "2099-01-04T08:00"})
    assert "is On Hold" in said(response)
    stored = fresh(entry)
    assert (stored.hold_kind, stored.hold_reason, stored.held_by) == (
        HoldKind.MANUAL,
        "Bank closed",
        client.user,
    )
    assert stored.held_until.isoformat() == "2099-01-04T08:00:00+00:00"


def test_a_hold_that_ends_in_the_past_is_refused_on_its_field(signed_in):
    entry = builders.make_entry(status=Status.READY)
    response = signed_in("Operator").post(verb(entry, "set-on-hold"), {"until": "2001-01-01T08:00"})
    assert response.status_code == 422
    assert "which has passed" in response.content.decode()
    assert fresh(entry).status == Status.READY


@pytest.mark.parametrize(
    "name", ["set-ready", "set-on-hold", "restart", "run-now", "run-once", "copy", "delete-entry"]
)
def test_a_viewer_is_refused_in_a_sentence_and_nothing_changes(signed_in, name):
    entry = builders.make_entry(status=Status.READY)
    response = signed_in("Viewer").post(verb(entry, name))
    assert response.status_code == 302
    assert "ask an administrator" in said(response)
    assert fresh(entry).revision == entry.revision
    assert Entry.objects.count() == 1


def test_only_schedulers_copy_and_delete(signed_in):
    entry = builders.make_entry()
    for name in ("copy", "delete-entry"):
        assert "needs the group “Scheduler”" in said(signed_in("Operator").post(verb(entry, name)))
    response = signed_in("Scheduler").post(verb(entry, "copy"))
    copy = Entry.objects.exclude(pk=entry.pk).get()
    assert response["Location"] == address(f"jobqueue/entry/{copy.pk}/change/")
    response = signed_in("Scheduler").post(verb(entry, "delete-entry"), {"reason": "No longer used"})
    assert response["Location"] == address("jobqueue/entry/")
    assert not Entry.objects.filter(pk=entry.pk).exists()


def test_system_entries_belong_to_administrators(signed_in):
    entry = builders.make_entry(is_system=True, status=Status.READY)
    assert "needs the group “Administrator”" in said(signed_in("Scheduler").post(verb(entry, "set-on-hold")))
    assert "is On Hold" in said(signed_in("Administrator").post(verb(entry, "set-on-hold")))


@pytest.mark.parametrize("name", ["set-ready", "restart", "delete-entry", "run-now"])
def test_what_a_running_entry_does_not_allow_is_said(signed_in, name):
    entry = builders.make_entry(status=Status.IN_PROCESS)
    response = signed_in().post(verb(entry, name))
    assert "In Process" in said(response)
    assert fresh(entry).status == Status.IN_PROCESS


def test_run_now_pressed_twice_is_answered_quietly(signed_in):
    entry = builders.make_entry()
    client = signed_in()
    assert "starts now" in said(client.post(verb(entry, "run-now")))
    assert "was already asked for by" in said(client.post(verb(entry, "run-now")))
    assert ScheduledTask.objects.filter(record=entry.id).count() == 1


def test_cancel_run_is_for_running_entries_only(signed_in):
    entry = builders.make_entry(status=Status.READY)
    assert "Nothing is running." in said(signed_in().post(verb(entry, "cancel-run")))


def test_bulk_acts_on_each_row_and_names_those_refused(signed_in):
    held = [builders.make_entry(description=f"Held {number}") for number in (1, 2, 3)]
    running = [
        builders.make_entry(status=Status.IN_PROCESS, description=f"Running {number}") for number in (1, 2)
    ]
    response = bulk(signed_in("Operator"), "set-ready", *held, *running)
    text = said(response)
    assert "3 set to Ready." in text
    assert "2 refused" in text
    assert "Running 1" in text
    assert [fresh(entry).status for entry in held] == [Status.READY] * 3


def test_bulk_hold_asks_first_in_a_full_sentence(signed_in):
    entries = [builders.make_entry(status=Status.READY) for _ in range(2)]
    client = signed_in("Operator")
    asked = bulk(client, "set-on-hold", *entries)
    assert asked.status_code == 200
    assert "Put 2 job queue entries On Hold?" in asked.content.decode()
    assert [fresh(entry).status for entry in entries] == [Status.READY] * 2
    done = bulk(client, "set-on-hold", *entries, _confirmed="1", reason="Year end")
    assert "2 put On Hold." in said(done)
    assert {fresh(entry).hold_reason for entry in entries} == {"Year end"}


def test_bulk_actions_are_not_offered_to_viewers(signed_in):
    entry = builders.make_entry()
    response = bulk(signed_in("Viewer"), "set-ready", entry)
    assert fresh(entry).status == Status.ON_HOLD
    assert response.status_code in (200, 302)


def test_bulk_does_not_reach_another_company(signed_in):
    theirs = builders.make_entry(company=builders.make_company("other"))
    bulk(signed_in(), "set-ready", theirs)
    assert fresh(theirs).status == Status.ON_HOLD


def test_priority_needs_a_category(signed_in):
    builders.make_category("BANK")
    without, within = builders.make_entry(), builders.make_entry(category_code="BANK")
    text = said(bulk(signed_in("Scheduler"), "set-priority-high", without, within))
    assert "1 given priority High." in text
    assert "Only entries with a category" in text
    assert fresh(within).priority_within_category == 1000


def test_remove_failed_entries_asks_first_and_needs_a_scheduler(signed_in):
    page = address("jobqueue/entry/remove-failed/")
    assert signed_in("Operator").post(page).status_code == 403
    assert "30 seconds" in signed_in("Scheduler").get(page).content.decode()
    assert "removed" in said(signed_in("Scheduler").post(page))


def test_actions_return_to_where_they_were_pressed_but_never_to_another_host(signed_in):
    entry = builders.make_entry()
    client = signed_in()
    here = address("jobqueue/entry/?tab=on-hold")
    assert client.post(verb(entry, "set-ready"), {"next": here})["Location"] == here
    response = client.post(verb(entry, "set-on-hold"), {"next": "https://evil.example/"})
    assert response["Location"] == address(f"jobqueue/entry/{entry.pk}/change/")


def test_run_once_offers_the_typed_parameters_and_checks_them(signed_in):
    entry = builders.make_entry(object_id=90020, parameters={"customer": "10000"})
    client = signed_in()
    page = client.get(verb(entry, "run-once")).content.decode()
    assert 'name="parameter_customer"' in page
    assert 'value="10000"' in page
    refused = client.post(verb(entry, "run-once"), {"parameter_customer": "", "parameter_lines": "1"})
    assert refused.status_code == 422
    done = client.post(
        verb(entry, "run-once"),
        {"parameter_customer": "20000", "parameter_lines": "2", "parameter_amount": "1.50"},
    )
    assert "runs once in the background" in said(done)
    assert fresh(entry).parameters == {"customer": "10000"}


def test_an_extra_run_is_named_on_the_card_and_can_be_cancelled(signed_in):
    entry = builders.make_recurring_entry(status=Status.READY)
    task = ScheduledTask.objects.create(
        main_routine="jobqueue.dispatch",
        company=entry.company,
        not_before=builders.NOW,
        rank=builders.NOW,
        timeout_seconds=60,
        record=entry.id,
        claim_number=1,
        state=ScheduledTask.State.RUNNING,
        started_at=builders.NOW,
    )
    builders.make_log_entry(
        entry, status=LogStatus.IN_PROCESS, started_at=builders.NOW, system_task_id=task.pk
    )
    client = signed_in("Operator")
    page = client.get(verb(entry, "change")).content.decode()
    assert "An extra run is" in page
    assert "Run Now is not possible while a run is in process." in page
    response = client.post(verb(entry, "cancel-run"), {"reason": "wrong month"})
    assert "was asked to stop" in said(response)
    task.refresh_from_db()
    assert task.cancel_requested_at is not None


def test_explain_speaks_in_the_zone_of_the_viewer_and_repeats_no_reason(signed_in):
    entry = builders.make_entry(
        status=Status.ERROR, error_message="Late since 2026-03-02 09:00:00 UTC or 2026-99-99 00:00:00 UTC."
    )
    client = signed_in("Viewer")
    client.cookies["jobwarden_zone"] = "Asia/Tokyo"
    response = client.get(verb(entry, "change"))
    assert "2 Mar 18:00" in str(response.context["verdict"])
    assert "2026-99-99 00:00:00 UTC" in str(response.context["verdict"])
    assert response.context["gates_shown"][0]["reason"] == ""
