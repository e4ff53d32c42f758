"""Delivery against a real mail server: refusals for now and for good, broken connections, an hour without a server."""

from datetime import timedelta

import pytest
from django.core import mail

from jobqueue.models import Installation, ScheduledTask
from notifications import delivery
from notifications.models import DeliveryAttempt, Message, RecipientPreference
from notifications.notify import DELIVER_ROUTINE, notify
from tests.builders import NOW, make_user
from tests.notifications.outbox import deliver, make_list, occasion

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def tell(*recipients, **fields) -> list[Message]:
    found = make_list(*((one, "sample_error") for one in recipients))
    return notify(occasion("sample_error", lists=(found,), **fields))


def state_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).state


def attempts_of(message: Message) -> list[str]:
    return list(DeliveryAttempt.objects.filter(message=message).values_list("outcome", flat=True))


def test_a_message_reaches_the_mail_server_with_text_and_html(mail_server):
    [message] = tell(make_user("ann"))
    deliver(NOW)

    [received] = mail_server.mails
    assert mail_server.envelopes == [["ann@example.com"]]
    assert received["Subject"] == "[Jobwarden] Nightly: Warning"
    assert "Something happened." in received.get_body(("plain",)).get_content()
    assert "Something happened." in received.get_body(("html",)).get_content()
    assert received["Message-ID"] == f"<{message.uuid}@localhost>"
    assert received["Auto-Submitted"] == "auto-generated"
    message.refresh_from_db()
    assert (message.state, message.address, message.sent_at) == ("sent", "ann@example.com", NOW)
    assert message.subject == "[Jobwarden] Nightly: Warning"
    assert attempts_of(message) == ["sent"]


def test_nothing_is_sent_before_the_change_is_committed_and_delivered(mail_server):
    [message] = tell("ops@example.com")

    assert (state_of(message), mail_server.mails) == ("queued", [])


def test_many_messages_go_over_one_connection(mail_server, monkeypatch):
    connections = []
    before = delivery.channels._makers["email"]
    monkeypatch.setitem(delivery.channels._makers, "email", lambda: connections.append(1) or before())
    tell(*(f"user{number}@example.com" for number in range(30)))
    deliver(NOW)

    assert (len(mail_server.mails), len(connections)) == (30, 1)
    assert not ScheduledTask.objects.filter(main_routine=DELIVER_ROUTINE).exists()


def test_each_recipient_reads_in_their_own_language_and_zone(mail_server):
    ann = make_user("ann")
    RecipientPreference.objects.create(user=ann, language="nl", time_zone="Europe/Amsterdam")
    [message] = tell(ann)

    assert (message.language, message.time_zone) == ("nl", "Europe/Amsterdam")


def test_the_address_is_the_one_the_user_has_when_the_mail_is_sent(mail_server):
    ann = make_user("ann")
    tell(ann)
    ann.email = "ann@new.example.com"
    ann.save()
    deliver(NOW)

    assert mail_server.envelopes == [["ann@new.example.com"]]


@pytest.mark.parametrize("place", ["recipients", "data"])
def test_a_refusal_for_now_is_tried_again_later(mail_server, place):
    getattr(mail_server, place).append("451 4.7.1 Greylisted, come back later")
    [message] = tell("ops@example.com")
    deliver(NOW)
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at) == ("queued", NOW + MINUTE)
    assert "451 4.7.1 Greylisted" in message.last_error

    deliver(NOW + MINUTE)
    assert state_of(message) == "sent"
    assert attempts_of(message) == ["temporary", "sent"]
    assert len(mail_server.mails) == 1


