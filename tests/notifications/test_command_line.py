"""``manage.py notifications``: answers in JSON, refusals as one sentence."""

import io
import json

import pytest
from django.core.management import call_command

from jobqueue.scheduler import database_now
from notifications.models import DefaultList, EntryLink, NotificationList
from tests.builders import default_company, make_company, make_entry, make_superuser, make_user
from tests.notifications.outbox import deliver, make_list

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def administrator():
    default_company()
    return make_superuser("root")


def ask(*words: str):
    out = io.StringIO()
    call_command("notifications", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def say(*words: str) -> str:
    out = io.StringIO()
    call_command("notifications", *words, stdout=out)
    return out.getvalue()


def refusal(*words: str) -> dict:
    out, error = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("notifications", *words, "--json", stdout=out, stderr=error)
    assert left.value.code == 1
    found = json.loads(out.getvalue())["error"]
    assert error.getvalue().strip() == found["message"]
    return found


def test_a_list_from_its_making_to_its_end():
    made = ask("create", "On call", "--set", "description=Nights and weekends")
    line = ask("add-line", "on CALL", "--set", "address=ops@example.com", "--set", "scenario=entry_error")
    ask("change-line", str(line["id"]), "--set", "repeat_minutes=60")
    shown = ask("show", str(made["id"]))

    assert (shown["name"], shown["description"]) == ("On call", "Nights and weekends")
    assert [(one["address"], one["scenario"], one["repeat_minutes"]) for one in shown["lines"]] == [
        ("ops@example.com", "entry_error", 60)
    ]
    assert [one["name"] for one in ask("lists")] == ["On call"]
    assert ask("remove-line", str(line["id"]))["removed"]
    assert ask("change", "On call", "--set", "is_enabled=off")["is_enabled"] is False
    assert ask("delete", "On call")["deleted"]
    assert not NotificationList.objects.exists()


def test_linking_and_the_default_list(administrator):
    entry, found = (
        make_entry(description="Import", user=administrator),
        make_list(("a@example.com", "entry_error"), name="On call"),
    )
    ask("link", "On call", str(entry.entry_no))
    assert ask("show", "On call")["linked_entries"] == [
        {"entry_no": entry.entry_no, "id": str(entry.id), "description": "Import"}
    ]
    assert "no longer hears of entry" in say("unlink", "On call", str(entry.entry_no))
    assert not EntryLink.objects.exists()

    assert ask("set-default", "On call")["default_list"] == found.pk
    assert ask("set-default")["default_list"] is None
    assert not DefaultList.objects.exists()


def send_what_is_due() -> None:
    deliver(database_now())


def test_messages_are_tested_shown_and_sent_again(mail_server):
    make_list(("ops@example.com", "entry_error"), name="On call")
    [sent] = ask("send-test", "On call")
    send_what_is_due()
    shown = ask("message", str(sent["id"]))

    assert (shown["state"], shown["recipient"]) == ("sent", "ops@example.com")
    assert [one["outcome"] for one in shown["delivery_attempts"]] == ["sent"]
    assert "This is a test." in shown["text"]
    again = ask("send-again", str(sent["id"]))
    assert again["id"] != sent["id"]
    assert [one["id"] for one in ask("messages", "--state", "queued")] == [again["id"]]
    assert "[Jobwarden] Test message" in say("messages")


def test_scenarios_are_listed():
    codes = {one["code"] for one in ask("scenarios")}
    assert {"entry_error", "entry_success", "entry_recovery", "entry_late", "entry_ran_longer"} <= codes
    assert "entry_late" in say("scenarios")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "Nothing"), "not_found"),
        (("message", "99"), "not_found"),
        (("message", "x"), "not_found"),
        (("remove-line", "99999999999999999999"), "not_found"),
        (("create", "  "), "invalid"),
        (("send-test", "Empty"), "nobody_to_tell"),
        (("set-default", "Empty"), "invalid"),
        (("lists", "--company", "nowhere"), "not_found"),
    ],
)
def test_refusals(words, code):
    make_list(name="Empty")
    assert refusal(*words)["code"] == code


def test_a_bad_line_names_every_problem():
    make_list(name="On call")
    found = refusal("add-line", "On call", "--set", "address=nothing", "--set", "scenario=no")
    assert {one["field"] for one in found["problems"]} == {"address", "scenario"}


def test_people_need_their_permissions():
    make_user("viewer", groups=["Viewer"])
    make_user("nobody")
    make_list(("a@example.com", "entry_error"), name="On call")
    assert ask("lists", "--as", "viewer")
    assert refusal("send-test", "On call", "--as", "viewer")["code"] == "not_allowed"
    assert refusal("lists", "--as", "nobody")["code"] == "not_allowed"


def test_lists_of_other_companies_are_not_there():
    other = make_company("other")
    make_company("third", members=[make_user("limited", groups=["Viewer"])])
    make_list(name="Secret", company=other)
    assert refusal("show", "Secret", "--as", "limited")["code"] == "not_found"


def test_a_held_up_delivery_is_seen(mail_server):
    mail_server.stop()
    make_list(("ops@example.com", "entry_error"), name="On call")
    ask("send-test", "On call")
    send_what_is_due()

    assert "The mail server cannot be used" in ask("messages")[0]["last_error"]
