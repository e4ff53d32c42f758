"""The list and card of monitored jobs: how each stands, why it is left alone, and what can be done about it."""

import pytest

from jobqueue.models import Entry
from jobqueue.states import HoldKind, Status
from refresher.models import ManagedByApp, MonitoredJob
from tests import builders
from tests.admin.conftest import address, said
from tests.refresher.situations import external_mode, login_mode, make_runner, ready_job, stored

pytestmark = pytest.mark.django_db

LIST = "refresher/monitoredjob/"


def card(job, verb="change") -> str:
    return address(f"{LIST}{job.pk}/{verb}/")


def values_of(job, **changed) -> dict[str, str]:
    data = {
        "object_type": job.object_type,
        "object_id": job.object_id,
        "description": job.description,
        "category_code": job.category_code,
        "parameter_string": "",
        "record_to_process": "",
        "minutes_between_runs": job.minutes_between_runs,
        "next_run_date_formula": job.next_run_date_formula,
        "time_zone": job.time_zone,
        "recurrence_anchor": job.recurrence_anchor,
        "missed_runs": job.missed_runs,
        "inactivity_timeout_minutes": job.inactivity_timeout_minutes,
        "max_attempts": job.max_attempts,
        "rerun_delay_seconds": job.rerun_delay_seconds,
        "timeout_seconds": job.timeout_seconds,
        "priority": job.priority,
        "priority_within_category": job.priority_within_category,
        "auto_reschedule_delay_seconds": 0,
        "heartbeat_url": "",
        **{f"run_on_{day}s": "on" for day in ("monday", "tuesday", "wednesday", "thursday", "friday")},
        "run_on_saturdays": "on",
        "run_on_sundays": "on",
        **changed,
    }
    return {name: str(value) for name, value in data.items() if value is not None}


def words_of(client, query="") -> dict[str, str]:
    """The state word of each job on the list."""
    page = client.get(address(f"{LIST}{query}"))
    return {str(row): row.standing.words for row in page.context["cl"].result_list}


def in_every_condition() -> None:
    ready_job(description="Fine")
    drifted, _ = ready_job(description="Changed")
    Entry.objects.filter(pk=drifted.pk).update(max_attempts=9)
    gone, _ = ready_job(description="Gone")
    Entry.objects.filter(pk=gone.pk).delete()
    broken, _ = ready_job(description="Broken")
    Entry.objects.filter(pk=broken.pk).update(status=Status.ERROR)
    held, _ = ready_job(description="Held")
    Entry.objects.filter(pk=held.pk).update(
        status=Status.ON_HOLD, hold_kind=HoldKind.MANUAL, hold_reason="Stock count"
    )


@pytest.fixture
def long_before(monkeypatch):
    """Now is a moment before every start, so that nothing is late."""
    monkeypatch.setattr("jobqueue.admin.base.database_now", lambda: builders.NOW)


def test_the_list_says_how_each_job_stands_and_why_it_is_left_alone(signed_in, long_before):
    login_mode()
    in_every_condition()
    client = signed_in("Viewer")
    assert words_of(client) == {
        "Fine": "OK",
        "Changed": "Drifted",
        "Gone": "Missing",
        "Broken": "Stopped",
        "Held": "Held by a person",
    }
    page = client.get(address(LIST)).content.decode()
    assert "Differs: Maximum no. of attempts to run" in page
    assert "Held by a person: Stock count" in page
    assert set(words_of(client, "?tab=attention")) == {"Changed", "Gone", "Broken"}
    assert set(words_of(client, "?tab=held")) == {"Held"}
    assert set(words_of(client, "?tab=nonsense")) == {"Fine", "Changed", "Gone", "Broken", "Held"}


def test_the_role_centre_counts_what_needs_attention(signed_in, long_before):
    login_mode()
    in_every_condition()
    context = signed_in("Viewer").get(address("")).context
    (tile,) = [tile for tile in context["tiles"] if tile.name == "Monitored drifted"]
    assert tile.count == 3
    assert any(light.text == "Refresher has not run yet" for light in context["lights"])


