"""Incidents are told once, their end once; the schedule; the status file."""

import base64
import hashlib
import hmac
import json

import pytest

from refresher.worker import alarms, state
from refresher.worker.configuration import Alarm, Configuration, Mail, Product, Runner, Schedule, Webhook
from refresher.worker.incidents import judge
from refresher.worker.log import Log
from refresher.worker.schedule import delayed, first_planned, next_planned
from refresher.worker.state import AlreadyRunning, State

ALL = {"unreachable", "workers", "refresh"}


def told(incidents, findings, *, now=0.0, known=frozenset(ALL), remind=0.0):
    telling = judge(incidents, findings, known=known, now=now, remind_seconds=remind)
    return sorted(telling.new), sorted(telling.reminded), sorted(telling.over)


def test_an_incident_is_told_once_and_its_end_once():
    incidents = {}
    assert told(incidents, {"workers": "None."}) == (["workers"], [], [])
    assert told(incidents, {"workers": "None."}, now=5) == ([], [], [])
    assert told(incidents, {}, now=9) == ([], [], ["workers"])
    assert told(incidents, {}, now=10) == ([], [], [])
    assert told(incidents, {"workers": "None."}, now=11) == (["workers"], [], [])


def test_what_was_not_looked_at_is_neither_over_nor_new():
    incidents = {}
    told(incidents, {"refresh:main": "Late."})
    assert told(incidents, {"unreachable": "Away."}, known={"unreachable"}) == (["unreachable"], [], [])
    assert told(incidents, {}) == ([], [], ["refresh:main", "unreachable"])


def test_reminders_come_at_their_interval_only_if_wanted():
    incidents = {}
    told(incidents, {"workers": "None."}, remind=100)
    assert told(incidents, {"workers": "None."}, now=99, remind=100)[1] == []
    assert told(incidents, {"workers": "None."}, now=100, remind=100)[1] == ["workers"]
    assert told(incidents, {"workers": "None."}, now=150, remind=100)[1] == []
    assert told(incidents, {"workers": "None."}, now=10_000, remind=0)[1] == []


# --- messages
MAIL = Mail(host="m.example", sender="w@example.com", recipients=("a@example.com",))


def configured(**sections):
    return Configuration(
        product=Product(url="https://jobs.example.com"), alarm=Alarm(name="night"), **sections
    )


def messages_of(findings, *, incidents=None, now=0.0, **sections):
    telling = judge({} if incidents is None else incidents, findings, known=ALL, now=now, remind_seconds=0)
    return alarms.messages(telling, configuration=configured(**sections), now=now)


def test_a_message_per_channel_names_everything_new():
    found = messages_of(
        {"workers": "No worker.", "refresh:main": "Late."}, mail=MAIL, webhook=Webhook(url="https://h")
    )
    assert [one.channel for one in found] == ["mail", "webhook"]
    assert found[0].subject == "Jobwarden has no worker (and 1 more)"
    assert "- Late." in found[0].text
    assert "https://jobs.example.com" in found[0].text
    assert "night" in found[0].text


def test_the_end_says_from_when_to_when():
    incidents = {}
    messages_of({"refresh:main": "Late."}, incidents=incidents, mail=MAIL)
    (found,) = messages_of({}, incidents=incidents, now=3_600.0, mail=MAIL)
    assert (found.kind, found.subject) == ("recovery", "Over: The jobs of main are not refreshed")
    assert "From 1970-01-01 00:00 UTC to 1970-01-01 01:00 UTC." in found.text


def test_without_a_channel_there_is_no_message():
    assert messages_of({"workers": "No worker."}) == []