@pytest.mark.parametrize(
    ("place", "reply"),
    [("recipients", "550 5.1.1 No such user here"), ("data", "554 5.7.1 Message rejected")],
)
def test_a_refusal_for_good_is_not_tried_again(mail_server, place, reply):
    getattr(mail_server, place).append(reply)
    [message] = tell("nobody@example.com")
    deliver(NOW)
    message.refresh_from_db()

    assert (message.state, message.failed_at) == ("failed", NOW)
    assert reply in message.last_error
    assert attempts_of(message) == ["permanent"]
    deliver(NOW + 80 * HOUR)
    assert mail_server.mails == []


def test_a_refused_recipient_does_not_stop_the_others(mail_server):
    mail_server.recipients.append("550 5.1.1 No such user here")
    messages = tell("nobody@example.com", "ops@example.com", "ann@example.com")
    deliver(NOW)

    assert [state_of(one) for one in messages] == ["failed", "sent", "sent"]


def test_a_connection_broken_while_the_message_is_sent_is_tried_again(mail_server):
    mail_server.drops = 1
    [message] = tell("ops@example.com")
    deliver(NOW)
    assert state_of(message) == "queued"

    deliver(NOW + MINUTE)
    assert (state_of(message), len(mail_server.mails)) == ("sent", 1)
    assert attempts_of(message) == ["temporary", "sent"]


def test_the_message_id_stays_the_same_however_often_it_is_tried(mail_server):
    mail_server.data.append("451 Later")
    [message] = tell("ops@example.com")
    for minute in (0, 1):
        deliver(NOW + minute * MINUTE)

    assert [one["Message-ID"] for one in mail_server.mails] == [f"<{message.uuid}@localhost>"]


def test_a_server_that_is_down_for_an_hour_gets_every_message_once_it_is_back(mail_server):
    mail_server.stop()
    messages = tell("ann@example.com", "bob@example.com", "cas@example.com")
    for minute in range(60):
        deliver(NOW + minute * MINUTE)
    assert {state_of(one) for one in messages} == {"queued"}
    assert all(one.last_error for one in Message.objects.all())
    tried = DeliveryAttempt.objects.count()
    assert 12 <= tried <= 60, "not every message knocks every minute"

    mail_server.start()
    for minute in range(60, 66):
        deliver(NOW + minute * MINUTE)
    assert {state_of(one) for one in messages} == {"sent"}
    assert [one[0] for one in mail_server.envelopes] == [
        "ann@example.com",
        "bob@example.com",
        "cas@example.com",
    ]


def test_what_was_written_while_nobody_answered_arrives_once_each_and_in_order(mail_server):
    mail_server.stop()
    written = (0, 3, 17, 18, 33, 50)
    for minute in range(60):
        if minute in written:
            tell(f"minute{minute}@example.com", moment=NOW + minute * MINUTE)
        deliver(NOW + minute * MINUTE)
    assert DeliveryAttempt.objects.count() <= 30
    mail_server.start()
    tell("back@example.com", moment=NOW + 61 * MINUTE)
    deliver(NOW + 61 * MINUTE)

    expected = [*(f"minute{minute}@example.com" for minute in written), "back@example.com"]
    assert [one[0] for one in mail_server.envelopes] == expected
    assert not Message.objects.exclude(state="sent").exists()
    deliver(NOW + 90 * MINUTE)
    assert len(mail_server.mails) == len(expected)


def test_what_an_answer_put_off_is_not_sent_earlier_for_that(mail_server):
    mail_server.recipients.append("451 4.7.1 Greylisted, come back later")
    tell("greylisted@example.com")
    deliver(NOW)
    tell("ops@example.com", moment=NOW + MINUTE / 2)
    deliver(NOW + MINUTE / 2)

    assert mail_server.envelopes == [["ops@example.com"]]
    deliver(NOW + MINUTE)
    assert mail_server.envelopes == [["ops@example.com"], ["greylisted@example.com"]]


