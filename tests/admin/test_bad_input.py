"""What people mistype and attackers send lands as a sentence on its field; nothing is stored, nothing is a fault."""

import pytest

from jobqueue.models import Category, Company, Credential, Entry
from jobqueue.states import Status
from tests import builders
from tests.admin.conftest import address, said
from tests.admin.test_entry_card import ADD, errors_of, filled_in

pytestmark = pytest.mark.django_db

LONG = "x" * 5_000
NUMBERS = ("-1", "99999999999999999999", "1e3", "²", "", "1.5", "abc", "\x00", "NaN")
REFUSED: dict[str, tuple[str, ...]] = {
    "object_type": ("4", "abc", LONG),
    "object_id": ("-1", "99999999999999999999", "", "abc", "\x00"),
    "description": (LONG, "nul\x00"),
    "category_code": ("NONE", LONG, "\x00"),
    "parameter_string": (LONG, "\x00"),
    "record_to_process": (LONG, "\x00", "nothing", "jobqueue.entry:zzz", "no.model:1", ":::"),
    "earliest_start_at": ("31/12/2026", "0000-00-00T00:00", "9999-12-31T23:59:59", "0001-01-01T00:00", LONG),
    "expires_at": ("31/12/2026", "9999-12-31T23:59:59", "0001-01-01T00:00", "\x00"),
    "starting_time": ("25:00", "8", LONG, "\x00"),
    "ending_time": ("25:00", LONG),
    "minutes_between_runs": (*NUMBERS, "2147483648", "1000000"),
    "next_run_date_formula": ("0D", LONG, "1X", "1D\x00", "<script>", "CM+", "99999D", "-1D"),
    "time_zone": ("Mars/Olympus", "", LONG, "../../etc/passwd", "\x00"),
    "recurrence_anchor": ("never", ""),
    "missed_runs": ("never", ""),
    "inactivity_timeout_minutes": (*NUMBERS, "4"),
    "max_attempts": (*NUMBERS, "11"),
    "rerun_delay_seconds": (*NUMBERS, "3601"),
    "timeout_seconds": ("-1", "1e3", "", "abc", "\x00"),
    "priority": ("99999999999999999999", "abc", ""),
    "priority_within_category": (*NUMBERS, "1"),
    "expected_revision": ("abc",),
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_field_of_the_card_says_what_is_wrong_with_it(signed_in, name):
    client = signed_in("Scheduler")
    for value in REFUSED[name]:
        values = filled_in(**{name: value})
        response = client.post(address(ADD), values)
        assert response.status_code == 200, value
        assert name in errors_of(response), value
        assert client.get(address("jobqueue/entry/preview/"), values).status_code == 200, value
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "query",
    [
        "object=--5",
        "object=²-5",
        "object=5-99999999999999999999",
        "user=²",
        "user=99999999999999999999",
        "category=%00",
        "entry=zz",
        "tab=%00",
        "p=abc",
        "p=99999999999999999999",
        "o=-0.x",
        "q=%00",
        "q=id:99999999999 job:%F0%9F%98%80",
        "e=1",
    ],
)
@pytest.mark.parametrize("page", ["entry", "logentry", "scheduledtask", "reportdocument", "entrychange"])
def test_a_forged_filter_leads_to_a_list(signed_in, page, query):
    response = signed_in().get(address(f"jobqueue/{page}/?{query}"), follow=True)
    assert response.status_code == 200


@pytest.mark.parametrize("query", ["user__password__startswith=x", "company__members__username=ann"])
def test_filters_do_not_reach_into_other_tables(signed_in, query):
    assert signed_in().get(address(f"jobqueue/entry/?{query}")).status_code == 400


def test_a_hold_ends_in_a_year_people_live_to_see(signed_in):
    entry = builders.make_entry(status=Status.READY)
    response = signed_in("Operator").post(
        address(f"jobqueue/entry/{entry.pk}/set-on-hold/"), {"until": "9999-12-31T23:59"}
    )
    assert response.status_code == 422
    assert "A hold ends in the year 2999 at the latest." in response.context["form"].errors["until"][0]


