"""The card: creating and changing entries, typed parameters, locks, refusals on their fields."""

import pytest

from jobqueue.models import Entry, EntryChange
from jobqueue.states import Anchor, HoldKind, ObjectType, Status
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db

ADD = "jobqueue/entry/add/"
TYPED = 90020


def filled_in(**values) -> dict[str, str]:
    """What the browser sends for a form left as it is, with some fields filled in."""
    data = {
        "object_type": "5",
        "object_id": str(builders.SUCCESS_OBJECT),
        "description": "",
        "category_code": "",
        "parameter_string": "",
        "record_to_process": "",
        "minutes_between_runs": "0",
        "next_run_date_formula": "",
        "time_zone": "UTC",
        "recurrence_anchor": "fixed",
        "missed_runs": "run_once_late",
        "inactivity_timeout_minutes": "5",
        "max_attempts": "0",
        "rerun_delay_seconds": "0",
        "timeout_seconds": "43200",
        "priority": "0",
        "priority_within_category": "2000",
    }
    return data | {name: str(value) for name, value in values.items()}


def card(entry) -> str:
    return address(f"jobqueue/entry/{entry.pk}/change/")


def errors_of(response) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_a_new_entry_is_on_hold_with_fixed_times_in_the_zone_of_its_company(signed_in):
    builders.default_company()
    client = signed_in("Scheduler")
    initial = client.get(address(ADD)).context["adminform"].form.initial
    assert initial["recurrence_anchor"] == "fixed"
    response = client.post(
        address(ADD), filled_in(run_on_mondays="on", minutes_between_runs=60, starting_time="08:00")
    )
    assert response.status_code == 302, errors_of(response)
    entry = Entry.objects.get()
    assert response["Location"] == card(entry)
    assert "was created and is On Hold" in said(response)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.DRAFT)
    assert entry.recurrence_anchor == Anchor.FIXED
    assert (entry.recurring, entry.weekdays, entry.minutes_between_runs) == (True, {1}, 60)
    assert entry.user == entry.created_by == client.user
    assert entry.description == "Succeed"
    assert EntryChange.objects.get().origin == "admin"


def test_the_picker_shows_objects_by_type_with_number_and_caption(signed_in):
    page = signed_in().get(address(ADD)).content.decode()
    assert '<optgroup label="Codeunits">' in page
    assert '<optgroup label="Reports">' in page
    assert "90001  Succeed" in page


def test_the_form_has_a_field_for_each_typed_parameter_of_the_chosen_object(signed_in):
    response = signed_in().get(address(f"{ADD}?object_type=5&object_id={TYPED}"))
    form = response.context["adminform"].form
    assert {"parameter_customer", "parameter_lines", "parameter_amount", "parameter_urgent"} <= set(
        form.fields
    )
    assert form.fields["parameter_customer"].required
    assert form.fields["parameter_lines"].initial == 1
    assert "Code of the customer." in response.content.decode()


def test_typed_parameters_are_stored_as_the_object_reads_them(signed_in):
    data = filled_in(
        object_id=TYPED,
        parameter_customer="10000",
        parameter_lines=2,
        parameter_amount="12.50",
        parameter_urgent="on",
    )
    response = signed_in().post(address(ADD), data)
    assert response.status_code == 302, errors_of(response)
    assert Entry.objects.get().parameters == {
        "customer": "10000",
        "lines": 2,
        "amount": "12.50",
        "urgent": True,
    }


def test_a_missing_parameter_is_refused_on_its_field(signed_in):
    response = signed_in().post(address(ADD), filled_in(object_id=TYPED, parameter_lines=2))
    assert response.status_code == 200
    assert "parameter_customer" in errors_of(response)
    assert not Entry.objects.exists()


def test_all_problems_of_a_schedule_are_shown_and_nothing_is_stored(signed_in):
    data = filled_in(starting_time="08:00", next_run_date_formula="WD9", time_zone="UTC")
    response = signed_in().post(address(ADD), data)
    assert response.status_code == 200
    assert "next_run_date_formula" in errors_of(response)
    assert not Entry.objects.exists()