def test_a_message_is_given_up_after_the_hours_of_the_settings(mail_server, settings):
    settings.NOTIFICATIONS = {"RETRY_HOURS": 4}
    mail_server.stop()
    [message] = tell("ops@example.com")
    for _ in range(1_000):
        if state_of(message) != "queued":
            break
        deliver(Message.objects.get().next_attempt_at)

    message.refresh_from_db()
    assert (message.state, message.failed_at) == ("failed", NOW + 4 * HOUR)
    assert message.last_error.startswith("Given up after 4 hours.")


def test_a_recipient_without_address_fails_for_good_and_says_what_to_do(mail_server):
    ann = make_user("ann")
    ann.email = ""
    ann.save()
    [message] = tell(ann)
    deliver(NOW)
    message.refresh_from_db()

    assert message.state == "failed"
    assert message.last_error.startswith("The user “ann” has no e-mail address. Enter one")


def test_a_recipient_whose_user_was_deleted_fails_for_good(mail_server):
    ann = make_user("ann")
    [message] = tell(ann)
    ann.delete()
    deliver(NOW)

    assert state_of(message) == "failed"


def test_a_template_that_breaks_does_not_stop_the_others(mail_server):
    [broken] = tell("ann@example.com", facts={"severity": "no such severity", "name": "Nightly"})
    [sound] = tell("bob@example.com")
    deliver(NOW)

    assert (state_of(broken), state_of(sound)) == ("queued", "sent")


def test_what_a_lost_worker_was_sending_is_sent_again_by_the_same_task(mail_server):
    [message] = tell("ops@example.com")
    task = ScheduledTask.objects.get(main_routine=DELIVER_ROUTINE)
    taken = delivery._take(delivery.Round(task.pk), now=NOW)
    assert taken is not None
    assert state_of(message) == "sending"

    deliver(NOW + MINUTE)
    assert state_of(message) == "sent"
    assert attempts_of(message) == ["lost", "sent"]


def test_another_task_leaves_alone_what_is_being_sent_until_its_lease_is_over(mail_server):
    [message] = tell("ops@example.com")
    delivery._take(delivery.Round(ScheduledTask.objects.get().pk), now=NOW)
    ScheduledTask.objects.all().delete()
    notify(occasion("sample_error", lists=(make_list(("ann@example.com", "sample_error")),)))
    deliver(NOW + MINUTE)
    assert (state_of(message), mail_server.envelopes) == ("sending", [["ann@example.com"]])

    assert delivery.recover(None, now=NOW + delivery.LEASE) == 0
    assert delivery.recover(None, now=NOW + delivery.LEASE + MINUTE) == 1
    assert state_of(message) == "queued"


def test_the_one_who_was_slower_records_nothing(mail_server):
    [message] = tell("ops@example.com")
    first = delivery._take(delivery.Round(ScheduledTask.objects.get().pk), now=NOW)
    delivery.recover(None, now=NOW + 2 * delivery.LEASE)
    assert first is not None
    delivery._fail(first, "Too late.")

    assert (state_of(message), attempts_of(message)) == ("queued", ["lost"])


def test_nothing_is_sent_while_the_copy_guard_holds_the_database(mail_server, settings):
    Installation.objects.create(site_id="somebody-else")
    [message] = tell("ops@example.com")
    deliver(NOW)

    assert (state_of(message), mail_server.mails) == ("queued", [])


def test_files_and_memory_serve_where_there_is_no_server():
    """The test run's mail backend keeps mails in memory."""
    tell("ops@example.com")
    deliver(NOW)

    assert [one.to for one in mail.outbox] == [["ops@example.com"]]


def test_while_nobody_answers_new_messages_do_not_knock_again_and_again(mail_server):
    mail_server.stop()
    tell("first@example.com")
    deliver(NOW)
    for second in range(1, 31):
        at = NOW + timedelta(seconds=second)
        tell(f"user{second}@example.com", moment=at)
        deliver(at)
    assert DeliveryAttempt.objects.count() == 1

    mail_server.start()
    for second in range(31, 100):
        deliver(NOW + timedelta(seconds=second))
    assert len(mail_server.mails) == 31
