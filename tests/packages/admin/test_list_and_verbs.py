"""The list of packages and its verbs: several at once, each judged by itself, every refusal a sentence."""

import pytest

from jobqueue.states import Status
from packages.models import Package, Run
from packages.states import PackageStatus, Result
from tests import builders
from tests.admin.conftest import address, said
from tests.packages.building import (
    FRIDAY_NOON,
    TOMORROW,
    active,
    add_daily,
    add_line,
    last_run,
    make_package,
    nightly,
    reloaded,
    run,
    step,
)

pytestmark = pytest.mark.django_db

LIST = "packages/package/"


def verb(package, name: str) -> str:
    return address(f"packages/package/{package.pk}/{name}/")


def bulk(client, action: str, *packages, **values):
    data = {"action": action, "_selected_action": [package.pk for package in packages], "_confirmed": "1"}
    return client.post(address(LIST), {**data, **values})


def test_the_list_shows_status_running_line_next_run_and_last_outcome(signed_in):
    active(nightly(name="Waiting"))
    going = active(nightly(name="Going"))
    step()
    failed = active(nightly(name="Failed", failing=(10,)))
    client = signed_in("Viewer")
    page = client.get(address(LIST)).content.decode()
    assert "Active – running" in page
    assert "of 4:" in page
    assert "20 Nov 21:00" in page  # the viewer's zone
    assert "(20 Nov 22:00 Europe/Amsterdam)" in page
    assert "never ran" in page
    run()
    page = client.get(address(LIST)).content.decode()
    assert "never ran" not in page
    assert reloaded(failed).status == PackageStatus.ERROR
    assert f"/packages/run/{last_run(going).pk}/change/" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tab=active", {"Active one"}),
        ("tab=on-hold", {"Held one"}),
        ("tab=running", set()),
        ("on_error=continue", {"Held one"}),
        ("last_outcome=-", {"Active one", "Held one"}),
        ("q=held", {"Held one"}),
        ("tab=%00", {"Active one", "Held one"}),
        ("on_error=zzz", {"Active one", "Held one"}),
    ],
)
def test_tabs_filters_and_search_narrow_it(signed_in, query, found):
    active(nightly(name="Active one"))
    nightly(name="Held one", on_error="continue")
    response = signed_in("Viewer").get(address(f"{LIST}?{query}"), follow=True)
    assert {package.name for package in response.context["cl"].result_list} == found


def test_set_active_on_several_judges_each_and_lists_the_refusals(signed_in):
    good, empty, already = nightly(name="Good"), make_package("Empty"), active(nightly(name="Already"))
    response = bulk(signed_in("Administrator"), "set-active", good, empty, already)
    text = said(response)
    assert "1 set active. 2 refused:" in text
    assert "Empty" in text
    assert "No line is enabled." in text
    assert "Nothing would ever run." in text
    assert "“Already” is already Active." in text
    assert reloaded(good).is_active
    assert not reloaded(empty).is_active


def test_set_on_hold_on_several_keeps_the_reason(signed_in):
    first, second = active(nightly(name="First")), active(nightly(name="Second"))
    held = nightly(name="Held")
    client = signed_in("Operator")
    asked = client.post(address(LIST), {"action": "set-on-hold", "_selected_action": [first.pk, second.pk]})
    assert "Set 2 job queue packages On Hold?" in asked.content.decode()
    assert reloaded(first).is_active
    text = said(bulk(client, "set-on-hold", first, second, held, reason="Year end"))
    assert "2 set On Hold. 1 refused:" in text
    assert "“Held” is already On Hold." in text
    assert {reloaded(row).hold_reason for row in (first, second)} == {"Year end"}


def test_a_look_at_a_verb_asks_and_changes_nothing(signed_in):
    package = nightly()
    client = signed_in("Administrator")
    for name in ("set-active", "run-now", "copy", "delete-package"):
        response = client.get(verb(package, name))
        assert response.status_code == 200, name
        assert "Nightly" in response.content.decode(), name
    assert Package.objects.count() == 1
    assert not Run.objects.exists()


