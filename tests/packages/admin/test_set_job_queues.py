"""*Set Job Queues*: lines filled in like ordinary entries, saved together, refused on their fields."""

import pytest

from jobqueue.models import Entry
from packages.models import Package, PackageLine
from packages.states import OnError
from tests import builders
from tests.admin.conftest import address, said
from tests.jobobjects import jobs
from tests.packages.admin.forms import line_form, lines_form
from tests.packages.building import active, add_line, make_package, nightly, reloaded

pytestmark = pytest.mark.django_db

TYPED = 90020


def page_of(package) -> str:
    return address(f"packages/package/{package.pk}/set-job-queues/")


def shown(response) -> list:
    return response.context["lines"]


def test_a_package_without_lines_offers_one_with_run_order_10(signed_in):
    package = make_package()
    (line,) = shown(signed_in("Scheduler").get(page_of(package)))
    assert line["run_order"].value() == 10


def test_lines_are_made_with_entries_of_their_own_without_a_schedule(signed_in):
    package = make_package()
    client = signed_in("Scheduler")
    sent = lines_form(
        package,
        line_form(0, run_order=20, description="Post"),
        line_form(
            1, run_order=10, object_id=TYPED, parameter_customer="10000", on_error="continue", always="on"
        ),
        line_form(2, object_id="", description=""),
        _back="",
    )
    response = client.post(page_of(package), sent)
    assert response["Location"] == address(f"packages/package/{package.pk}/change/")
    assert "2 lines added" in said(response)
    post, other = package.lines.order_by("-run_order").select_related("entry")
    assert (str(post.entry), post.run_order, post.on_error) == ("Post", 20, "")
    assert (other.run_order, other.on_error, other.always) == (10, OnError.CONTINUE, True)
    assert other.entry.parameters["customer"] == "10000"
    assert {entry.owner_kind for entry in Entry.objects.all()} == {"package"}
    assert not Entry.objects.exclude(recurring=False).exists()


def test_a_missing_parameter_is_named_on_its_line_and_nothing_is_saved(signed_in):
    package = make_package()
    sent = lines_form(
        package,
        line_form(0, description="Typed before"),
        line_form(1, object_id=TYPED, parameter_customer=""),
    )
    response = signed_in("Scheduler").post(page_of(package), sent)
    assert response.status_code == 422
    assert "Nothing was saved" in response.content.decode()
    assert "parameter_customer" in shown(response)[1].errors
    assert "Typed before" in response.content.decode()
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("run_order", "0"),
        ("run_order", "-1"),
        ("run_order", "²"),
        ("run_order", "99999999999999"),
        ("run_order", ""),
        ("object_type", "4"),
        ("object_id", "99999999999999999999"),
        ("object_id", "abc"),
        ("category_code", "NONE"),
        ("description", "x" * 5000),
        ("parameter_string", "x" * 5000),
        ("record_to_process", "nothing"),
        ("max_attempts", "11"),
        ("rerun_delay_seconds", "-1"),
        ("timeout_seconds", "abc"),
        ("priority", "99"),
        ("on_error", "explode"),
        ("description", "nul\x00"),
    ],
)
def test_what_people_mistype_stands_on_its_field(signed_in, field, value):
    package = make_package()
    sent = lines_form(package, line_form(0, **{"description": "Import", field: value}))
    response = signed_in("Scheduler").post(page_of(package), sent)
    assert response.status_code == 422
    assert field in shown(response)[0].errors
    assert not PackageLine.objects.exists()


@pytest.mark.parametrize(
    "forged",
    [{"line-TOTAL": "abc"}, {"line-TOTAL": "99999"}, {"line-TOTAL": "-3"}, {"expected_revision": "²"}],
)
def test_a_forged_form_is_no_fault(signed_in, forged):
    package = make_package()
    response = signed_in("Scheduler").post(page_of(package), lines_form(package, **forged))
    assert response.status_code in (302, 422)


def test_lines_change_move_and_go_together(signed_in):
    package = make_package()
    first, second, third = (add_line(package, name) for name in ("Import", "Post", "Report"))
    package = reloaded(package)
    sent = lines_form(
        package,
        line_form(0, line_id=first.pk, run_order=30, description="Import all", max_attempts=2),
        line_form(1, line_id=second.pk, run_order=10, description="Post", enabled=None),
        line_form(2, line_id=third.pk, run_order=20, remove="on"),
    )
    response = signed_in("Scheduler").post(page_of(package), sent)
    assert response.status_code == 302
    assert "1 line removed" in said(response)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.run_order, str(first.entry), first.entry.max_attempts) == (30, "Import all", 2)
    assert (second.run_order, second.enabled) == (10, False)
    assert not Entry.objects.filter(pk=third.entry_id).exists()


