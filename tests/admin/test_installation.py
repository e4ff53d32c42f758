"""Doctor page, the banner of the copy guard, adopting, and session events."""

import uuid
from datetime import timedelta

import pytest

from jobqueue.models import Entry, Installation, SessionEvent
from jobqueue.scheduler import database_now
from jobqueue.states import HoldKind, Status
from tests import builders
from tests.admin.conftest import address, said

pytestmark = pytest.mark.django_db

BANNER = "Nothing runs: this database is a copy or was restored."


@pytest.fixture
def copied():
    Installation.objects.all().delete()
    Installation.objects.create(
        site_id="acme", heartbeat_number=5, heartbeat_at=database_now() - timedelta(hours=1)
    )


# --- copy guard
def test_without_a_copy_no_page_shows_the_banner(signed_in):
    assert BANNER not in signed_in().get(address("")).content.decode()


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize(
    "page", ["", "jobqueue/entry/", "jobqueue/entry/add/", "jobqueue/logentry/", "auth/user/", "doctor/"]
)
def test_every_page_shows_the_banner(signed_in, page):
    html = signed_in(user=builders.make_superuser()).get(address(page)).content.decode()
    assert BANNER in html
    assert address("adopt/") in html


@pytest.mark.usefixtures("copied")
def test_only_administrators_are_offered_to_adopt_and_may(signed_in):
    client = signed_in("Scheduler")
    html = client.get(address("")).content.decode()
    assert BANNER in html
    assert "Ask an administrator" in html
    assert address("adopt/") not in html
    assert client.post(address("adopt/"), {"entries": "hold"}).status_code == 403
    assert Installation.objects.get().site_id == "acme"


@pytest.mark.usefixtures("copied")
def test_adopting_asks_first_and_holds_the_schedules(signed_in):
    entry = builders.make_recurring_entry(status=Status.READY)
    client = signed_in()
    question = client.get(address("adopt/")).content.decode()
    assert "Adopt this database?" in question
    assert "“acme”" in question
    assert Installation.objects.get().site_id == "acme"
    assert client.post(address("adopt/"), {"entries": ""}).status_code == 200
    response = client.post(address("adopt/"), {"entries": "hold"})
    assert "1 entry set On Hold." in said(response)
    entry = Entry.objects.get(pk=entry.pk)
    assert (entry.status, entry.hold_kind) == (Status.ON_HOLD, HoldKind.COPY)
    assert BANNER not in client.get(address("")).content.decode()
    assert "nothing to adopt" in said(client.get(address("adopt/")))


@pytest.mark.usefixtures("copied")
def test_adopting_may_keep_the_entries_ready(signed_in):
    builders.make_recurring_entry(status=Status.READY)
    assert "stay as they were" in said(signed_in().post(address("adopt/"), {"entries": "keep"}))
    assert Entry.objects.get().status == Status.READY


@pytest.mark.usefixtures("copied")
def test_a_database_in_use_elsewhere_is_not_taken(signed_in):
    Installation.objects.update(heartbeat_at=database_now())
    assert "would stop its jobs" in said(signed_in().post(address("adopt/"), {"entries": "hold"}))
    assert Installation.objects.get().site_id == "acme"


# --- doctor
def test_the_doctor_shows_what_is_wrong_first_and_is_for_administrators(signed_in):
    assert signed_in("Scheduler").get(address("doctor/")).status_code == 403
    html = signed_in().get(address("doctor/")).content.decode()
    assert html.index("No worker is alive.") < html.index("All migrations are applied.")
    assert "manage.py jobworker" in html


def test_the_doctor_is_in_the_menu_of_administrators(signed_in):
    assert address("doctor/") in signed_in().get(address("")).content.decode()
    assert address("doctor/") not in signed_in("Operator").get(address("")).content.decode()


# --- session events
def make_event(**fields) -> SessionEvent:
    return SessionEvent.objects.create(**{"kind": "killed", "at": database_now(), "host": "alpha", **fields})


def test_session_events_link_to_the_entry_and_keep_to_the_company(signed_in):
    entry = builders.make_entry(description="Bank import")
    make_event(record=entry.id, company=entry.company, comment="It was killed.\nSecond line")
    make_event(record=uuid.uuid4(), company=builders.make_company("other"), comment="not for you")
    make_event(kind="logon", comment="for everybody")
    html = signed_in("Viewer").get(address("jobqueue/sessionevent/")).content.decode()
    assert address(f"jobqueue/entry/{entry.pk}/change/") in html
    assert "It was killed." in html
    assert "Second line" not in html
    assert "for everybody" in html
    assert "not for you" not in html


def test_session_events_can_be_filtered_and_opened_and_not_changed(signed_in):
    event = make_event(comment="whole\nerror", worker_id=77)
    make_event(kind="logon", host="beta")
    client = signed_in()
    html = client.get(address("jobqueue/sessionevent/?kind=logon")).content.decode()
    assert ("beta" in html, "alpha" in html) == (True, False)
    assert "beta" not in client.get(address("jobqueue/sessionevent/?worker=77")).content.decode()
    card = client.get(address(f"jobqueue/sessionevent/{event.pk}/change/"))
    assert card.status_code == 200
    assert "whole" in card.content.decode()
    assert client.post(address(f"jobqueue/sessionevent/{event.pk}/delete/")).status_code == 403
    assert client.get(address("jobqueue/sessionevent/add/")).status_code == 403
