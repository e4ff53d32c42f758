"""The package card: making, changing, locks, refusals on their fields, and that nothing typed is lost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue.scheduler import database_now
from packages import lifecycle
from packages.models import Package, Recurrence
from packages.states import OnError, PackageStatus
from tests import builders
from tests.admin.conftest import address, said
from tests.packages.admin.forms import card_form, recurrence
from tests.packages.building import (
    active,
    add_line,
    boss_of,
    last_run,
    make_package,
    nightly,
    reloaded,
    run,
)

pytestmark = pytest.mark.django_db

ADD = "packages/package/add/"


def card(package) -> str:
    return address(f"packages/package/{package.pk}/change/")


def form_of(response):
    return response.context["adminform"].form


def test_a_new_package_is_on_hold_in_the_zone_of_its_company_and_set_job_queues_comes_next(signed_in):
    client = signed_in("Scheduler")
    page = client.get(address(ADD)).content.decode()
    assert "Set Job Queues" in page
    response = client.post(address(ADD), card_form(name="Nightly", _then="set-job-queues"))
    package = Package.objects.get()
    assert response["Location"] == address(f"packages/package/{package.pk}/set-job-queues/")
    assert (package.status, package.on_error, package.created_by) == (
        PackageStatus.ON_HOLD,
        OnError.STOP,
        client.user,
    )


def test_a_name_is_required_and_unique_ignoring_case(signed_in):
    client = signed_in("Scheduler")
    make_package("Nightly")
    assert "name" in form_of(client.post(address(ADD), card_form(name=" "))).errors
    refused = client.post(address(ADD), card_form(name="NIGHTLY"))
    assert "There is a package “NIGHTLY” already." in form_of(refused).errors["name"][0]
    assert Package.objects.count() == 1


def test_fields_recurrences_and_run_orders_are_saved_together(signed_in):
    package = make_package()
    lines = [add_line(package, name) for name in ("Import", "Post")]
    package = reloaded(package)
    values = card_form(
        package,
        name="Nightly run",
        on_error="continue",
        **recurrence(0, days=(1, 5), at="22:00"),
        **{
            "recurrence-TOTAL_FORMS": 1,
            "line-0-run_order": 30,
            "line-1-run_order": 20,
            "line-1-enabled": None,
        },
    )
    response = signed_in("Scheduler").post(card(package), values)
    assert response.status_code == 302, form_of(response).errors
    package = reloaded(package)
    assert (package.name, package.on_error) == ("Nightly run", OnError.CONTINUE)
    assert sorted(Recurrence.objects.get().weekdays) == [1, 5]
    for line in lines:
        line.refresh_from_db()
    assert [(line.run_order, line.enabled) for line in lines] == [(30, True), (20, False)]


def test_what_is_wrong_with_a_recurrence_stands_on_its_field_and_nothing_is_saved(signed_in):
    package = make_package()
    values = card_form(
        package,
        name="Renamed",
        **recurrence(0, days=(1,), at="22:00", ending_time="23:00"),
        **recurrence(1, at="06:00"),
        **{"recurrence-TOTAL_FORMS": 2},
    )
    response = signed_in("Scheduler").post(card(package), values)
    assert response.status_code == 200
    first, second = form_of(response).recurrences.forms
    assert "Ending Time is only for a grid" in first.errors["ending_time"][0]
    assert "neither a weekday nor a date formula" in second.errors["run_on_mondays"][0]
    assert "Recurrence 1: Ending Time" in response.content.decode()
    assert 'value="Renamed"' in response.content.decode()
    assert reloaded(package).name == "Nightly"
    assert not Recurrence.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"recurrence-0-starting_time": "25:00"},
        {"recurrence-0-minutes_between_runs": "-5"},
        {"recurrence-0-minutes_between_runs": "9" * 30},
        {"recurrence-0-valid_from": "31/12/2026"},
        {"recurrence-0-next_run_date_formula": "x" * 300},
        {"recurrence-0-next_run_date_formula": "<b>"},
        {"recurrence-TOTAL_FORMS": "abc"},
        {"recurrence-TOTAL_FORMS": "999999999"},
        {"recurrence-0-id": "abc"},
        {"late_tolerance_minutes": "-1"},
        {"max_duration_minutes": "1e9"},
        {"time_zone": "Mars/Olympus"},
        {"on_error": "explode"},
        {"missed_run": "\x00"},
        {"run_as_user": "999999"},
        {"name": "x" * 101},
        {"name": "nul\x00"},
        {"expected_revision": "abc"},
    ],
)
def test_what_people_mistype_is_a_sentence_and_no_fault(signed_in, values):
    package = make_package()
    sent = card_form(package, **recurrence(0, days=(1,)), **{"recurrence-TOTAL_FORMS": 1}) | values
    response = signed_in("Administrator").post(card(package), sent)
    assert response.status_code == 200
    assert not Recurrence.objects.exists()
    preview = signed_in("Scheduler").get(address("packages/package/preview/"), sent)
    assert preview.status_code == 200


def test_a_removed_recurrence_is_deleted_and_a_blank_one_left_alone(signed_in):
    package = nightly()
    values = card_form(package, **{"recurrence-0-DELETE": "on"}) | recurrence(1)
    assert (
        signed_in("Scheduler").post(card(package), values | {"recurrence-TOTAL_FORMS": "2"}).status_code
        == 302
    )
    assert not Recurrence.objects.exists()


def test_a_recurrence_of_another_package_is_not_touched(signed_in):
    mine, other = make_package("Mine"), nightly(name="Other")
    theirs = other.recurrences.get()
    values = card_form(mine, **recurrence(0, id=theirs.pk, days=(2,)), **{"recurrence-TOTAL_FORMS": 1})
    signed_in("Scheduler").post(card(mine), values)
    assert len(other.recurrences.get().weekdays) == 7


def test_a_form_somebody_else_changed_since_is_refused_and_nothing_typed_is_lost(signed_in):
    package = nightly()
    stale = card_form(package, name="Mine", description="Typed for a long time")
    Package.objects.filter(pk=package.pk).update(description="Theirs", revision=package.revision + 1)
    response = signed_in("Scheduler").post(card(package), stale)
    page = response.content.decode()
    assert response.status_code == 200
    assert "was changed since you opened it" in page
    assert "Typed for a long time" in page
    assert (reloaded(package).name, reloaded(package).description) == ("Nightly", "Theirs")


def test_a_form_of_a_package_set_active_since_is_refused_and_nothing_typed_is_lost(signed_in):
    package = nightly()
    stale = card_form(package, description="Typed for a long time")
    active(package)
    page = signed_in("Scheduler").post(card(package), stale).content.decode()
    assert "Typed for a long time" in page
    assert "Set Job Queue Package On Hold" in page
    assert reloaded(package).description == ""


def test_an_active_package_is_shown_without_inputs_and_names_the_way_out(signed_in):
    package = active(nightly(), now=database_now())
    response = signed_in("Scheduler").get(card(package))
    page = response.content.decode()
    assert not response.context["is_open"]
    assert 'name="name"' not in page
    assert "To edit it, choose <b>Set Job Queue Package On Hold</b>" in page
    assert "is <b>Active</b>. Next run: " in page
    assert " 22:00 (Europe/Amsterdam)" in page


def test_the_header_says_state_reason_and_what_happens_next(signed_in):
    client = signed_in("Viewer")
    package = make_package()
    assert "It runs when it is set active." in client.get(card(package)).content.decode()
    active(nightly(name="Second"))
    failing = active(nightly(name="Third", failing=(20,)))
    run()
    page = client.get(card(failing)).content.decode()
    assert "is in <b>Error</b>: 1 line failed in" in page
    assert "On Error says Stop" in page


def test_everything_that_prevents_activation_is_listed_before_one_presses(signed_in):
    package = make_package()
    add_line(package, "Import", 10)
    add_line(package, "Post", 10)
    page = signed_in("Operator").get(card(package)).content.decode()
    assert "Before it can be set active:" in page
    assert "the run order 10 is given twice" in page
    assert "Nothing would ever run." in page
    assert "Before it can be set active:" not in signed_in("Viewer").get(card(package)).content.decode()


def test_an_action_of_the_bar_saves_first(signed_in):
    package = make_package()
    add_line(package, "Import")
    package = reloaded(package)
    values = card_form(package, **recurrence(0, days=(1, 2, 3, 4, 5), at="22:00"), _then="set-active") | {
        "recurrence-TOTAL_FORMS": "1"
    }
    response = signed_in("Administrator").post(card(package), values)
    assert "is Active. Next run:" in said(response)
    assert reloaded(package).is_active
    assert Recurrence.objects.count() == 1


def test_an_action_of_the_bar_needs_its_right_too(signed_in):
    package = nightly()
    user = builders.make_user(
        permissions=[
            *(f"packages.{verb}_package" for verb in ("view", "add", "change", "delete")),
            "jobqueue.view_entry",
        ]
    )
    response = signed_in(user=user).post(card(package), card_form(package, _then="set-active"))
    assert "needs the group “Operator”" in said(response)
    assert not reloaded(package).is_active


@pytest.mark.parametrize("group", ["Viewer", "Operator"])
def test_only_maintainers_change_anything(signed_in, group):
    package = nightly()
    assert signed_in(group).post(card(package), card_form(package, name="X")).status_code == 403
    assert reloaded(package).name == "Nightly"


def test_naming_somebody_else_as_run_as_user_needs_set_up(signed_in):
    package = nightly()
    other = builders.make_user(groups=["Operator"])
    response = signed_in("Scheduler").post(card(package), card_form(package, run_as_user=other.pk))
    assert "run_as_user" in form_of(response).errors
    assert (
        signed_in("Administrator").post(card(package), card_form(package, run_as_user=other.pk)).status_code
        == 302
    )
    assert reloaded(package).run_as_user == other


def test_a_grid_of_several_days_stays_when_the_card_is_saved(signed_in):
    package = nightly()
    row = package.recurrences.get()
    lifecycle.change_recurrence(row, {"minutes_between_runs": 2 * 1440}, actor=boss_of(package))
    package = reloaded(package)
    saved = signed_in("Scheduler").post(
        card(package),
        card_form(package, description="Every other day", **{"recurrence-0-minutes_between_runs": 2880}),
    )
    assert saved.status_code == 302
    assert (reloaded(package).description, package.recurrences.get().minutes_between_runs) == (
        "Every other day",
        2880,
    )


def test_the_choice_of_users_costs_the_same_however_many_there_are(signed_in):
    package, client = nightly(), signed_in("Administrator")
    client.get(card(package))
    asked = []
    for more in (1, 30):
        people = [builders.make_user() for _ in range(more)]
        with CaptureQueriesContext(connection) as queries:
            page = client.get(card(package)).content.decode()
        asked.append(len(queries))
        assert all(f">{user.username}</option>" in page for user in people)
    assert asked[0] == asked[1]


def test_the_preview_shows_the_next_twenty_due_times_of_what_was_typed(signed_in):
    client = signed_in("Scheduler")
    typed = {
        **recurrence(0, days=(1, 2, 3, 4, 5), at="22:00"),
        "recurrence-TOTAL_FORMS": 1,
        "recurrence-INITIAL_FORMS": 0,
    }
    page = client.get(address("packages/package/preview/"), {**typed, "time_zone": "Europe/Amsterdam"})
    text = page.content.decode()
    assert text.count("<li>") == 20
    assert "22:00" in text
    assert "Times in Europe/Amsterdam" in text
    assert signed_in("Viewer").get(address("packages/package/preview/"), typed).status_code == 403


def test_the_live_head_and_side_answer_304_while_nothing_happened(signed_in):
    client = signed_in("Operator")
    package = nightly()
    for part in ("head", "side"):
        page = address(f"packages/package/{package.pk}/live/?part={part}")
        first = client.get(page, headers={"X-Region": "1"})
        assert first.status_code == 200
        again = client.get(page, headers={"X-Region": "1", "If-None-Match": first["ETag"]})
        assert again.status_code == 304, part
    active(package)
    assert client.get(page, headers={"X-Region": "1", "If-None-Match": first["ETag"]}).status_code == 200


def test_the_bar_of_a_card_left_open_stops_saving_first_once_the_package_is_active(signed_in):
    package = nightly()
    client = signed_in("Administrator")
    live = address(f"packages/package/{package.pk}/live/?part=head&open=1")
    assert 'value="set-job-queues"' in client.get(live, headers={"X-Region": "1"}).content.decode()
    active(package)
    page = client.get(live, headers={"X-Region": "1"}).content.decode()
    assert 'value="set-job-queues"' not in page
    assert "nothing of it can be changed" in page


def test_the_card_explains_why_it_does_not_run(signed_in):
    page = signed_in("Viewer").get(card(nightly())).content.decode()
    assert "Why is it not running?" in page
    assert "The schedule is on" in page


def test_a_package_in_error_names_the_run_and_the_rule_that_stopped_it(signed_in):
    package = nightly(on_error="continue", failing=(20,), line_values={20: {"on_error": "finish"}})
    active(package)
    run()
    stopped = last_run(package)
    client = signed_in("Viewer")
    words = "On Error says Finish Run, then Stop."
    assert words in client.get(card(package)).content.decode()
    lifecycle.run_now(package, actor=boss_of(package), only_line=10)
    run(database_now())
    assert last_run(package).outcome == "success"
    page = client.get(card(package)).content.decode()
    assert words in page
    assert f">run {stopped.pk}</a>" in page
    assert "On Error is Finish Run, then Stop" in client.get(address("")).content.decode()


def test_a_due_time_that_waits_for_a_worker_says_so(signed_in):
    package = active(nightly())
    Package.objects.filter(pk=package.pk).update(next_run_at=database_now() - timedelta(minutes=1))
    page = signed_in("Viewer").get(card(package)).content.decode()
    assert "is due and has not started: no worker is running." in page
