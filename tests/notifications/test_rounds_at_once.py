"""Several rounds of delivery at the same moment, in threads with connections of their own."""

import threading
import uuid

import pytest
from django.db import connection

from jobqueue.scheduler import fixed_clock
from notifications import delivery
from notifications.models import DeliveryAttempt, Message
from notifications.notify import notify
from tests.builders import NOW
from tests.notifications.outbox import make_list, occasion

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = 24
ROUNDS = 4


def test_each_message_is_sent_by_one_round(mail_server):
    lines = ((f"user{number}@example.com", "sample_error") for number in range(MESSAGES))
    notify(occasion("sample_error", lists=(make_list(*lines),)))
    together = threading.Barrier(ROUNDS)
    sent, errors = [], []

    def work() -> None:
        try:
            together.wait(10)
            with fixed_clock(NOW):
                sent.append(delivery.deliver(uuid.uuid4()))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(ROUNDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert sum(sent) == MESSAGES
    assert sorted(box for [box] in mail_server.envelopes) == sorted(
        f"user{number}@example.com" for number in range(MESSAGES)
    )
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert DeliveryAttempt.objects.count() == MESSAGES