def test_an_unknown_object_is_refused_on_its_field(signed_in):
    response = signed_in().post(address(ADD), filled_in(object_id=77777))
    assert response.status_code == 200
    assert "object_id" in errors_of(response)


def test_an_expiration_before_the_start_is_refused(signed_in):
    data = filled_in(earliest_start_at="2099-01-02T08:00", expires_at="2099-01-01T08:00")
    response = signed_in().post(address(ADD), data)
    assert errors_of(response)
    assert not Entry.objects.exists()


def test_moments_are_read_in_the_zone_of_the_viewer(signed_in):
    client = signed_in()
    client.cookies["jobwarden_zone"] = "Europe%2FBrussels"
    client.post(address(ADD), filled_in(earliest_start_at="2099-07-01T08:00"))
    assert Entry.objects.get().earliest_start_at.isoformat() == "2099-07-01T06:00:00+00:00"


def test_a_change_is_saved_with_old_and_new_value_in_the_history(signed_in):
    client = signed_in()
    entry = builders.make_entry(description="Old name", user=client.user)
    response = client.post(card(entry), filled_in(description="New name", expected_revision=entry.revision))
    assert response.status_code == 302, errors_of(response)
    assert Entry.objects.get().description == "New name"
    assert EntryChange.objects.get().changes["Description"] == ["Old name", "New name"]


def test_an_edit_of_a_row_somebody_changed_meanwhile_is_refused(signed_in):
    client = signed_in()
    entry = builders.make_entry(description="Mine", user=client.user)
    Entry.objects.update(description="Theirs", revision=entry.revision + 1)
    response = client.post(card(entry), filled_in(description="Mine too", expected_revision=entry.revision))
    assert response.status_code == 200
    assert response.context["adminform"].form.non_field_errors()
    assert Entry.objects.get().description == "Theirs"


def test_fields_are_locked_unless_the_entry_is_on_hold(signed_in):
    client = signed_in()
    entry = builders.make_entry(status=Status.READY, description="Old name")
    page = client.get(card(entry)).content.decode()
    assert "The fields change only while the entry is On Hold" in page
    assert 'name="description"' not in page
    response = client.post(card(entry), filled_in(description="New name", expected_revision=entry.revision))
    assert response.status_code == 302
    assert "is Ready and was not saved" in said(response)
    assert Entry.objects.get().description == "Old name"


def test_operators_see_the_card_and_cannot_change_it(signed_in):
    entry = builders.make_entry(description="Old name")
    client = signed_in("Operator")
    assert 'name="description"' not in client.get(card(entry)).content.decode()
    assert client.post(card(entry), filled_in(description="New name")).status_code == 403
    assert Entry.objects.get().description == "Old name"


def test_a_viewer_sees_the_verbs_disabled_with_the_reason(signed_in):
    page = signed_in("Viewer").get(card(builders.make_entry())).content.decode()
    assert (
        'aria-disabled="true" title="Set Status to Ready needs the group “Operator”; ask an administrator."'
        in page
    )
    assert '<form method="post" action="/c/main/admin/jobqueue/entry/' not in page


def test_explain_lists_the_gates_with_the_button_that_opens_the_first_closed_one(signed_in):
    entry = builders.make_entry(hold_kind=HoldKind.MANUAL, hold_reason="Year end")
    page = signed_in().get(card(entry)).content.decode()
    assert "Why is it not" in page
    assert "Not held" in page
    assert "Year end" in page
    assert "conditions met" in page


def test_the_card_shows_the_next_twenty_runs(signed_in):
    entry = builders.make_recurring_entry(starting_time="08:00", recurrence_anchor=Anchor.FIXED)
    page = signed_in().get(card(entry))
    assert len(page.context["coming"]) == 20


