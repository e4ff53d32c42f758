"""The log of packages: runs newest first, filters, the page of a run with its gantt, and what a viewer may not see."""

from datetime import timedelta

import pytest
from django.db.models import F

from jobqueue.models import LogEntry
from notifications.models import Message
from packages.models import Run
from packages.states import Outcome
from tests import builders
from tests.admin.conftest import address
from tests.packages.building import (
    HOUR,
    TOMORROW,
    TONIGHT,
    active,
    boss_of,
    last_run,
    lifecycle,
    nightly,
    reloaded,
    run,
    step,
    with_recipients,
)

pytestmark = pytest.mark.django_db

LOG = "packages/run/"


def page_of(found: Run) -> str:
    return address(f"packages/run/{found.pk}/change/")


def listed(response) -> list[str]:
    return [f"{row.package_name} {row.outcome}" for row in response.context["cl"].result_list]


def test_runs_are_listed_newest_first_and_narrowed_by_package_outcome_and_period(signed_in):
    good, bad = active(nightly(name="Good")), active(nightly(name="Bad", failing=(20,), on_error="continue"))
    run(TONIGHT)
    run(TOMORROW)
    client = signed_in("Viewer")
    assert len(listed(client.get(address(LOG)))) == 4
    assert set(listed(client.get(address(f"{LOG}?package={good.uuid}")))) == {"Good success"}
    assert set(listed(client.get(address(f"{LOG}?tab=with-errors")))) == {"Bad with_errors"}
    assert listed(client.get(address(f"{LOG}?tab=running"))) == []
    numbers = [row.number for row in client.get(address(LOG)).context["cl"].result_list]
    assert numbers == sorted(numbers, reverse=True)
    Run.objects.filter(package=bad).update(due_at=F("due_at") - timedelta(days=90))
    Run.objects.filter(package=good).update(due_at=F("due_at") - timedelta(days=1))
    recent = client.get(address(f"{LOG}?period=month"))
    assert "Bad with_errors" not in listed(recent)


@pytest.mark.parametrize(
    "query", ["package=zz", "package=%00", "period=zz", "tab=%00", "q=%00", "p=abc", "o=-0.x"]
)
def test_a_forged_filter_leads_to_a_list(signed_in, query):
    assert signed_in("Viewer").get(address(f"{LOG}?{query}"), follow=True).status_code == 200


def test_the_page_of_a_run_shows_lines_reasons_and_the_way_to_the_log_entries(signed_in):
    package = active(nightly(failing=(20,)))
    run()
    found = last_run(package)
    page = signed_in("Scheduler").get(page_of(found)).content.decode()
    assert "The printer ran out of paper." in page
    assert "2 of 4 succeeded" not in page
    assert "1 of 4 succeeded, 1 failed, 2 not executed" in page
    for entry in LogEntry.objects.filter(entry_id__in=found.lines.values("entry_id")):
        assert f"/jobqueue/logentry/{entry.pk}/change/" in page
    assert page.count("jw-bar--hatched") == 2
    assert 'class="jw-bar jw-bar--error"' in page
    assert 'class="jw-bar jw-bar--done"' in page
    assert "Active → <b>Error</b>" in page


def test_traces_and_parameters_are_for_those_who_maintain_packages(signed_in):
    package = active(nightly(failing=(20,), entry_values={10: {"parameter_string": "customer 10000"}}))
    run()
    found = page_of(last_run(package))
    inside = signed_in("Scheduler").get(found).content.decode()
    assert "RanOutOfPaper" in inside
    assert "customer 10000" in inside
    outside = signed_in("Operator").get(found).content.decode()
    assert "RanOutOfPaper" not in outside
    assert "customer 10000" not in outside
    assert "The printer ran out of paper." in outside


def test_an_open_run_is_followed_and_answers_304_while_nothing_happened(signed_in):
    package = active(nightly())
    step()
    found = last_run(package)
    client = signed_in("Viewer")
    page = client.get(page_of(found)).content.decode()
    assert f'data-poll="{page_of(found)}"' in page
    assert "follows while it runs" in page
    run()
    page = client.get(page_of(found))
    assert "data-poll" not in page.content.decode()
    first = client.get(page_of(found), headers={"X-Region": "1"})
    again = client.get(page_of(found), headers={"X-Region": "1", "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_a_held_run_says_who_held_it_and_why(signed_in):
    package = active(nightly())
    step()
    lifecycle.set_on_hold(package, actor=boss_of(package), reason="Year end", now=TONIGHT)
    run()
    found = last_run(package)
    assert found.outcome == Outcome.STOPPED
    page = signed_in("Viewer").get(page_of(found)).content.decode()
    assert "Put On Hold by" in page
    assert "“Year end”" in page
    assert "Not Run" in page


def test_the_log_of_one_package_names_it_and_lists_its_status_changes(signed_in):
    package = active(nightly(failing=(20,)))
    run()
    page = signed_in("Viewer").get(address(f"{LOG}?package={package.uuid}")).content.decode()
    assert "Only the runs of <b>Nightly</b>" in page
    assert "On Hold → <b>Active</b>" in page
    assert "Active → <b>Error</b>" in page


def test_a_missed_due_time_is_a_row_without_lines(signed_in):
    package = active(nightly(missed_run="skip"))
    run(TONIGHT + HOUR)
    found = last_run(package)
    assert found.outcome == Outcome.MISSED
    page = signed_in("Viewer").get(page_of(found)).content.decode()
    assert "Missed" in page
    assert "jw-gantt" not in page


def test_runs_of_another_company_do_not_exist_here(signed_in):
    package = active(nightly(company=builders.make_company("other", time_zone="UTC")))
    run()
    assert signed_in("Viewer").get(page_of(last_run(package))).status_code == 404
    assert listed(signed_in("Viewer").get(address(LOG))) == []
    assert reloaded(package).last_outcome == Outcome.SUCCESS


def test_the_card_shows_each_line_in_the_latest_runs(signed_in):
    package = active(nightly(failing=(20,), on_error="continue"))
    run(TONIGHT)
    run(TOMORROW)
    shown = signed_in("Viewer").get(address(f"packages/package/{package.pk}/change/")).context["grid"]
    assert [str(line.entry) for line, _ in shown] == ["Import", "Calculate", "Post", "Report"]
    assert [marks.count("jw-tick--error") for _, marks in shown] == [0, 2, 0, 0]
    assert [marks.count("jw-tick--done") for _, marks in shown] == [2, 0, 2, 2]


def test_the_page_of_the_last_run_offers_to_resume_it(signed_in):
    package = active(nightly(failing=(20,)))
    run()
    resume = f"/packages/package/{package.pk}/resume/"
    assert resume in signed_in("Operator").get(page_of(last_run(package))).content.decode()
    assert resume not in signed_in("Viewer").get(page_of(last_run(package))).content.decode()


def test_the_page_of_a_run_shows_its_messages_and_what_went_wrong_with_them(signed_in):
    package = with_recipients(nightly(failing=(20,)))
    active(package)
    run()
    Message.objects.filter(address="ann@example.com").update(
        state=Message.State.FAILED, last_error="550 5.1.1 No such user here"
    )
    found = last_run(package)
    page = signed_in("Viewer").get(address(f"packages/run/{found.pk}/change/")).content.decode()
    told = page[page.index('id="messages"') :]
    for person in ("eve", "ann", "cas", "dee"):
        assert f"{person}@example.com</a>" in told, person
    assert "On Entry Error" in told
    assert "Failed for good" in told
    assert "550 5.1.1 No such user here" in told
    assert "bob@example.com" not in page
