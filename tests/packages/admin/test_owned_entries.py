"""Entries a package owns, on the pages of the job queue: their package, their lock, and what is left to it."""

import pytest

from jobqueue.models import Entry
from jobqueue.states import Status
from tests import builders
from tests.admin.conftest import address, said
from tests.packages.building import active, entries_of, nightly, run

pytestmark = pytest.mark.django_db


def card(entry) -> str:
    return address(f"jobqueue/entry/{entry.pk}/change/")


def values_of(entry, **changed) -> dict[str, str]:
    data = {
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "description": entry.description,
        "category_code": "",
        "parameter_string": "",
        "record_to_process": "",
        "max_attempts": entry.max_attempts,
        "rerun_delay_seconds": entry.rerun_delay_seconds,
        "timeout_seconds": entry.timeout_seconds,
        "priority": entry.priority,
        "priority_within_category": entry.priority_within_category,
        "expected_revision": entry.revision,
        **changed,
    }
    return {name: str(value) for name, value in data.items()}


def test_the_list_has_a_package_column_and_filter(signed_in):
    package = nightly()
    builders.make_entry(description="Ordinary")
    client = signed_in("Viewer")
    page = client.get(address("jobqueue/entry/"))
    assert "column-owner_cell" in page.content.decode()
    assert f'/packages/package/{package.pk}/change/">Nightly</a>' in page.content.decode()

    def shown(query: str) -> set[str]:
        return {str(row) for row in client.get(address(f"jobqueue/entry/?{query}")).context["cl"].result_list}

    assert shown("owner=-") == {"Ordinary"}
    assert shown(f"owner=package:{package.uuid}") == {"Import", "Calculate", "Post", "Report"}
    assert shown("owner=package:zz") == set()
    assert "Ordinary" in shown("owner=nothing:zz")


def test_without_packages_there_is_no_such_column(signed_in):
    builders.make_entry()
    assert "column-owner_cell" not in signed_in("Viewer").get(address("jobqueue/entry/")).content.decode()


def test_the_card_names_the_package_and_has_no_schedule(signed_in):
    package = nightly()
    entry = entries_of(package)[1]
    page = signed_in("Scheduler").get(card(entry)).content.decode()
    assert "It belongs to the package" in page
    assert f"/packages/package/{package.pk}/change/" in page
    assert "line 20" in page
    assert 'name="starting_time"' not in page
    assert 'name="expires_at"' not in page
    assert 'name="max_attempts"' in page


def test_its_card_saves_while_the_package_is_open_and_is_locked_with_it(signed_in):
    package = nightly()
    entry = entries_of(package)[0]
    client = signed_in("Scheduler")
    response = client.post(card(entry), values_of(entry, description="Import all", max_attempts=3))
    assert response.status_code == 302, response.context["adminform"].form.errors
    entry.refresh_from_db()
    assert (entry.description, entry.max_attempts) == ("Import all", 3)
    active(package)
    page = client.get(card(entry)).content.decode()
    assert "Its package is Active, so nothing of it can be changed." in page
    assert 'name="max_attempts"' not in page
    refused = client.post(card(entry), values_of(entry, description="Later"))
    assert "was not saved. Its package is Active" in said(refused)
    entry.refresh_from_db()
    assert entry.description == "Import all"


def test_an_entry_that_failed_can_be_mended_on_its_card(signed_in):
    package = active(nightly(failing=(20,)))
    run()
    entry = entries_of(package)[1]
    assert entry.status == Status.ERROR
    response = signed_in("Administrator").post(
        card(entry), values_of(entry, object_id=builders.SUCCESS_OBJECT, description="Mended")
    )
    assert response.status_code == 302
    entry.refresh_from_db()
    assert (entry.object_id, entry.description) == (builders.SUCCESS_OBJECT, "Mended")


@pytest.mark.parametrize(
    "name", ["set-ready", "set-on-hold", "restart", "run-now", "run-once", "delete-entry"]
)
def test_what_its_package_decides_is_refused_naming_it(signed_in, name):
    entry = entries_of(nightly())[0]
    response = signed_in("Administrator").post(address(f"jobqueue/entry/{entry.pk}/{name}/"))
    assert "belongs to the package “Nightly”, which alone decides this" in said(response)
    assert Entry.objects.get(pk=entry.pk).status == Status.ON_HOLD