def test_the_role_centre_says_that_nothing_is_refreshed_and_whose_runner_is_inactive(signed_in):
    runner = make_runner("night", failed_attempts=15, last_error="The secret has expired.")
    external_mode(default_runner=runner)
    ready_job(description="Post")
    page = signed_in("Administrator").get(address(""))
    calls = {call.name: call for call in page.context["calls"]}
    assert set(calls) == {"Nothing is being refreshed", "night"}
    assert calls["night"].message == "The secret has expired."
    assert calls["night"].buttons[0].enabled
    assert not signed_in("Viewer").get(address("")).context["calls"][-1].buttons[0].enabled


def test_where_nothing_is_monitored_the_role_centre_says_nothing_of_it(signed_in):
    builders.make_entry()
    context = signed_in("Administrator").get(address("")).context
    assert not [tile for tile in context["tiles"] if "Monitored" in tile.name]
    assert not [light for light in context["lights"] if "Refresher" in light.text]


def test_the_card_shows_the_difference_and_repairs_it(signed_in):
    login_mode()
    entry, job = ready_job(description="Post")
    Entry.objects.filter(pk=entry.pk).update(max_attempts=9)
    client = signed_in("Operator")
    page = client.get(card(job))
    assert page.context["standing"].changes == {
        "Maximum no. of attempts to run": ["9", str(job.max_attempts)]
    }
    assert Entry.objects.get(pk=entry.pk).max_attempts == 9
    assert "Repair “Post” now?" in client.get(card(job, "repair")).content.decode()
    response = client.post(card(job, "repair"))
    assert "“Post”: restarted. It differed from the monitored job." in said(response)
    assert Entry.objects.get(pk=entry.pk).max_attempts == job.max_attempts


def test_a_difference_is_accepted_as_the_new_expectation(signed_in):
    login_mode()
    entry, job = ready_job(description="Post")
    Entry.objects.filter(pk=entry.pk).update(max_attempts=9)
    signed_in("Scheduler").post(card(job, "accept"))
    assert stored(job).max_attempts == 9


def test_its_fields_are_changed_and_the_entry_follows_later(signed_in):
    login_mode()
    entry, job = ready_job(description="Post")
    response = signed_in("Scheduler").post(
        card(job), values_of(job, max_attempts=4, heartbeat_url="https://x.example/p")
    )
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert (stored(job).max_attempts, stored(job).heartbeat_url) == (4, "https://x.example/p")
    assert Entry.objects.get(pk=entry.pk).max_attempts == entry.max_attempts


@pytest.mark.parametrize(
    ("field", "value", "shown_on"),
    [
        ("time_zone", "Mars/Olympus", "time_zone"),
        ("max_attempts", "99", "max_attempts"),
        ("heartbeat_url", "not an address", "heartbeat_url"),
        ("auto_reschedule_delay_seconds", "-1", "auto_reschedule_delay_seconds"),
        ("next_run_date_formula", "nonsense", "next_run_date_formula"),
    ],
)
def test_what_is_refused_is_said_on_its_field(signed_in, field, value, shown_on):
    login_mode()
    _, job = ready_job(description="Post")
    response = signed_in("Scheduler").post(card(job), values_of(job, **{field: value}))
    assert response.status_code == 200
    assert shown_on in response.context["adminform"].form.errors


def test_a_job_that_runs_once_is_refused(signed_in):
    login_mode()
    _, job = ready_job(description="Post")
    sent = {name: value for name, value in values_of(job).items() if not name.startswith("run_on_")}
    response = signed_in("Scheduler").post(card(job), sent)
    assert "Only recurring jobs can be monitored" in response.content.decode()


def test_a_protected_job_shows_what_code_says_and_why(signed_in):
    login_mode()
    _, job = ready_job(description="Post", is_protected=True)
    MonitoredJob.objects.filter(pk=job.pk).update(registered_by="shop.jobs:critical")
    client = signed_in("Administrator")
    page = client.get(card(job)).content.decode()
    assert "“Post” is protected: shop.jobs:critical describes it anew on every pass." in page
    assert 'name="max_attempts"' not in page
    assert 'name="description"' in page
    client.post(card(job), values_of(job, description="Post all", max_attempts=1))
    assert (stored(job).description, stored(job).max_attempts) == ("Post all", job.max_attempts)
    for verb in ("accept", "stop-monitoring"):
        assert "is protected" in said(client.post(card(job, verb)))
    assert MonitoredJob.objects.filter(pk=job.pk).exists()