def test_a_message_stays_until_its_channel_takes_it(mail_server):
    port = mail_server.port
    mail_server.stop()
    configuration = configured(
        mail=Mail(
            host="127.0.0.1",
            port=port,
            security="none",
            sender="w@example.com",
            recipients=("a@example.com",),
        )
    )
    kept = State(pending=messages_of({"workers": "No worker."}, mail=configuration.mail))

    def deliver():
        return alarms.deliver(
            kept, configuration=configuration, log=Log(level="error"), now=1.0, saved=lambda: None
        )

    assert deliver() == 1
    assert (kept.pending[0].attempts, "Check the section [mail]" in kept.pending[0].last_error) == (1, True)
    mail_server.start()
    assert deliver() == 0
    (mail,) = mail_server.mails
    assert (mail["Subject"], mail["To"]) == ("Jobwarden has no worker", "a@example.com")


def test_a_webhook_is_signed_as_standard_webhooks_asks(scripted):
    scripted.say(204)
    secret = base64.b64encode(b"0123456789abcdef").decode()
    webhook = Webhook(url=scripted.base, secret=f"whsec_{secret}")
    (pending,) = messages_of({"workers": "No worker."}, webhook=webhook)
    alarms.send(pending, configuration=configured(webhook=webhook), now=1_800_000_000)
    (_, headers, body) = scripted.requests[0]
    signed = f"{pending.id}.1800000000.{body}".encode()
    expected = base64.b64encode(hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["type"] == "jobwarden.worker.alarm"


def test_a_webhook_that_refuses_is_a_sentence(scripted):
    scripted.say(410)
    webhook = Webhook(url=scripted.base)
    (pending,) = messages_of({"workers": "No worker."}, webhook=webhook)
    with pytest.raises(alarms.NotSent, match="answered with status 410"):
        alarms.send(pending, configuration=configured(webhook=webhook), now=0)


# --- the schedule
HOURLY = Schedule(minutes=60, jitter_minutes=5)


def test_cycles_stay_on_their_grid_and_missed_ones_are_left_out():
    assert next_planned(0, now=20, schedule=HOURLY) == 3_600
    assert next_planned(0, now=3_600, schedule=HOURLY) == 7_200
    assert next_planned(0, now=7_300, schedule=HOURLY) == 10_800


def test_delays_do_not_add_up_and_stay_below_half_a_step():
    assert [delayed(3_600, schedule=HOURLY, chance=chance) for chance in (0, 1)] == [3_600, 3_900]
    assert delayed(0, schedule=Schedule(minutes=2, jitter_minutes=60), chance=1) == 60


def test_a_restart_waits_for_the_planned_cycle_but_not_for_one_far_away():
    assert first_planned(500, now=100, schedule=HOURLY) == 500
    assert first_planned(50, now=100, schedule=HOURLY) == 100
    assert first_planned(90_000, now=100, schedule=HOURLY) == 100
    assert first_planned(None, now=100, schedule=HOURLY) == 100


# --- the status file
def test_the_state_survives_and_the_file_is_private(tmp_path):
    file = tmp_path / "status.json"
    kept = state.load(file)
    kept.record_of(Runner(name="robot", token="jw_x")).untold = 3
    judge(kept.incidents, {"workers": "None."}, known=ALL, now=1, remind_seconds=0)
    kept.pending = messages_of({"workers": "None."}, mail=MAIL)
    state.save(file, kept, now=7.0)
    assert state.load(file) == kept
    assert file.stat().st_mode & 0o027 == 0
    assert "jw_x" not in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_credential_forgets_the_failures():
    kept = State()
    kept.record_of(Runner(name="robot", token="old")).untold = 15
    assert kept.record_of(Runner(name="robot", token="old")).is_inactive
    assert not kept.record_of(Runner(name="robot", token="new")).is_inactive


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 1, "runners": 5}', '{"version": 2}', "\x00"])
def test_a_file_that_is_not_ours_is_refused(tmp_path, text):
    file = tmp_path / "status.json"
    file.write_text(text)
    with pytest.raises(ValueError):  # noqa: PT011  (of several kinds)
        state.load(file)


def test_two_workers_never_share_a_status_file(tmp_path):
    file = tmp_path / "status.json"
    with state.alone(file), pytest.raises(AlreadyRunning), state.alone(file):
        pass
    with state.alone(file):
        pass