def test_the_preview_follows_the_form_before_it_is_saved(signed_in):
    preview = address("jobqueue/entry/preview/")
    client = signed_in("Scheduler")
    page = client.get(
        preview, filled_in(run_on_fridays="on", starting_time="06:30", minutes_between_runs=1440)
    )
    text = page.content.decode()
    assert text.count("<li") == 20
    assert "06:30" in text
    assert "Fri" in text
    broken = client.get(preview, filled_in(next_run_date_formula="XYZ")).content.decode()
    assert "jw-line--error" in broken
    assert signed_in("Operator").get(preview).status_code == 403


def test_a_report_shows_its_output_type(signed_in):
    response = signed_in().get(address(f"{ADD}?object_type={int(ObjectType.REPORT)}&object_id=90101"))
    form = response.context["adminform"].form
    assert dict(form.fields["report_output_type"].choices).keys() <= {0, 4, 5}
    assert 'name="report_output_type"' in response.content.decode()


def test_an_entry_whose_object_is_gone_still_opens(signed_in):
    entry = builders.make_entry(object_id=77777)
    page = signed_in().get(card(entry))
    assert page.status_code == 200
    assert "not registered" in page.content.decode()


def test_show_error_leads_to_the_failed_run_or_says_there_is_none(signed_in):
    client = signed_in("Viewer")
    entry = builders.make_entry(status=Status.ERROR, error_message="It broke.")
    log = builders.make_log_entry(entry, status=2, error_message="It broke.")
    page = address(f"jobqueue/entry/{entry.pk}/show-error/")
    assert client.get(page)["Location"] == address(f"jobqueue/logentry/{log.pk}/change/")
    fine = builders.make_entry()
    assert "has no error" in said(client.get(address(f"jobqueue/entry/{fine.pk}/show-error/")))


def test_show_record_opens_the_page_of_the_record_or_says_why_not(signed_in):
    client = signed_in()
    category = builders.make_category("BANK")
    entry = builders.make_entry(record_to_process=f"jobqueue.category:{category.pk}")
    page = address(f"jobqueue/entry/{entry.pk}/show-record/")
    assert client.get(page)["Location"] == address(f"jobqueue/category/{category.pk}/change/")
    Entry.objects.update(record_to_process="jobqueue.category:999999")
    assert "does not exist any more" in said(client.get(page))
    Entry.objects.update(record_to_process="")
    assert "no record to process" in said(client.get(page))


def test_the_live_part_answers_304_while_nothing_happened(signed_in):
    client = signed_in("Viewer")
    entry = builders.make_entry(status=Status.ERROR, error_message="It broke.")
    for part in ("head", "side"):
        page = address(f"jobqueue/entry/{entry.pk}/live/?part={part}")
        first = client.get(page, headers={"X-Region": "1"})
        assert first.status_code == 200
        again = client.get(page, headers={"X-Region": "1", "If-None-Match": first["ETag"]})
        assert again.status_code == 304
    Entry.objects.update(status=Status.ON_HOLD, error_message="")
    assert client.get(page, headers={"X-Region": "1", "If-None-Match": first["ETag"]}).status_code == 200


def test_the_verdict_about_a_held_entry_says_on_hold_once(signed_in):
    entry = builders.make_entry(status=Status.ON_HOLD, hold_kind=HoldKind.MANUAL, hold_reason="Year end.")
    response = signed_in("Viewer").get(card(entry))
    assert str(response.context["verdict"]).count("On Hold") == 1
    assert "“Year end”." in response.content.decode()


def test_a_moment_left_alone_keeps_its_fractions_of_a_second_and_stays_out_of_the_history(signed_in):
    start = builders.NOW.replace(year=2040, second=7, microsecond=123_456)
    entry = builders.make_entry(earliest_start_at=start)
    values = filled_in(
        description="Renamed",
        earliest_start_at=f"{start:%Y-%m-%dT%H:%M:%S}",
        expected_revision=entry.revision,
    )
    assert signed_in("Scheduler").post(card(entry), values).status_code == 302
    entry.refresh_from_db()
    assert (entry.description, entry.earliest_start_at) == ("Renamed", start)
    assert "Earliest start" not in EntryChange.objects.get().changes