def test_a_runner_is_assigned_by_administrators_only_and_must_work(signed_in):
    external_mode()
    _, job = ready_job(description="Post")
    good, broken = make_runner("day"), make_runner("old", failed_attempts=15)
    scheduler = signed_in("Scheduler")
    assert 'name="runner"' not in scheduler.get(card(job)).content.decode()
    scheduler.post(card(job), values_of(job, runner=good.pk))
    scheduler.post(card(job, "assign-runner"), {"runner": good.pk})
    assert stored(job).runner is None
    client = signed_in("Administrator")
    assert "is inactive" in said(client.post(card(job, "assign-runner"), {"runner": broken.pk}))
    client.post(card(job, "assign-runner"), {"runner": good.pk})
    assert stored(job).runner == good


def test_monitoring_stops_and_the_entry_stays(signed_in):
    login_mode()
    entry, job = ready_job(description="Post")
    signed_in("Scheduler").post(card(job, "stop-monitoring"))
    assert not MonitoredJob.objects.exists()
    assert Entry.objects.filter(pk=entry.pk).exists()


def test_entries_are_chosen_and_each_is_judged_on_its_own(signed_in):
    login_mode()
    fine = builders.make_entry(description="Fine", recurring=True, run_on_mondays=True)
    once = builders.make_entry(description="Once")
    _, job = ready_job(description="Monitored already")
    client = signed_in("Scheduler")
    page = client.get(address(f"{LIST}from-entries/"))
    assert [str(row[0]) for row in page.context["rows"]] == ["Fine"]
    chosen = [fine.pk, once.pk, Entry.objects.get(id=job.entry_id).pk]
    response = client.post(address(f"{LIST}from-entries/"), {"entry": [*map(str, chosen), "x", "²"]})
    assert "1 entry monitored from now on." in said(response)
    assert "Once" in said(response)
    assert "is monitored already" in said(response)
    assert MonitoredJob.objects.filter(entry_id=fine.id).exists()
    assert client.post(address(f"{LIST}from-entries/"), {}).status_code == 422


def test_a_job_is_made_from_scratch_with_its_entry(signed_in):
    login_mode()
    client = signed_in("Administrator")
    _, like = ready_job(description="Like this")
    response = client.post(address(f"{LIST}add/"), values_of(like, description="New one"))
    assert response.status_code == 302, response.context["adminform"].form.errors
    job = MonitoredJob.objects.get(description="New one")
    assert Entry.objects.get(id=job.entry_id).status == Status.READY


def test_simulating_shows_what_would_be_done_and_changes_nothing(signed_in):
    login_mode()
    entry, _ = ready_job(description="Post")
    Entry.objects.filter(pk=entry.pk).update(max_attempts=9)
    page = signed_in("Viewer").get(address(f"{LIST}simulate/"))
    ((_, outcome),) = page.context["results"][0]["outcomes"]
    assert outcome.action == "restarted"
    assert "Maximum no. of attempts to run" in page.content.decode()
    assert Entry.objects.get(pk=entry.pk).max_attempts == 9


def test_recreating_says_first_what_is_lost(signed_in):
    login_mode()
    gone, job = ready_job(description="Gone")
    Entry.objects.filter(pk=gone.pk).delete()
    ready_job(description="Stays")
    client = signed_in("Administrator")
    page = client.get(address(f"{LIST}recreate/")).content.decode()
    assert "Lost for good, because no entry is left (1): “Gone”." in page
    assert MonitoredJob.objects.count() == 2
    response = client.post(address(f"{LIST}recreate/"))
    assert "Recreated: 0 by code, 1 from entries; 2 were there before." in said(response)
    assert [str(one) for one in MonitoredJob.objects.all()] == ["Stays"]