def test_lines_of_another_package_are_not_reached(signed_in):
    mine, other = make_package("Mine"), make_package("Other")
    theirs = add_line(other, "Theirs")
    sent = lines_form(mine, line_form(0, line_id=theirs.pk, description="Mine now", remove="on"))
    signed_in("Scheduler").post(page_of(mine), sent)
    changed = lines_form(mine, line_form(0, line_id=theirs.pk, description="Mine now"))
    response = signed_in("Scheduler").post(page_of(mine), changed)
    assert "Somebody removed this line" in response.content.decode()
    theirs.refresh_from_db()
    assert str(theirs.entry) == "Theirs"


def test_a_form_somebody_else_changed_since_is_refused_and_nothing_typed_is_lost(signed_in):
    package = make_package()
    line = add_line(package, "Import")
    package = reloaded(package)
    stale = lines_form(package, line_form(0, line_id=line.pk, description="Typed for a long time"))
    Package.objects.filter(pk=package.pk).update(revision=package.revision + 1)
    response = signed_in("Scheduler").post(page_of(package), stale)
    assert "was changed since you opened it" in response.content.decode()
    assert "Typed for a long time" in response.content.decode()
    line.refresh_from_db()
    assert str(line.entry) == "Import"


def test_while_active_the_page_only_shows_and_a_form_sent_before_is_refused(signed_in):
    package = nightly()
    line = package.lines.get(run_order=10)
    stale = lines_form(package, line_form(0, line_id=line.pk, description="Typed for a long time"))
    active(package)
    client = signed_in("Scheduler")
    page = client.get(page_of(package)).content.decode()
    assert '<form method="post" id="lines_form"' not in page
    assert "choose <b>Set Job Queue Package On Hold</b>" in page
    assert "Calculate" in page
    refused = client.post(page_of(package), stale)
    assert "is Active, and nothing of it can be changed" in refused.content.decode()
    assert "Typed for a long time" in refused.content.decode()
    line.refresh_from_db()
    assert str(line.entry) == "Import"


def test_add_from_existing_entry_copies_it_and_leaves_the_original_alone(signed_in):
    package = make_package()
    entry = builders.make_recurring_entry(description="Bank import", object_id=jobs.SUCCESS)
    other = builders.make_entry(company=builders.make_company("other"))
    client = signed_in("Scheduler")
    response = client.post(page_of(package), lines_form(package, existing=entry.pk, _existing=""))
    assert response.status_code == 302
    line = package.lines.get()
    assert (str(line.entry), line.entry.recurring) == ("Bank import", False)
    entry.refresh_from_db()
    assert entry.recurring
    package = reloaded(package)
    refused = client.post(page_of(package), lines_form(package, existing=other.pk, _existing=""))
    assert "Choose the existing entry" in refused.content.decode()
    assert package.lines.count() == 1


def test_choosing_a_job_brings_its_parameters_and_what_it_declares(signed_in):
    package = make_package()
    typed = line_form(3, run_order=70, object_id=TYPED, description="")
    fragment = address(f"packages/package/{package.pk}/line-form/")
    response = signed_in("Scheduler").get(fragment, {"prefix": "line-3", **typed})
    page = response.content.decode()
    assert 'name="line-3-parameter_customer"' in page
    assert 'value="70"' in page
    for prefix in ("line-²", "x", "line-99999999999", "\x00"):
        assert signed_in("Scheduler").get(fragment, {"prefix": prefix}).status_code == 200, prefix
    assert signed_in("Operator").get(fragment, {"prefix": "line-0"}).status_code == 403


@pytest.mark.parametrize("group", ["Viewer", "Operator"])
def test_only_maintainers_fill_in_lines(signed_in, group):
    package = nightly()
    client = signed_in(group)
    assert "lines_form" not in client.get(page_of(package)).content.decode()
    assert client.post(page_of(package), lines_form(package, line_form(0))).status_code == 403
    assert package.lines.count() == 4