def test_markup_in_what_people_and_jobs_write_is_shown_as_text(signed_in):
    attack = "<img src=x onerror=alert(1)>"
    client = signed_in()
    builders.make_category("X&Y", description=attack)
    entry = builders.make_recurring_entry(
        status=Status.ERROR,
        description=attack,
        error_message=attack,
        parameter_string=attack,
        category_code="X&Y",
    )
    log = builders.make_log_entry(
        entry, description=attack, error_message=attack, error_call_stack=attack, reason=attack
    )
    for page in (
        "",
        "jobqueue/entry/",
        f"jobqueue/entry/{entry.pk}/change/",
        f"jobqueue/entry/{entry.pk}/delete-entry/",
        "jobqueue/logentry/",
        f"jobqueue/logentry/{log.pk}/change/",
        "jobqueue/category/",
        "jobqueue/entry/?q=" + attack,
    ):
        html = client.get(address(page)).content.decode()
        assert "<img src=x" not in html, page
    assert "?category=X%26Y" in client.get(address("jobqueue/category/")).content.decode()


def test_a_credential_takes_hosts_and_texts_on_one_line_only(signed_in):
    client = signed_in()
    for name, value, sentence in (
        ("allowed_hosts", "http://a/b", "“http://a/b” is no host."),
        ("allowed_hosts", "good.example, *", "“*” is no host."),
        ("user_name", "X-Key\r\nX-Evil: 1", "Line breaks and control characters"),
        ("secret", "a\r\nb", "Line breaks and control characters"),
    ):
        data = {"name": "bank", "kind": "basic", "secret": "s", name: value}
        response = client.post(address("jobqueue/credential/add/"), data)
        assert response.status_code == 200
        assert sentence in errors_of(response)[name][0]
    assert not Credential.objects.exists()


def test_set_up_pages_refuse_on_the_field(signed_in):
    client = signed_in(user=builders.make_superuser())
    for data, name in (
        ({"code": "TOO-LONG-CODE", "slots": "1"}, "code"),
        ({"code": "\x00", "slots": "1"}, "code"),
        ({"code": "BANK", "slots": "0"}, "slots"),
        ({"code": "BANK", "slots": "99999999999999999999"}, "slots"),
    ):
        response = client.post(address("jobqueue/category/add/"), {"description": "b", **data})
        assert name in errors_of(response), data
    assert not Category.objects.exists()
    members = {"companymember_set-TOTAL_FORMS": "0", "companymember_set-INITIAL_FORMS": "0"}
    for code in ("../x", "a b", "", "MAIN"):
        data = {"name": "Other", "code": code, "time_zone": "UTC", **members}
        assert "code" in errors_of(client.post(address("jobqueue/company/add/"), data)), code
    assert Company.objects.count() == 1


def test_a_body_beyond_what_forms_need_is_refused(signed_in):
    data = {**filled_in(), "description": "x" * 3_000_000}
    assert signed_in("Scheduler").post(address(ADD), data).status_code == 400


def test_a_host_nobody_told_of_is_refused(signed_in):
    assert signed_in().get(address(""), headers={"host": "evil.example"}).status_code == 400


def test_a_form_of_another_site_is_refused(signed_in):
    entry = builders.make_entry()
    client = signed_in("Operator")
    client.handler.enforce_csrf_checks = True
    assert client.post(address(f"jobqueue/entry/{entry.pk}/set-ready/")).status_code == 403
    entry.refresh_from_db()
    assert entry.status == Status.ON_HOLD


def test_the_list_says_which_rows_of_a_choice_refused(signed_in):
    client = signed_in("Operator")
    running = builders.make_entry(status=Status.IN_PROCESS, description="Running")
    idle = builders.make_entry(status=Status.ON_HOLD, description="Idle")
    response = client.post(
        address("jobqueue/entry/"),
        {"action": "run-now", "_confirmed": "1", "_selected_action": [str(running.pk), str(idle.pk)]},
    )
    assert "1 will run once more. 1 refused: " in said(response)
    assert "Running" in said(response)