def test_jobs_are_spread_over_the_runners_after_a_look(signed_in):
    first = make_runner("a")
    make_runner("b")
    external_mode(default_runner=first)
    jobs = [ready_job(description=f"Job {number}")[1] for number in range(4)]
    client = signed_in("Administrator")
    assert len(client.get(address(f"{LIST}distribute/")).context["moves"]) == 4
    assert stored(jobs[0]).runner is None
    assert "4 monitored jobs changed hands." in said(client.post(address(f"{LIST}distribute/")))
    names = sorted(stored(job).runner.name for job in jobs)
    assert names == ["a", "a", "b", "b"]


def test_without_a_working_runner_nothing_is_distributed(signed_in):
    external_mode(default_runner=make_runner(failed_attempts=15))
    ready_job(description="Post")
    response = signed_in("Administrator").get(address(f"{LIST}distribute/"))
    assert "No runner user works" in said(response)


# --- on the pages of entries
def test_an_entry_is_monitored_and_no_longer_from_its_card(signed_in):
    login_mode()
    entry = builders.make_entry(description="Post", recurring=True, run_on_mondays=True)
    page = address(f"jobqueue/entry/{entry.pk}/change/")
    client = signed_in("Scheduler")
    assert "Nobody looks whether it stays alive." in client.get(page).content.decode()
    response = client.post(address(f"{LIST}monitor-entry/{entry.pk}/"))
    assert response["Location"] == page
    assert ManagedByApp.objects.filter(entry_id=entry.id, managed=True).exists()
    html = client.get(page).content.decode()
    job = MonitoredJob.objects.get()
    assert f'It follows the monitored job <a class="jw-link" href="{card(job)}">Post</a>' in html
    for name in ("max_attempts", "run_on_mondays", "starting_time", "object_id", "description"):
        assert f'name="{name}"' not in html
    for name in ("category_code", "priority", "earliest_start_at", "expires_at"):
        assert f'name="{name}"' in html
    client.post(address(f"{LIST}unmonitor-entry/{entry.pk}/"))
    assert not MonitoredJob.objects.exists()
    assert 'name="max_attempts"' in client.get(page).content.decode()


def test_the_open_fields_of_a_monitored_entry_are_saved_and_forged_others_ignored(signed_in):
    login_mode()
    entry = builders.make_entry(description="Post", recurring=True, run_on_mondays=True, max_attempts=1)
    client = signed_in("Scheduler")
    client.post(address(f"{LIST}monitor-entry/{entry.pk}/"))
    entry.refresh_from_db()
    sent = {
        "priority": str(int(entry.priority)),
        "priority_within_category": str(int(entry.priority_within_category)),
        "expires_at": "2099-01-01T00:00",
        "max_attempts": "9",
        "expected_revision": str(entry.revision),
    }
    response = client.post(address(f"jobqueue/entry/{entry.pk}/change/"), sent)
    assert response.status_code == 302, response.context["adminform"].form.errors
    entry.refresh_from_db()
    assert (entry.max_attempts, entry.expires_at.year) == (1, 2099)


def test_an_entry_that_runs_once_says_why_it_cannot_be_monitored(signed_in):
    entry = builders.make_entry(description="Once")
    client = signed_in("Scheduler")
    page = client.get(address(f"jobqueue/entry/{entry.pk}/change/")).content.decode()
    assert "Only recurring jobs can be monitored." in page
    response = client.post(address(f"{LIST}monitor-entry/{entry.pk}/"))
    assert "Only recurring jobs can be monitored." in said(response)


def test_the_entry_list_has_a_shield_only_where_something_is_monitored(signed_in):
    builders.make_entry(description="Ordinary")
    client = signed_in("Viewer")
    assert "column-marks_cell" not in client.get(address("jobqueue/entry/")).content.decode()
    login_mode()
    _, job = ready_job(description="Post")
    page = client.get(address("jobqueue/entry/")).content.decode()
    assert "column-marks_cell" in page
    assert page.count("jw-shield--") == 1
    assert card(job) in page