def test_run_now_offers_all_lines_from_a_line_on_or_one_only(signed_in):
    package = nightly()
    line = package.lines.get(run_order=30)
    client = signed_in("Operator")
    page = client.get(verb(package, "run-now")).content.decode()
    assert "From line 30 Post" in page
    assert "Only line 30 Post" in page
    response = client.post(verb(package, "run-now"), {"lines": f"only:{line.pk}"})
    assert "runs now only line 30 Post" in said(response)
    found = last_run(package)
    results = dict(found.lines.values_list("run_order", "result"))
    assert {order for order, result in results.items() if result == Result.LEFT_OUT} == {10, 20, 40}
    again = client.post(verb(package, "run-now"), {"lines": "all"})
    assert "is already running" in said(again)
    assert client.post(verb(package, "run-now"), {"lines": "only:²"}).status_code in (302, 422)


def test_cancel_and_resume_are_offered_when_they_are_possible(signed_in):
    package = active(nightly(failing=(20,)))
    client = signed_in("Operator")
    card = verb(package, "change")
    assert ">Resume<" not in client.get(card).content.decode().replace("</span>Resume", ">Resume<")
    run()
    assert "</span>Resume" in client.get(card).content.decode()
    assert "goes on from the first line" in said(client.post(verb(package, "resume")))
    assert "</span>Cancel Run" in client.get(card).content.decode()
    assert "was asked to stop" in said(client.post(verb(package, "cancel-run"), {"reason": "wrong day"}))


def test_a_verb_whose_moment_has_passed_is_refused_in_a_sentence(signed_in):
    package = nightly()
    client = signed_in("Administrator")
    assert "No run of “Nightly” is open." in said(client.post(verb(package, "cancel-run")))
    assert "the last run was not" in said(client.post(verb(package, "resume")))
    assert "already On Hold" in said(client.post(verb(package, "set-on-hold")))
    active(package)
    assert "is Active and cannot be deleted" in said(client.post(verb(package, "delete-package")))
    assert Package.objects.exists()


def test_copy_asks_for_a_name_and_leads_to_the_copy(signed_in):
    package = active(nightly())
    client = signed_in("Scheduler")
    refused = client.post(verb(package, "copy"), {"name": "nightly"})
    assert refused.status_code == 422
    assert "There is a package “nightly” already." in refused.content.decode()
    response = client.post(verb(package, "copy"), {"name": "Second"})
    copy = Package.objects.get(name="Second")
    assert response["Location"] == address(f"packages/package/{copy.pk}/change/")
    assert (copy.status, copy.lines.count(), copy.recurrences.count()) == (PackageStatus.ON_HOLD, 4, 1)


def test_deleting_keeps_the_log(signed_in):
    package = active(nightly())
    run()
    client = signed_in("Administrator")
    client.post(verb(package, "set-on-hold"))
    response = client.post(verb(package, "delete-package"), {"reason": "Not used"})
    assert response["Location"] == address(LIST)
    assert not Package.objects.exists()
    page = client.get(address(f"packages/run/?package={package.uuid}")).content.decode()
    assert "Only the runs of <b>Nightly</b>" in page


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("Viewer", set()),
        ("Operator", {"set-active", "run-now"}),
        ("Scheduler", {"set-active", "run-now", "copy", "delete-package"}),
    ],
)
def test_what_a_group_may_do(signed_in, group, allowed):
    client = signed_in(group)
    for name in ("set-active", "run-now", "copy", "delete-package"):
        package = make_package(f"For {name}")
        add_line(package, "Import")
        add_daily(package)
        response = client.post(verb(package, name))
        refused = "ask an administrator" in said(response)
        assert refused == (name not in allowed), name
        assert response.status_code == 302, name


def test_the_role_centre_shows_running_and_failed_packages(signed_in):
    active(nightly(name="Going"))
    active(nightly(name="Broken", failing=(20,)))
    step()
    client = signed_in("Operator")
    page = client.get(address("")).content.decode()
    assert "Packages running" in page
    run()
    page = client.get(address("")).content.decode()
    assert "Packages in Error" in page
    assert "package in Error, On Error is Stop" in page
    assert "Line 20 Calculate failed" in page


def test_a_company_without_packages_has_no_tiles(signed_in):
    builders.make_entry()
    assert "Packages running" not in signed_in("Viewer").get(address("")).content.decode()


def test_the_role_centre_puts_packages_among_the_next_runs(signed_in):
    active(nightly())
    builders.make_entry(description="Later", status=Status.READY, earliest_start_at=TOMORROW)
    builders.make_entry(description="Sooner", status=Status.READY, earliest_start_at=FRIDAY_NOON)
    runs = signed_in("Viewer").get(address("")).context["next_runs"]
    assert [row.name for row in runs] == ["Sooner", "Nightly (package)", "Later"]
